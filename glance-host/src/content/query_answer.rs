//! Checks answers to glance queries.

use std::fmt::Display;

use glance_sdk::json;
use glance_sdk::validate::{self, Severity};
use reqwest::StatusCode;
use serde_json::Value;

/// Reads the answer to a glance's query as a host does, and returns the glance data in it. `origin` is the host's,
/// and `allowed_origin` is the answer's `Access-Control-Allow-Origin`; several such headers are joined by commas.
///
/// ```
/// use glance_host::check_query_answer;
/// use glance_sdk::egress::reqwest::StatusCode;
///
/// let body = br#"{"label": {"type": "html", "value": "<b>4</b> builds"}}"#;
/// let host = "https://chat.example";
/// let data = check_query_answer(host, StatusCode::OK, Some("*"), body);
/// assert_eq!(data.unwrap()["label"]["type"], "html");
/// let refused = check_query_answer(host, StatusCode::OK, None, body);
/// assert_eq!(refused, Err("Its answer has no Access-Control-Allow-Origin.".to_owned()));
/// ```
///
/// # Errors
///
/// Returns one sentence if the status is 400 or above, a browser would not let the host's page read the answer, or
/// the body is no glance data.
pub fn check_query_answer(
    origin: &str,
    status: StatusCode,
    allowed_origin: Option<&str>,
    body: &[u8],
) -> Result<Value, String> {
    if status.as_u16() >= 400 {
        return Err(format!("It answered {status}."));
    }
    cors(origin, allowed_origin)?;
    let data: Value =
        json::from_slice(body).map_err(|cause| format!("Its answer is no JSON: {cause}."))?;
    if data.get("error").is_some() {
        return Err("Its answer is an error.".to_owned());
    }
    let wrong = |problem: &dyn Display| format!("Its answer is no glance data: {problem}.");
    let problems = validate::glance_data(&data);
    match problems.iter().find(|it| it.severity == Severity::Error) {
        None => Ok(data),
        Some(problem) => Err(wrong(problem)),
    }
}

/// Says in one sentence whether a browser would let the host's page read an answer with this header.
pub(crate) fn cors(base_url: &str, allowed_origin: Option<&str>) -> Result<String, String> {
    match allowed_origin {
        Some("*") => Ok("Its answer is for every origin.".to_owned()),
        Some(origin) if origin == base_url => Ok(format!("Its answer is for {origin}.")),
        Some(several) if several.contains(',') => Err(format!(
            "Its answer has more than one Access-Control-Allow-Origin ({several}), and no browser takes \
             any then: the add-on and a proxy before it may both send the header, so let one of them do it."
        )),
        Some(other) => Err(format!(
            "Its answer is for {other} only: Access-Control-Allow-Origin must be * or {base_url}."
        )),
        None => Err("Its answer has no Access-Control-Allow-Origin.".to_owned()),
    }
}
