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

use super::events::Pages;
use super::room_access::RoomAccess;
use crate::content::redact::Masks;
use crate::http::state::AppState;
use crate::model::Installed;
use crate::model::{Delivery, Outcome};
use crate::service::viewer::{Command, News, Report, millis};
use crate::storage::StorageError;

#[derive(Deserialize)]
pub(super) struct Wanted {
    on: bool,
}

/// Starts or ends the inspection on an open page.
pub(super) async fn inspect(
    visit: RoomAccess,
    Extension(pages): Extension<Pages>,
    Path((room, page)): Path<(String, String)>,
    JsonBody(Wanted { on }): JsonBody<Wanted>,
) -> StatusCode {
    match visit.may_manage() {
        true => pages.send(&room, &page, Command::Inspect(on)),
        false => StatusCode::FORBIDDEN,
    }
}

/// Writes the events of one page.
pub(super) struct Inspector {
    app: AppState,
    room: RoomId,
    user: UserId,
    last: Option<Arc<Delivery>>,
}

impl Inspector {
    pub(super) fn new(app: AppState, room: RoomId, user: UserId) -> Self {
        Self {
            app,
            room,
            user,
            last: None,
        }
    }

    /// Returns the data of the next event; `None` if nothing is new, or the person may no longer see it.
    pub(super) async fn tell(&mut self, news: News) -> Option<String> {
        match self.try_tell(news).await {
            Ok(told) => told,
            Err(cause) => {
                tracing::error!("an inspector is not told: {cause:#}");
                None
            }
        }
    }

    async fn try_tell(&mut self, news: News) -> Result<Option<String>, StorageError> {
        if news.is_first {
            self.last = None;
        }
        let deliveries = self.app.webhooks.deliveries(self.room);
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
        let state = &self.app.storage;
        let (Some(room), Some(user)) = (state.room(self.room).await?, state.user(self.user).await?)
        else {
            return Ok(None);
        };
        if !(RoomAccess { room, user }).may_manage() {
            return Ok(None);
        }
        let here = state.installations_in(self.room).await?;
        let told = Told {
            is_first: news.is_first,
            glances: &news.glances,
            reports: news.reports.iter().map(|report| &**report).collect(),
            webhooks: new.iter().map(|one| delivery(one, &here)).collect(),
        };
        let told = serde_json::to_string(&told).map_err(StorageError::other)?;
        let told = hidden(&told, &here);
        self.last = deliveries.last().cloned();
        Ok(Some(told))
    }
}

/// Serialized directly: a JSON value would take many times the memory.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    is_first: bool,
    glances: &'a [String],
    reports: Vec<&'a Report>,
    webhooks: Vec<Value>,
}

/// Replaces secrets and tokens that an add-on may have repeated in its answer.
fn hidden(text: &str, here: &[Installed]) -> String {
    let mut masks = Masks::default();
    for installed in here {
        masks.learn_secret(installed.oauth_secret.expose());
    }
    masks.text(text)
}

fn delivery(delivery: &Delivery, here: &[Installed]) -> Value {
    let of = here.iter().find(|one| one.oauth_id == delivery.oauth_id);
    let add_on = of.map_or(delivery.oauth_id.as_str(), |one| &one.descriptor.name);
    let mut told = json!({
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
            told["status"] = json!(status);
            told["said"] = json!(text);
            told["isWritten"] = json!(entry.is_some());
            told["problem"] = json!(problem);
        }
        Outcome::Failed(why) => told["problem"] = json!(format!("It {why}.")),
        Outcome::Skipped(why) => told["problem"] = json!(format!("It was not called: {why}.")),
    }
    told
}
