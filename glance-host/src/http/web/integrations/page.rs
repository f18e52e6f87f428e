//! The configuration pages of an add-on, in a frame of the host's page.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use glance_sdk::model::Authentication;
use serde::Deserialize;
use serde_json::json;

use super::IntegrationPages;
use super::site::Site;
use crate::http::web::pages::PageError;
use crate::model::Installed;
use crate::model::host_info::HostInfo;
use crate::service::addon_calls::AddOnCalls;

#[derive(Deserialize)]
pub(super) struct AddOnPagePath {
    id: String,
    page: Page,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Page {
    Configure,
    Admin,
}

impl Page {
    fn key(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Admin => "admin",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Configure => "Settings",
            Self::Admin => "Administration",
        }
    }

    /// Returns the URL of the page, and whether it is signed.
    fn of(self, installed: &Installed) -> Option<(&str, &Authentication)> {
        let has = &installed.descriptor.capabilities;
        match self {
            Self::Configure => {
                let page = has.configurable.as_ref()?;
                Some((&page.url, page.authentication()))
            }
            Self::Admin => Some((&has.admin_page.as_ref()?.url, &Authentication::Jwt)),
        }
    }

    /// Returns whether the person may open it. Room admins may configure an add-on of the whole group if its
    /// descriptor allows that.
    pub(super) fn is_open(self, site: &Site, installed: &Installed) -> bool {
        if self.of(installed).is_none() || !site.may_manage() {
            return false;
        }
        let is_admin = site.user().is_admin;
        match self {
            Self::Admin => is_admin,
            Self::Configure => {
                let page = installed.descriptor.capabilities.configurable.as_ref();
                let rooms = page.and_then(|page| page.allow_access_to_room_admins);
                is_admin || installed.room_id.is_some() || rooms == Some(true)
            }
        }
    }
}

/// Shows the host's page around it, which contains no token: its script requests the address.
pub(super) async fn frame(
    State(pages): State<IntegrationPages>,
    site: Site,
    Path(AddOnPagePath { id, page }): Path<AddOnPagePath>,
) -> Result<Response, PageError> {
    let installed = open(&pages, &site, &id, page).await?;
    let values = json!({
        "add_on": installed.descriptor.name,
        "title": page.title(),
    });
    Ok(pages.render(&site, "integrations/frame.html", values))
}

/// Returns the address of the add-on's page, with a new token.
pub(super) async fn address(
    State(pages): State<IntegrationPages>,
    State(addon_calls): State<AddOnCalls>,
    State(info): State<Arc<HostInfo>>,
    site: Site,
    Path(AddOnPagePath { id, page }): Path<AddOnPagePath>,
) -> Result<Response, PageError> {
    let installed = open(&pages, &site, &id, page).await?;
    let Some((url, authentication)) = page.of(&installed) else {
        return Err(CLOSED);
    };
    let room = site.room_id();
    match addon_calls.page_url(&installed, url, authentication, room, site.user()) {
        Ok(url) => Ok(Json(json!({
            "addOn": installed.descriptor.key,
            "key": page.key(),
            "name": format!("{} of {}", page.title(), installed.descriptor.name),
            "url": url.as_str(),
            "isOwn": info.is_own(&url),
        }))
        .into_response()),
        Err(problem) => {
            let add_on = &installed.descriptor.key;
            tracing::warn!(add_on, "cannot open a page: {problem}");
            Ok((StatusCode::BAD_GATEWAY, problem.to_string()).into_response())
        }
    }
}

async fn open(
    pages: &IntegrationPages,
    site: &Site,
    id: &str,
    page: Page,
) -> Result<Installed, PageError> {
    let installed = pages.shown(site, id).await?;
    page.is_open(site, &installed)
        .then_some(installed)
        .ok_or(CLOSED)
}

const CLOSED: PageError =
    PageError::NotAllowed("This page is for those who manage the add-on, where it has one.");
