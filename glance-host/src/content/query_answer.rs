//! Checks answers to glance queries.

use std::error::Error;
use std::fmt;

use glance_sdk::json;
use glance_sdk::validate::{self, Problem, Severity};
use reqwest::StatusCode;
use serde_json::Value;

/// The reason why the host does not accept the answer to a glance's query. Its text is a sentence.
#[derive(Debug)]
#[non_exhaustive]
pub enum QueryAnswerError {
    /// The status is 400 or above.
    Status(StatusCode),
    /// A browser would not let the host's page read the answer: it has no `Access-Control-Allow-Origin`.
    NoAllowedOrigin,
    /// A browser would not let the host's page read the answer: it has several `Access-Control-Allow-Origin`.
    SeveralAllowedOrigins(String),
    /// A browser would not let the host's page read the answer: it is for another origin.
    OtherOrigin {
        /// The value of `Access-Control-Allow-Origin`.
        allowed: String,
        /// The origin of the host.
        origin: String,
    },
    /// The body is no JSON.
    Json(json::Error),
    /// The body has a member `error`.
    Error,
    /// The body is no glance data.
    Data(Problem),
}

impl fmt::Display for QueryAnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "It answered {status}."),
            Self::NoAllowedOrigin => f.write_str("Its answer has no Access-Control-Allow-Origin."),
            Self::SeveralAllowedOrigins(several) => write!(
                f,
                "Its answer has more than one Access-Control-Allow-Origin ({several}), and no browser takes any \
                 then: the add-on and a proxy before it may both send the header, so let one of them do it."
            ),
            Self::OtherOrigin { allowed, origin } => write!(
                f,
                "Its answer is for {allowed} only: Access-Control-Allow-Origin must be * or {origin}."
            ),
            Self::Json(error) => write!(f, "Its answer is no JSON: {error}."),
            Self::Error => f.write_str("Its answer is an error."),
            Self::Data(problem) => write!(f, "Its answer is no glance data: {problem}."),
        }
    }
}

impl Error for QueryAnswerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            _ => None,
        }
    }
}

/// Reads the answer to a glance's query as a host does, and returns the glance data in it. `origin` is the host's,
/// and `allowed_origin` is the answer's `Access-Control-Allow-Origin`; several such headers are joined by commas.
///
/// ```
/// use glance_host::{QueryAnswerError, check_query_answer};
/// use glance_sdk::egress::reqwest::StatusCode;
///
/// let body = br#"{"label": {"type": "html", "value": "<b>4</b> builds"}}"#;
/// let host = "https://chat.example";
/// let data = check_query_answer(host, StatusCode::OK, Some("*"), body);
/// assert_eq!(data.unwrap()["label"]["type"], "html");
/// let refused = check_query_answer(host, StatusCode::OK, None, body).unwrap_err();
/// assert!(matches!(refused, QueryAnswerError::NoAllowedOrigin));
/// assert_eq!(refused.to_string(), "Its answer has no Access-Control-Allow-Origin.");
/// ```
///
/// # Errors
///
/// Returns an error if the status is 400 or above, a browser would not let the host's page read the answer, or the
/// body is no glance data.
pub fn check_query_answer(
    origin: &str,
    status: StatusCode,
    allowed_origin: Option<&str>,
    body: &[u8],
) -> Result<Value, QueryAnswerError> {
    if status.as_u16() >= 400 {
        return Err(QueryAnswerError::Status(status));
    }
    check_cors(origin, allowed_origin)?;
    let data: Value = json::from_slice(body).map_err(QueryAnswerError::Json)?;
    if data.get("error").is_some() {
        return Err(QueryAnswerError::Error);
    }
    let mut problems = validate::glance_data(&data).into_iter();
    match problems.find(|problem| problem.severity == Severity::Error) {
        None => Ok(data),
        Some(problem) => Err(QueryAnswerError::Data(problem)),
    }
}

/// Checks whether a browser would let a page of this origin read an answer with this header.
fn check_cors(origin: &str, allowed_origin: Option<&str>) -> Result<(), QueryAnswerError> {
    match allowed_origin {
        None => Err(QueryAnswerError::NoAllowedOrigin),
        Some(allowed) if allowed == "*" || allowed == origin => Ok(()),
        Some(several) if several.contains(',') => {
            Err(QueryAnswerError::SeveralAllowedOrigins(several.to_owned()))
        }
        Some(allowed) => Err(QueryAnswerError::OtherOrigin {
            allowed: allowed.to_owned(),
            origin: origin.to_owned(),
        }),
    }
}

/// Says in one sentence whether a browser would let the host's page read an answer with this header.
pub(crate) fn describe_cors(origin: &str, allowed_origin: Option<&str>) -> String {
    match (check_cors(origin, allowed_origin), allowed_origin) {
        (Err(error), _) => error.to_string(),
        (Ok(()), Some("*")) => "Its answer is for every origin.".to_owned(),
        (Ok(()), _) => format!("Its answer is for {origin}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_must_be_readable_for_the_origin_of_the_host() {
        const HOST: &str = "https://chat.example";
        for (allowed, is_readable, description) in [
            (Some("*"), true, "Its answer is for every origin."),
            (Some(HOST), true, "Its answer is for https://chat.example."),
            (
                Some("https://other.example"),
                false,
                "Its answer is for https://other.example only: ",
            ),
            (
                Some("*, *"),
                false,
                "Its answer has more than one Access-Control-Allow-Origin (*, *)",
            ),
            (
                None,
                false,
                "Its answer has no Access-Control-Allow-Origin.",
            ),
        ] {
            assert_eq!(check_cors(HOST, allowed).is_ok(), is_readable);
            let described = describe_cors(HOST, allowed);
            assert!(described.starts_with(description), "{described}");
        }
    }

    #[test]
    fn answer_must_be_glance_data() {
        let check = |status, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            check_query_answer("https://chat.example", status, Some("*"), body.as_bytes())
        };
        let data = r#"{"label": {"type": "html", "value": "4"}}"#;
        assert!(check(200, data).is_ok() && check(302, data).is_ok());
        assert!(matches!(check(400, data), Err(QueryAnswerError::Status(_))));
        assert!(matches!(check(200, "{"), Err(QueryAnswerError::Json(_))));
        let error = check(200, r#"{"error": {}}"#);
        assert!(matches!(error, Err(QueryAnswerError::Error)));
        let invalid = check(200, r#"{"label": {"type": "html"}}"#);
        assert!(matches!(invalid, Err(QueryAnswerError::Data(_))));
    }
}
