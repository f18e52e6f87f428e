//! The inspector of the room page: the state of all glances, shown or not, and webhook deliveries, for people who
//! manage the room.
//!
//! Its data comes in the page's own stream, as the event `inspection`:
//!
//! | member | content |
//! |---|---|
//! | `glances` | the ids of all glances, in their order |
//! | `reports` | the new and changed reports |
//! | `webhooks` | the new deliveries, oldest first |
//! | `isFirst` | whether this is the first event, so that it contains everything |

use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::http::StatusCode;
use glance_sdk::extract::JsonBody;
use glance_sdk::model::{RoomId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::events::OpenPages;
use super::room_access::RoomAccess;
use crate::content::redact::Masks;
use crate::model::Installed;
use crate::model::clock::millis;
use crate::model::{Delivery, Outcome};
use crate::service::viewer::{Command, News, Report};
use crate::service::webhooks::Webhooks;
use crate::storage::{Storage, StorageError};

#[derive(Deserialize)]
pub(super) struct InspectRequest {
    on: bool,
}

/// Starts or ends the inspection on an open page.
pub(super) async fn inspect(
    access: RoomAccess,
    Extension(pages): Extension<OpenPages>,
    Path((room, page)): Path<(String, String)>,
    JsonBody(InspectRequest { on }): JsonBody<InspectRequest>,
) -> StatusCode {
    match access.may_manage() {
        true => pages.send(&room, &page, Command::Inspect(on)),
        false => StatusCode::FORBIDDEN,
    }
}

/// Writes the events of one page.
pub(super) struct Inspector {
    storage: Arc<dyn Storage>,
    webhooks: Webhooks,
    room: RoomId,
    user: UserId,
    last: Option<Arc<Delivery>>,
}

impl Inspector {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        webhooks: Webhooks,
        room: RoomId,
        user: UserId,
    ) -> Self {
        Self {
            storage,
            webhooks,
            room,
            user,
            last: None,
        }
    }

    /// Returns the data of the next event; `None` if nothing is new, or the person may no longer see it.
    pub(super) async fn event(&mut self, news: News) -> Option<String> {
        match self.try_event(news).await {
            Ok(json) => json,
            Err(cause) => {
                tracing::error!(
                    error = format!("{cause:#}"),
                    "cannot read the data of an inspector"
                );
                None
            }
        }
    }

    async fn try_event(&mut self, news: News) -> Result<Option<String>, StorageError> {
        if news.is_first {
            self.last = None;
        }
        let deliveries = self.webhooks.deliveries(self.room);
        let is_last = |one| {
            self.last
                .as_ref()
                .is_some_and(|last| Arc::ptr_eq(one, last))
        };
        let old = deliveries.iter().rposition(is_last);
        let new = &deliveries[old.map_or(0, |old| old + 1)..];
        if !news.is_first && !news.is_another_list && news.reports.is_empty() && new.is_empty() {
            return Ok(None);
        }
        let storage = &self.storage;
        let (Some(room), Some(user)) = (
            storage.room(self.room).await?,
            storage.user(self.user).await?,
        ) else {
            return Ok(None);
        };
        if !(RoomAccess { room, user }).may_manage() {
            return Ok(None);
        }
        let installations = storage.installations_in(self.room).await?;
        let inspection = InspectionJson {
            is_first: news.is_first,
            glances: &news.glances,
            reports: news.reports.iter().map(|report| &**report).collect(),
            webhooks: new
                .iter()
                .map(|one| delivery(one, &installations))
                .collect(),
        };
        let json = serde_json::to_string(&inspection).map_err(StorageError::other)?;
        let json = masked(&json, &installations);
        self.last = deliveries.last().cloned();
        Ok(Some(json))
    }
}

/// Serialized directly: a JSON value would take many times the memory.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InspectionJson<'a> {
    is_first: bool,
    glances: &'a [String],
    reports: Vec<&'a Report>,
    webhooks: Vec<Value>,
}

/// Replaces secrets and tokens that an add-on may have repeated in its answer.
fn masked(text: &str, installations: &[Installed]) -> String {
    let mut masks = Masks::default();
    for installed in installations {
        masks.learn_secret(installed.oauth_secret.expose());
    }
    masks.text(text)
}

fn delivery(delivery: &Delivery, installations: &[Installed]) -> Value {
    let of = installations
        .iter()
        .find(|one| one.oauth_id == delivery.oauth_id);
    let add_on = of.map_or(delivery.oauth_id.as_str(), |one| &one.descriptor.name);
    let mut json = json!({
        "at": millis(delivery.at),
        "took": u64::try_from(delivery.took.as_millis()).unwrap_or(u64::MAX),
        "addOn": add_on,
        "event": delivery.event,
        "url": delivery.url,
        "attempts": delivery.attempts,
        "body": delivery.body,
    });
    match &delivery.outcome {
        Outcome::Answered {
            status,
            text,
            entry,
            problem,
        } => {
            json["status"] = json!(status);
            json["said"] = json!(text);
            json["isWritten"] = json!(entry.is_some());
            json["problem"] = json!(problem);
        }
        Outcome::Failed(why) => json["problem"] = json!(format!("It {why}.")),
        Outcome::Skipped(why) => json["problem"] = json!(format!("It was not called: {why}.")),
    }
    json
}
