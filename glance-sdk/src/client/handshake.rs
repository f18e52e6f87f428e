//! What an add-on asks of a host before it believes an installation.

use reqwest::Url;

use super::http;
use super::token::{Scopes, Token};
use crate::model::{HostDocument, InstallationData};
use crate::store::{Endpoints, Installation};
use crate::{Error, ErrorKind, Result};

/// Fetches installation data from where the host shows it, which it does once: the address is as
/// good as the secret, so errors name no more of it than its origin.
pub(super) async fn installable(http: &reqwest::Client, url: Url) -> Result<InstallationData> {
    let mut shown = url.clone();
    shown.set_path("");
    let answer = http::send(http.get(url), &shown).await?;
    match answer.status.is_success() {
        true => answer.json(),
        false => Err(answer.refusal()),
    }
}

/// Reads the host's capabilities document and asks for a token: only a host that knows the
/// secret gives one. Both happen while the host still waits for the answer to its own call.
pub(super) async fn introduce(
    http: &reqwest::Client,
    data: InstallationData,
) -> Result<(Installation, Token)> {
    let capabilities_url = &data.capabilities_url;
    let url = Url::parse(capabilities_url).map_err(|cause| {
        Error::new(
            ErrorKind::BadAnswer,
            format!("{capabilities_url:?} is no address of a capabilities document"),
        )
        .because(cause)
    })?;
    let answer = http::send(http.get(url.clone()), &url).await?;
    if !answer.status.is_success() {
        return Err(answer.refusal());
    }
    let document: HostDocument = answer.json()?;
    if document.links.self_url != *capabilities_url {
        return Err(Error::new(
            ErrorKind::BadAnswer,
            format!(
                "the capabilities document at {capabilities_url} says that it stands at {}",
                document.links.self_url
            ),
        ));
    }
    let capabilities = document.capabilities;
    let endpoints = Endpoints::new(
        capabilities.oauth2_provider.token_url,
        capabilities.hipchat_api_provider.url,
    );
    let installation = Installation::new(data, endpoints);
    let token = Token::request(&Scopes::default(), http, &installation).await?;
    Ok((installation, token))
}
