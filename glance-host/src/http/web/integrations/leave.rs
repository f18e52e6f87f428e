//! Redirects to an add-on's own page and back, if the add-on asks for it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

use super::IntegrationPages;
use super::site::Site;
use crate::http::web::pages::PageError;
use crate::model::Installed;
use crate::service::install::Installer;
use crate::service::install::browser_handoff::{NextStep, Outcome};

#[derive(Deserialize)]
pub(super) struct HandoffPath {
    #[serde(rename = "visit")]
    handoff: String,
}

/// Shows a page that redirects to the add-on's page, or back to the list if there is none. The page submits a form by
/// itself, because the answer to a form may only lead to this host.
pub(super) fn page(
    pages: &IntegrationPages,
    site: &Site,
    installed: &Installed,
    handoff: Option<String>,
) -> Response {
    let Some(handoff) = handoff else {
        // The list scrolls to the installation.
        let shown = format!("{}#{}", site.address(), installed.oauth_id);
        return Redirect::to(&shown).into_response();
    };
    let values = json!({
        "add_on": installed.descriptor.name,
        "go": format!("{}/visits/{handoff}", site.address()),
    });
    pages.render(site, "integrations/leave.html", values)
}

/// Redirects to the add-on. The address contains URLs that are valid for this hand-off only.
pub(super) async fn go(
    State(installer): State<Installer>,
    site: Site,
    Path(HandoffPath { handoff }): Path<HandoffPath>,
) -> Result<Response, PageError> {
    let back = format!("{}/visits/{handoff}/done", site.address());
    let url = installer.handoff_url(&handoff, &back).await?.ok_or(OVER)?;
    let private = [(header::REFERRER_POLICY, "no-referrer")];
    Ok((private, Redirect::to(url.as_str())).into_response())
}

/// Handles the return from the add-on. The page submits a form that completes an installation: following a link must
/// not change anything.
pub(super) async fn back(
    State(pages): State<IntegrationPages>,
    State(installer): State<Installer>,
    site: Site,
    Path(HandoffPath { handoff }): Path<HandoffPath>,
) -> Result<Response, PageError> {
    match installer.return_from_handoff(&handoff).await? {
        Some(NextStep::Install(name)) => {
            let values = json!({
                "add_on": name,
                "done": format!("{}/visits/{handoff}/done", site.address()),
            });
            Ok(pages.render(&site, "integrations/back.html", values))
        }
        Some(NextStep::Done) => Ok(Redirect::to(&site.address()).into_response()),
        None => Err(OVER),
    }
}

/// Completes the installation of a person who returned.
pub(super) async fn done(
    State(pages): State<IntegrationPages>,
    State(installer): State<Installer>,
    site: Site,
    Path(HandoffPath { handoff }): Path<HandoffPath>,
) -> Result<Response, PageError> {
    site.check_managed()?;
    match installer.finish_handoff(&handoff).await? {
        Some(Outcome::Done) => Ok(Redirect::to(&site.address()).into_response()),
        Some(Outcome::NotFetched(name)) => {
            let sentence = format!(
                "{name} sent you back without taking the installation, so it is not installed."
            );
            pages
                .failed_with(&site, "", json!({ "sentence": sentence }))
                .await
        }
        None => Err(OVER),
    }
}

const OVER: PageError = PageError::Gone(
    "This step is over, or took longer than 15 minutes. Look at the list of integrations; what is \
     missing there can be installed again.",
);

/// Serves the installation data to the add-on, once.
pub(super) async fn show(
    State(installer): State<Installer>,
    method: Method,
    Path(HandoffPath { handoff }): Path<HandoffPath>,
) -> Result<Response, PageError> {
    if method != Method::GET {
        return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    Ok(match installer.take_handoff_data(&handoff).await? {
        Some(data) => Json(data).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}
