//! The way to a page of an add-on's own and back, where an add-on asks for that.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

use super::site::Site;
use super::{failed_with, merged};
use crate::http::web::pages::{PageError, render};
use crate::model::Installed;
use crate::service::install::browser_handoff;
use crate::service::install::browser_handoff::{Ended, Returned};
use crate::service::shared::Shared;

#[derive(Deserialize)]
pub(super) struct Names {
    visit: String,
}

/// A page that goes on to the add-on's, or back to the list where there is none to visit. It goes
/// on by itself: a form's answer may not, since forms are for this host only.
pub(super) fn page(
    shared: &Shared,
    site: &Site,
    installed: &Installed,
    visit: Option<String>,
) -> Response {
    let Some(visit) = visit else {
        // The list shows which one it was.
        let shown = format!("{}#{}", site.address(), installed.oauth_id);
        return Redirect::to(&shown).into_response();
    };
    let values = json!({
        "add_on": installed.descriptor.name,
        "go": format!("{}/visits/{visit}", site.address()),
    });
    let values = merged(site.values(shared), values);
    render(StatusCode::OK, "integrations/leave.html", values)
}

/// To the add-on. Its address holds those that are for this visit only.
pub(super) async fn go(
    State(shared): State<Arc<Shared>>,
    site: Site,
    Path(Names { visit }): Path<Names>,
) -> Result<Response, PageError> {
    let back = format!("{}/visits/{visit}/done", site.address());
    let url = browser_handoff::address(&shared, &visit, &back).ok_or(OVER)?;
    let private = [(header::REFERRER_POLICY, "no-referrer")];
    Ok((private, Redirect::to(url.as_str())).into_response())
}

/// Back from the add-on. An installation that waits for this is finished by a form, which the page sends
/// by itself: to follow a link changes nothing.
pub(super) async fn back(
    State(shared): State<Arc<Shared>>,
    site: Site,
    Path(Names { visit }): Path<Names>,
) -> Result<Response, PageError> {
    match browser_handoff::returned(&shared, &visit) {
        Some(Returned::ToInstall(name)) => {
            let values = json!({
                "add_on": name,
                "done": format!("{}/visits/{visit}/done", site.address()),
            });
            let values = merged(site.values(&shared), values);
            Ok(render(StatusCode::OK, "integrations/back.html", values))
        }
        Some(Returned::Done) => Ok(Redirect::to(&site.address()).into_response()),
        None => Err(OVER),
    }
}

/// Ends what waited for a person who is back.
pub(super) async fn done(
    State(shared): State<Arc<Shared>>,
    site: Site,
    Path(Names { visit }): Path<Names>,
) -> Result<Response, PageError> {
    site.managed()?;
    match browser_handoff::finish(&shared, &visit).await? {
        Some(Ended::Done) => Ok(Redirect::to(&site.address()).into_response()),
        Some(Ended::NotTaken(name)) => {
            let sentence = format!(
                "{name} sent you back without taking the installation, so it is not installed."
            );
            failed_with(&shared, &site, "", json!({ "sentence": sentence })).await
        }
        None => Err(OVER),
    }
}

const OVER: PageError = PageError::Gone(
    "This step is over, or took longer than 15 minutes. Look at the list of integrations; what is \
     missing there can be installed again.",
);

/// The installation data, for the add-on and once.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    method: Method,
    Path(Names { visit }): Path<Names>,
) -> Response {
    if method != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    match browser_handoff::show(&shared, &visit) {
        Some(data) => Json(data).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
