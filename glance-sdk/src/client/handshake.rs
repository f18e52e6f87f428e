//! The requests with which an add-on verifies a host before it accepts an installation.

use reqwest::{Method, Url};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::http::Http;
use super::note_failure;
use super::token::{Scopes, Token};
use crate::model::{HostDocument, InstallationData};
use crate::store::{Endpoints, Installation};
use crate::{Error, ErrorKind, Result};

/// Fetches installation data from the address where the host serves it once. The address is as
/// confidential as the secret, so errors contain only its origin.
pub(super) async fn installable(http: &Http, url: Url) -> Result<InstallationData> {
    let mut shown = url.clone();
    shown.set_path("");
    let answer = http.send(http.request(Method::GET, &url), &shown).await?;
    match answer.status.is_success() {
        true => answer.json(),
        false => Err(answer.refusal()),
    }
}

/// Fetches the host's capabilities document and requests a token: only a host that knows the secret
/// issues one. Meanwhile the host still waits for the response to its own request.
pub(super) async fn introduce(
    http: &Http,
    data: InstallationData,
) -> Result<(Installation, Token)> {
    let capabilities_url = &data.capabilities_url;
    let url = Url::parse(capabilities_url).map_err(|cause| {
        Error::new(
            ErrorKind::BadAnswer,
            format!("{capabilities_url:?} is not the URL of a capabilities document"),
        )
        .with_source(cause)
    })?;
    let span = tracing::debug_span!(
        "glance.capabilities",
        otel.kind = "client",
        http.request.method = "GET",
        server.address = url.host_str(),
        url.path = url.path(),
        glance.oauth_id = data.oauth_id.as_str(),
        http.response.status_code = Empty,
        error.type = Empty,
        otel.status_code = Empty,
    );
    let answer = http.send(http.request(Method::GET, &url), &url);
    let answer = answer.instrument(span.clone()).await.map_err(Error::from);
    note_failure(&span, &answer);
    let answer = answer?;
    span.record(
        "http.response.status_code",
        i64::from(answer.status.as_u16()),
    );
    if !answer.status.is_success() {
        return Err(answer.refusal());
    }
    let document: HostDocument = answer.json()?;
    if document.links.self_url != *capabilities_url {
        return Err(Error::new(
            ErrorKind::BadAnswer,
            format!(
                "the capabilities document at {capabilities_url} gives {} as its own URL",
                document.links.self_url
            ),
        ));
    }
    let capabilities = document.capabilities;
    let endpoints = Endpoints::new(
        capabilities.oauth2_provider.token_url,
        capabilities.hipchat_api_provider.url,
    );
    check_origin(&url, &endpoints)?;
    let installation = Installation::new(data, endpoints);
    let token = Token::request(&Scopes::default(), http, &installation).await?;
    Ok((installation, token))
}

/// Checks that a host names only endpoints of its own origin. Another origin would receive the
/// secret, the tokens, and requests that a stranger chose.
fn check_origin(capabilities_url: &Url, endpoints: &Endpoints) -> Result<()> {
    let own = capabilities_url.origin();
    for (name, endpoint) in [
        ("tokenUrl", &endpoints.token_url),
        ("hipchatApiProvider.url", &endpoints.api_url),
    ] {
        let wrong = |why: &str| {
            let what = format!(
                "the capabilities document at {capabilities_url} has a {name} {why}: {endpoint:?}"
            );
            Error::new(ErrorKind::BadAnswer, what)
        };
        let url =
            Url::parse(endpoint).map_err(|cause| wrong("that is not a URL").with_source(cause))?;
        if !own.is_tuple() || url.origin() != own {
            return Err(wrong("of another origin"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(capabilities: &str, token: &str, api: &str) -> bool {
        let endpoints = Endpoints::new(token, api);
        check_origin(&Url::parse(capabilities).unwrap(), &endpoints).is_ok()
    }

    /// HipChat's own document: its `authorizationUrl` has another origin, which is allowed.
    #[test]
    fn hipchat_endpoints_are_accepted() {
        let own = "https://api.hipchat.com/v2/capabilities";
        let token = "https://api.hipchat.com/v2/oauth/token";
        assert!(is_accepted(own, token, "https://api.hipchat.com/v2/"));
        assert!(is_accepted(
            own,
            "https://API.hipchat.com:443/t",
            "https://api.hipchat.com/v2/"
        ));
    }

    #[test]
    fn endpoints_of_another_origin_are_refused() {
        let (own, ours) = (
            "https://chat.example/v2/capabilities",
            "https://chat.example/v2/",
        );
        for other in [
            "http://chat.example/v2/",
            "https://chat.example:444/v2/",
            "https://chat.example.evil.example/v2/",
            "https://chat.example@evil.example/v2/",
            "http://127.0.0.1:9200/_all",
            "data:,x",
            "/v2/",
            "",
        ] {
            assert!(!is_accepted(own, other, ours), "{other}");
            assert!(!is_accepted(own, ours, other), "{other}");
        }
        assert!(!is_accepted("data:,x", "data:,x", "data:,x"));
    }
}
