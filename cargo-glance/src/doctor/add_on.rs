//! Checks the responses of the add-on and of a host.

use std::time::Duration;

use glance_sdk::egress::reqwest::Method;
use glance_sdk::egress::reqwest::header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap, ORIGIN};
use glance_sdk::egress::{CallError, Timeouts};
use glance_sdk::validate::{self, Severity};
use reqwest::Url;
use serde_json::Value;

use super::clock;
use super::finding::Finding;
use crate::error::CommandError;
use crate::{fetch, http};

const TIMEOUT: Duration = Duration::from_secs(10);

const MAX_BYTES: usize = 1024 * 1024;

/// The limit on the checked glances.
const MAX_GLANCES: usize = 20;

/// An origin that add-ons do not know.
const SOME_HOST: &str = "https://chat.example";

/// Reads the descriptor, and queries its glances without a token. Returns the add-on's key.
pub(super) async fn check(
    url: &str,
    findings: &mut Vec<Finding>,
) -> Result<Option<String>, CommandError> {
    let Some((headers, descriptor)) = read("add-on", url, findings).await? else {
        return Ok(None);
    };
    findings.extend(clock::check("the add-on", &headers));
    let problems = validate::descriptor(&descriptor);
    let errors: Vec<_> = problems
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .collect();
    findings.push(match errors.first() {
        None => Finding::good("descriptor", format!("{url} serves a descriptor.")),
        Some(first) => Finding::bad(
            "descriptor",
            format!("Hosts refuse the descriptor: {first}."),
            format!("`cargo glance validate {url}` marks every place"),
        ),
    });
    same_place(url, &descriptor, findings);
    let glances = descriptor["capabilities"]["glance"].as_array();
    let queries = glances
        .into_iter()
        .flatten()
        .filter_map(|glance| glance["queryUrl"].as_str());
    for query in queries.take(MAX_GLANCES) {
        cross_origin(query, findings).await?;
    }
    Ok(descriptor["key"].as_str().map(ToOwned::to_owned))
}

/// Checks that the descriptor contains the URL from which it was read.
fn same_place(url: &str, descriptor: &Value, findings: &mut Vec<Finding>) {
    let origin = |url: &str| Some(Url::parse(url).ok()?.origin().ascii_serialization());
    let named = descriptor["links"]["self"].as_str().unwrap_or_default();
    let (read, named) = (origin(url), origin(named));
    if let Some(named) = named.filter(|named| Some(named) != read.as_ref()) {
        findings.push(Finding::bad(
            "base-url",
            format!("The descriptor names the address {named}, but it was read at {url}."),
            "set BASE_URL to the address at which hosts reach the add-on",
        ));
    }
}

/// Checks that browsers may read the response to a query. Without a token the add-on refuses the
/// query, and must allow every origin to read even that response.
async fn cross_origin(query: &str, findings: &mut Vec<Finding>) -> Result<(), CommandError> {
    let Ok(parsed) = query.parse::<Url>() else {
        return Ok(());
    };
    let client = http::client().map_err(fetch::no_client)?;
    let request = client
        .request(Method::GET, parsed)
        .header(ORIGIN, SOME_HOST)
        .build();
    let request = request.map_err(|cause| fetch::no_client(cause.without_url().to_string()))?;
    let answer = match client.send(request, Timeouts::within(TIMEOUT)).await {
        Ok(answer) => answer,
        Err(cause) => {
            findings.push(unreachable("cors", query, &cause));
            return Ok(());
        }
    };
    let allowed = answer.headers().get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter();
    let allowed: Vec<_> = allowed
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    findings.push(match allowed.join(", ").as_str() {
        "*" => Finding::good("cors", format!("Browsers may read {query}")),
        one if one == SOME_HOST => Finding::good("cors", format!("Browsers may read {query}")),
        several if allowed.len() > 1 || several.contains(',') => Finding::bad(
            "cors",
            format!("The response of {query} has several Access-Control-Allow-Origin headers, which browsers refuse."),
            "send the header from the add-on or from its proxy, not from both",
        ),
        _ => Finding::warning(
            "cors",
            format!("{query} refuses a request without a token, but without the header Access-Control-Allow-Origin."),
            "`cargo glance simulate query` tries it with a token",
        ),
    });
    Ok(())
}

/// Checks that a host responds, and compares its clock.
pub(super) async fn check_host(url: &str, findings: &mut Vec<Finding>) -> Result<(), CommandError> {
    let Some((headers, capabilities)) = read("host", url, findings).await? else {
        return Ok(());
    };
    findings.extend(clock::check("the host", &headers));
    let named = capabilities["links"]["self"].as_str();
    findings.push(match named {
        Some(named) if named == url => Finding::good("host", format!("{url} is a host.")),
        Some(named) => Finding::bad(
            "host",
            format!("The host names the address {named}, so add-ons refuse it at {url}."),
            "use the host's own address, or set its public_url",
        ),
        None => Finding::bad(
            "host",
            format!("{url} is not a capabilities document."),
            "use the host's address without a path",
        ),
    });
    Ok(())
}

/// Reads a JSON document, or reports the reason of a failure.
async fn read(
    subject: &'static str,
    url: &str,
    findings: &mut Vec<Finding>,
) -> Result<Option<(HeaderMap, Value)>, CommandError> {
    let client = http::client().map_err(fetch::no_client)?;
    let request = client.request(Method::GET, fetch::parse(url)?);
    let request = request.header(ACCEPT, "application/json").build();
    let request = request.map_err(|cause| fetch::no_client(cause.without_url().to_string()))?;
    let answer = match client.send(request, Timeouts::within(TIMEOUT)).await {
        Ok(answer) => answer,
        Err(cause) => {
            findings.push(unreachable(subject, url, &cause));
            return Ok(None);
        }
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = match answer.read(MAX_BYTES).await {
        Ok(body) => body,
        Err(cause) => {
            findings.push(unreachable(subject, url, &cause));
            return Ok(None);
        }
    };
    let json = glance_sdk::json::from_slice(&body);
    match json {
        Ok(json) if status.is_success() => Ok(Some((headers, json))),
        _ => {
            findings.push(Finding::bad(
                subject,
                format!("{url} responds with {status} and without JSON."),
                "check the address, and whether a proxy or another program responds there",
            ));
            Ok(None)
        }
    }
}

fn unreachable(subject: &'static str, url: &str, cause: &CallError) -> Finding {
    let text = format!("{url} {cause}.");
    let help = match url.starts_with("https:") {
        true => certificate_help(&cause.to_string())
            .unwrap_or("check that it runs, its name in DNS, and that it speaks TLS at this port"),
        false => "check that it runs, the port, and firewalls",
    };
    Finding::bad(subject, text, help)
}

/// Returns the remedy for a rejected certificate, based on rustls' message: reqwest exposes no
/// typed error.
fn certificate_help(cause: &str) -> Option<&'static str> {
    let unknown = "serve the certificate with its chain up to a publicly known issuer; if the issuer is your \
                   own, set SSL_CERT_FILE to its file for host and add-on";
    let helps = [
        (
            "expired",
            "renew the certificate, and reload it in the server",
        ),
        (
            "not valid yet",
            "set the clock of this machine, or wait until the certificate is valid",
        ),
        (
            "not valid for name",
            "get a certificate for this name, or use a name in the certificate",
        ),
        ("UnknownIssuer", unknown),
        // Another certificate with the issuer's name is known.
        ("BadSignature", unknown),
        ("certificate", "get another certificate for the server"),
    ];
    let found = helps.iter().find(|(words, _)| cause.contains(words));
    found.map(|(_, help)| *help)
}
