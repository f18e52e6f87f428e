//! Installs, updates and removes add-ons, each after a person approved it.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::site::Site;
use super::{describe, failed, leave, merged};
use crate::http::state::AppState;
use crate::http::web::pages::{PageError, render};
use crate::model::Installed;
use crate::service::install::approval::More;
use crate::service::install::{ReadDescriptor, browser_handoff};

#[derive(Deserialize)]
pub(super) struct Asked {
    url: String,
}

/// Step 1: reads the descriptor and shows what it requests.
pub(super) async fn review(
    State(app): State<AppState>,
    site: Site,
    Form(Asked { url }): Form<Asked>,
) -> Result<Response, PageError> {
    site.managed()?;
    let checked = async {
        let read = app.installer.read(&url).await?;
        app.installer
            .check(&read.descriptor, site.room_id())
            .await?;
        Ok(read)
    };
    match checked.await {
        Ok(read) => Ok(ask(&app, &site, &read, &Approval::Install(&url), "")),
        Err(error) => failed(&app, &site, &url, error).await,
    }
}

#[derive(Deserialize)]
pub(super) struct Approved {
    url: String,
    digest: String,
}

/// Step 2: installs exactly what was approved.
pub(super) async fn approve(
    State(app): State<AppState>,
    site: Site,
    Form(Approved { url, digest }): Form<Approved>,
) -> Result<Response, PageError> {
    site.managed()?;
    let read = match app.installer.read(&url).await {
        Ok(read) if read.digest == digest => read,
        Ok(read) => {
            return Ok(ask(&app, &site, &read, &Approval::Install(&url), CHANGED));
        }
        Err(error) => return failed(&app, &site, &url, error).await,
    };
    match app.installer.install_approved(read, site.room_id()).await {
        Ok((installed, visit)) => Ok(leave::page(&app, &site, &installed, visit)),
        Err(error) => failed(&app, &site, &url, error).await,
    }
}

#[derive(Deserialize)]
pub(super) struct Update {
    #[serde(default)]
    digest: String,
}

/// Reads the descriptor again. If it requests more than was approved, the person sees that first.
pub(super) async fn update(
    State(app): State<AppState>,
    site: Site,
    Path(names): Path<super::Names>,
    Form(Update { digest }): Form<Update>,
) -> Result<Response, PageError> {
    let installed = site.installed(&app, &names.id).await?;
    let url = &installed.descriptor_url;
    let read = match app.installer.read(url).await {
        Ok(read) => read,
        Err(error) => return failed(&app, &site, "", error).await,
    };
    let is_approved = read.digest == digest;
    let is_same_add_on = read.descriptor.key == installed.descriptor.key;
    if is_same_add_on
        && !is_approved
        && !More::of(&read.descriptor, &installed.descriptor).is_nothing()
    {
        let notice = if digest.is_empty() { "" } else { CHANGED };
        return Ok(ask(
            &app,
            &site,
            &read,
            &Approval::Update(&installed),
            notice,
        ));
    }
    match app.installer.replace(&installed, read).await {
        Ok(updated) => {
            let page = browser_handoff::page_after_update(&updated);
            let visit = app.installer.hand_off_to_inform(&updated, page);
            Ok(leave::page(&app, &site, &updated, visit))
        }
        Err(error) => failed(&app, &site, "", error).await,
    }
}

pub(super) async fn remove(
    State(app): State<AppState>,
    site: Site,
    Path(names): Path<super::Names>,
) -> Result<Response, PageError> {
    let installed = site.installed(&app, &names.id).await?;
    app.removals.uninstall(&installed.oauth_id).await?;
    let page = browser_handoff::page_after_removal(&installed);
    let visit = app.installer.hand_off_to_inform(&installed, page);
    Ok(leave::page(&app, &site, &installed, visit))
}

const CHANGED: &str = "The descriptor has changed since you read it. This is what it says now.";

/// The approval of a person.
enum Approval<'a> {
    /// The URL of the descriptor.
    Install(&'a str),
    Update(&'a Installed),
}

fn ask(
    app: &AppState,
    site: &Site,
    read: &ReadDescriptor,
    approval: &Approval<'_>,
    notice: &str,
) -> Response {
    let base = site.address();
    let (action, old) = match approval {
        Approval::Install(_) => (format!("{base}/approve"), None),
        Approval::Update(old) => (
            format!("{base}/{}/update", old.oauth_id),
            Some(&old.descriptor),
        ),
    };
    let values = json!({
        "add_on": describe::descriptor(&read.descriptor, old),
        "url": match approval {
            Approval::Install(url) => url,
            Approval::Update(_) => "",
        },
        "shown_url": super::shown_url(&read.url),
        "digest": read.digest,
        "warnings": read.warnings,
        "notice": notice,
        "action": action,
        "is_update": old.is_some(),
    });
    render(
        StatusCode::OK,
        "integrations/review.html",
        merged(site.values(app), values),
    )
}
