//! Installs, updates and removes add-ons, each after a person approved it.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::site::Site;
use super::{InstallationPath, IntegrationPages, describe, leave};
use crate::http::web::pages::PageError;
use crate::model::Installed;
use crate::service::install::approval::Approval;
use crate::service::install::removal::Removals;
use crate::service::install::{Installer, ReadDescriptor, browser_handoff};

#[derive(Deserialize)]
pub(super) struct ReviewForm {
    url: String,
}

/// Step 1: reads the descriptor and shows what it requests.
pub(super) async fn review(
    State(pages): State<IntegrationPages>,
    State(installer): State<Installer>,
    site: Site,
    Form(ReviewForm { url }): Form<ReviewForm>,
) -> Result<Response, PageError> {
    site.check_managed()?;
    let checked = async {
        let read = installer.read(&url).await?;
        installer.check(&read.descriptor, site.room_id()).await?;
        Ok(read)
    };
    match checked.await {
        Ok(read) => Ok(review_page(
            &pages,
            &site,
            &read,
            &Reviewed::Install(&url),
            "",
        )),
        Err(error) => pages.failed(&site, &url, error).await,
    }
}

#[derive(Deserialize)]
pub(super) struct ApprovalForm {
    url: String,
    digest: String,
}

/// Step 2: installs exactly what was approved.
pub(super) async fn approve(
    State(pages): State<IntegrationPages>,
    State(installer): State<Installer>,
    site: Site,
    Form(ApprovalForm { url, digest }): Form<ApprovalForm>,
) -> Result<Response, PageError> {
    site.check_managed()?;
    let read = match installer.read(&url).await {
        Ok(read) if read.digest == digest => read,
        Ok(read) => {
            return Ok(review_page(
                &pages,
                &site,
                &read,
                &Reviewed::Install(&url),
                CHANGED,
            ));
        }
        Err(error) => return pages.failed(&site, &url, error).await,
    };
    match installer.install_approved(read, site.room_id()).await {
        Ok((installed, handoff)) => Ok(leave::page(&pages, &site, &installed, handoff)),
        Err(error) => pages.failed(&site, &url, error).await,
    }
}

#[derive(Deserialize)]
pub(super) struct UpdateForm {
    #[serde(default)]
    digest: String,
}

/// Reads the descriptor again. If it requests more than was approved, the person sees that first.
pub(super) async fn update(
    State(pages): State<IntegrationPages>,
    State(installer): State<Installer>,
    site: Site,
    Path(InstallationPath { id }): Path<InstallationPath>,
    Form(UpdateForm { digest }): Form<UpdateForm>,
) -> Result<Response, PageError> {
    let installed = pages.managed(&site, &id).await?;
    let url = &installed.descriptor_url;
    let read = match installer.read(url).await {
        Ok(read) => read,
        Err(error) => return pages.failed(&site, "", error).await,
    };
    let needed = Approval::needed((&read.url, &read.descriptor), &installed);
    if let Some(needed) = needed.filter(|_| read.digest != digest) {
        let notice = if digest.is_empty() { "" } else { CHANGED };
        let reviewed = Reviewed::Update(&installed, &needed);
        return Ok(review_page(&pages, &site, &read, &reviewed, notice));
    }
    match installer.replace(&installed, read).await {
        Ok(updated) => {
            let page = browser_handoff::page_after_update(&updated);
            let handoff = installer.hand_off_to_inform(&updated, page).await;
            Ok(leave::page(&pages, &site, &updated, handoff))
        }
        Err(error) => pages.failed(&site, "", error).await,
    }
}

pub(super) async fn remove(
    State(pages): State<IntegrationPages>,
    State(installer): State<Installer>,
    State(removals): State<Removals>,
    site: Site,
    Path(InstallationPath { id }): Path<InstallationPath>,
) -> Result<Response, PageError> {
    let installed = pages.managed(&site, &id).await?;
    removals.uninstall(&installed.oauth_id).await?;
    let page = browser_handoff::page_after_removal(&installed);
    let handoff = installer.hand_off_to_inform(&installed, page).await;
    Ok(leave::page(&pages, &site, &installed, handoff))
}

const CHANGED: &str = "The descriptor has changed since you read it. This is what it says now.";

/// The change that a person approves.
enum Reviewed<'a> {
    /// The URL of the descriptor.
    Install(&'a str),
    Update(&'a Installed, &'a Approval),
}

fn review_page(
    pages: &IntegrationPages,
    site: &Site,
    read: &ReadDescriptor,
    reviewed: &Reviewed<'_>,
    notice: &str,
) -> Response {
    let base = site.address();
    let (action, url, old, origins) = match *reviewed {
        Reviewed::Install(url) => (format!("{base}/approve"), url, None, &[][..]),
        Reviewed::Update(old, needed) => {
            let action = format!("{base}/{}/update", old.oauth_id);
            (action, "", Some(&old.descriptor), &needed.origins[..])
        }
    };
    let values = json!({
        "add_on": describe::descriptor(&read.descriptor, old, origins),
        "url": url,
        "shown_url": super::shown_url(&read.url),
        "digest": read.digest,
        "warnings": read.warnings,
        "notice": notice,
        "action": action,
        "is_update": old.is_some(),
    });
    pages.render(site, "integrations/review.html", values)
}
