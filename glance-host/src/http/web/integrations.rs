//! The integrations of a room and of the group: install, configure, update, remove.

mod change;
mod describe;
mod leave;
mod page;
mod places;
mod site;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use glance_sdk::model::WebPanel;
use serde::Deserialize;
use serde_json::{Value, json};

use super::form;
use super::pages::{PageError, render};
use crate::content::image_urls::ImageUrls;
use crate::http::state::AppState;
use crate::model::host_info::HostInfo;
use crate::model::{Installed, access};
use crate::service::install::{self, InstallError};
use crate::service::sign_in::SignInState;
use crate::storage::{Storage, StorageError};
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
struct InstallationPath {
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
    State(pages): State<IntegrationPages>,
    site: Site,
    Query(ListQuery { url }): Query<ListQuery>,
) -> Result<Response, PageError> {
    pages.list(&site, StatusCode::OK, &url, Value::Null).await
}

/// Reads installations, and renders the pages about them.
#[derive(Clone)]
struct IntegrationPages {
    storage: Arc<dyn Storage>,
    info: Arc<HostInfo>,
    sign_in: Arc<SignInState>,
    image_urls: Arc<ImageUrls>,
}

impl FromRef<AppState> for IntegrationPages {
    fn from_ref(app: &AppState) -> Self {
        Self {
            storage: Arc::clone(&app.storage),
            info: Arc::clone(&app.info),
            sign_in: Arc::clone(&app.sign_in),
            image_urls: Arc::clone(&app.image_urls),
        }
    }
}

impl IntegrationPages {
    /// Renders a page of a place, with the values that each of its pages shows and these.
    fn render(&self, site: &Site, template: &str, more: Value) -> Response {
        self.render_with(site, StatusCode::OK, template, more)
    }

    fn render_with(
        &self,
        site: &Site,
        status: StatusCode,
        template: &str,
        more: Value,
    ) -> Response {
        let name = match site {
            Site::Room(access) => access.room.name.as_str(),
            Site::Group(_) => self.info.group.name.as_str(),
        };
        let mut values = json!({
            "group": self.info.group.name,
            "room": site.room_id(),
            "name": name,
            "address": site.address(),
            "may_manage": site.may_manage(),
            "may_manage_group": access::manages_group(site.user()),
            "has_tokens": !self.sign_in.is_local(),
        });
        if let (Value::Object(values), Value::Object(more)) = (&mut values, more) {
            values.extend(more);
        }
        render(status, template, values)
    }

    /// Lists the installations; for a room also those of the whole group.
    async fn installations(&self, site: &Site) -> Result<Vec<Installed>, StorageError> {
        match site {
            Site::Room(access) => self.storage.installations_in(access.room.id).await,
            Site::Group(_) => self.storage.global_installations().await,
        }
    }

    /// Returns an installation that is managed here; those of the whole group are not managed in a room.
    async fn managed(&self, site: &Site, id: &str) -> Result<Installed, PageError> {
        site.check_managed()?;
        let found = self.shown(site, id).await?;
        let is_own = found.room_id == site.room_id();
        is_own.then_some(found).ok_or(PageError::NotAllowed(
            "Integrations of all rooms are changed by administrators.",
        ))
    }

    /// Returns an installation that shows here.
    async fn shown(&self, site: &Site, id: &str) -> Result<Installed, PageError> {
        let mut installations = self.installations(site).await?.into_iter();
        let found = installations.find(|installed| installed.oauth_id.as_str() == id);
        found.ok_or(PageError::Gone("This integration was removed."))
    }

    async fn list(
        &self,
        site: &Site,
        status: StatusCode,
        url: &str,
        error: Value,
    ) -> Result<Response, PageError> {
        let installations = self.installations(site).await?;
        let entries = installations.iter().map(|one| self.entry(site, one));
        let installed: Vec<_> = entries.collect();
        let values = json!({ "url": url, "error": error, "installed": installed });
        Ok(self.render_with(site, status, "integrations.html", values))
    }

    /// Shows the list, with an error above it.
    async fn failed(
        &self,
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
        self.failed_with(site, url, error).await
    }

    async fn failed_with(
        &self,
        site: &Site,
        url: &str,
        error: Value,
    ) -> Result<Response, PageError> {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        self.list(site, status, url, error).await
    }

    fn entry(&self, site: &Site, installed: &Installed) -> Value {
        let descriptor = &installed.descriptor;
        let panel = |panel: &WebPanel| json!({ "key": panel.key, "name": panel.name.value });
        let panels = descriptor.capabilities.web_panels().iter().map(panel);
        let is_managed = site.may_manage() && installed.room_id == site.room_id();
        let images = self.image_urls.of(&installed.oauth_id);
        json!({
            "oauth_id": installed.oauth_id,
            "about": describe::descriptor(descriptor, None, &[]),
            "avatar": images.avatar(descriptor),
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
}

/// Shortens a `data:` URL.
fn shown_url(url: &str) -> Option<&str> {
    (!url.starts_with("data:")).then_some(url)
}

/// Formats an error as a sentence.
fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let capital = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect::<String>());
    format!("{}.", capital.unwrap_or_default().trim_end_matches('.'))
}
