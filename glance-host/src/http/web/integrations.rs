//! The integrations of a room and of the group: install, configure, update, remove.

mod change;
mod describe;
mod leave;
mod page;
mod places;
mod site;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use glance_sdk::model::WebPanel;
use serde::Deserialize;
use serde_json::{Value, json};

use super::form;
use super::pages::{PageError, render};
use crate::http::state::AppState;
use crate::model::Installed;
use crate::service::install;
use crate::service::install::InstallError;
use page::Page;
use site::Site;

pub(super) fn router() -> Router<AppState> {
    let mut router = Router::new()
        .route("/installable/{visit}", get(leave::show))
        .route("/addons/install", get(places::choose));
    for base in ["/rooms/{room}/integrations", "/integrations"] {
        router = router
            .route(base, get(list).post(change::review))
            .route(
                &format!("{base}/approve"),
                form(change::approve, "../integrations"),
            )
            .route(&format!("{base}/visits/{{visit}}"), get(leave::go))
            .route(
                &format!("{base}/visits/{{visit}}/done"),
                get(leave::back).post(leave::done),
            )
            .route(
                &format!("{base}/{{id}}/update"),
                form(change::update, "../../integrations"),
            )
            .route(
                &format!("{base}/{{id}}/remove"),
                form(change::remove, "../../integrations"),
            )
            .route(
                &format!("{base}/{{id}}/pages/{{page}}"),
                get(page::frame).post(page::address),
            );
    }
    router
}

/// The installation in a page's address.
#[derive(Deserialize)]
struct Names {
    id: String,
}

/// The query of the list.
#[derive(Deserialize)]
struct ListQuery {
    /// The URL of a descriptor, for the form.
    #[serde(default)]
    url: String,
}

async fn list(
    State(app): State<AppState>,
    site: Site,
    Query(ListQuery { url }): Query<ListQuery>,
) -> Result<Response, PageError> {
    show(&app, &site, StatusCode::OK, &url, Value::Null).await
}

/// Shows the list, with an error above it.
async fn failed(
    app: &AppState,
    site: &Site,
    url: &str,
    error: InstallError,
) -> Result<Response, PageError> {
    let error = match error {
        InstallError::Storage(cause) => return Err(cause.into()),
        InstallError::Invalid { url, problems } => json!({
            "sentence": format!("What stands at {url} is no descriptor:"),
            "problems": problems,
        }),
        other => json!({ "sentence": sentence(&other.to_string()) }),
    };
    failed_with(app, site, url, error).await
}

async fn failed_with(
    app: &AppState,
    site: &Site,
    url: &str,
    error: Value,
) -> Result<Response, PageError> {
    show(app, site, StatusCode::UNPROCESSABLE_ENTITY, url, error).await
}

async fn show(
    app: &AppState,
    site: &Site,
    status: StatusCode,
    url: &str,
    error: Value,
) -> Result<Response, PageError> {
    let installations = site.installations(app).await?;
    let entries = installations.iter().map(|one| entry(app, site, one));
    let installed: Vec<_> = entries.collect();
    let values = json!({ "url": url, "error": error, "installed": installed });
    Ok(render(
        status,
        "integrations.html",
        merged(site.values(app), values),
    ))
}

fn entry(app: &AppState, site: &Site, installed: &Installed) -> Value {
    let descriptor = &installed.descriptor;
    let panel = |panel: &WebPanel| json!({ "key": panel.key, "name": panel.name.value });
    let panels = descriptor.capabilities.web_panels().iter().map(panel);
    let is_managed = site.may_manage() && installed.room_id == site.room_id();
    json!({
        "oauth_id": installed.oauth_id,
        "about": describe::descriptor(descriptor, None),
        "avatar": app.image_urls.of(&installed.oauth_id).avatar(&installed.descriptor),
        "url": shown_url(&installed.descriptor_url).map(|url| match is_managed {
            true => url.to_owned(),
            false => install::plain(url),
        }),
        "can_update": !installed.descriptor_url.starts_with("data:"),
        "is_global": installed.room_id.is_none(),
        "is_managed": is_managed,
        "configure": Page::Configure.is_open(site, installed),
        "admin": Page::Admin.is_open(site, installed),
        "panels": panels.collect::<Vec<_>>(),
    })
}

/// Shortens a `data:` URL.
fn shown_url(url: &str) -> Option<&str> {
    (!url.starts_with("data:")).then_some(url)
}

/// Merges the values of every page of a place with those of this page.
fn merged(mut values: Value, more: Value) -> Value {
    if let (Value::Object(values), Value::Object(more)) = (&mut values, more) {
        values.extend(more);
    }
    values
}

/// Formats an error as a sentence.
fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let capital = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect::<String>());
    format!("{}.", capital.unwrap_or_default().trim_end_matches('.'))
}
