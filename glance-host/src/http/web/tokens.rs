//! The page of admin tokens: an admin creates, lists and revokes them.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRef, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use glance_sdk::model::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pages::{PageError, render, who};
use super::room_access::Admin;
use crate::content::wire;
use crate::http::state::AppState;
use crate::model::access;
use crate::model::clock::Clock;
use crate::model::host_info::HostInfo;
use crate::model::{AdminToken, MAX_ADMIN_TOKENS, User};
use crate::service::admin_tokens::{
    AdminTokens, DEFAULT_DAYS, MAX_DAYS, NOT_FOR_GUESTS, NOT_NEEDED, NotCreated,
};
use crate::service::sign_in::{self, SignInState};
use crate::storage::Storage;

/// The form of a new token.
#[derive(Deserialize)]
pub(super) struct TokenForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    days: String,
}

impl Default for TokenForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            days: DEFAULT_DAYS.to_string(),
        }
    }
}

pub(super) async fn list(
    State(page): State<TokensPage>,
    Admin(admin): Admin,
) -> Result<Response, PageError> {
    let form = TokenForm::default();
    page.show(&admin, StatusCode::OK, &form, Notice::None).await
}

pub(super) async fn create(
    State(tokens): State<AdminTokens>,
    State(page): State<TokensPage>,
    Admin(admin): Admin,
    Form(form): Form<TokenForm>,
) -> Result<Response, PageError> {
    // Text that is no number is as wrong as 0.
    let days = form.days.trim().parse().unwrap_or_default();
    let (status, refused) = match tokens.create(&admin, &form.name, days).await {
        Ok((created, secret)) => {
            let (form, notice) = (TokenForm::default(), Notice::Created(&created, &secret));
            return page.show(&admin, StatusCode::CREATED, &form, notice).await;
        }
        Err(NotCreated::Storage(cause)) => return Err(cause.into()),
        Err(NotCreated::Guest) => return Err(PageError::NotAllowed(NOT_FOR_GUESTS)),
        Err(NotCreated::NotNeeded) => return Err(PageError::NotAllowed(NOT_NEEDED)),
        Err(refused @ NotCreated::TooMany) => (StatusCode::CONFLICT, refused),
        Err(refused) => (StatusCode::UNPROCESSABLE_ENTITY, refused),
    };
    let notice = Notice::Refused(refused.to_string());
    page.show(&admin, status, &form, notice).await
}

pub(super) async fn revoke(
    State(tokens): State<AdminTokens>,
    Admin(admin): Admin,
    Path(token): Path<u64>,
) -> Result<Response, PageError> {
    tokens.revoke(&admin, token).await?;
    Ok(Redirect::to("/tokens").into_response())
}

/// The result of the last action.
enum Notice<'a> {
    None,
    /// The token, which is shown only now.
    Created(&'a AdminToken, &'a Secret),
    Refused(String),
}

/// Renders the page.
pub(super) struct TokensPage {
    storage: Arc<dyn Storage>,
    info: Arc<HostInfo>,
    sign_in: Arc<SignInState>,
    clock: Clock,
}

impl FromRef<AppState> for TokensPage {
    fn from_ref(app: &AppState) -> Self {
        Self {
            storage: Arc::clone(&app.storage),
            info: Arc::clone(&app.info),
            sign_in: Arc::clone(&app.sign_in),
            clock: app.clock.clone(),
        }
    }
}

impl TokensPage {
    async fn show(
        &self,
        admin: &User,
        status: StatusCode,
        form: &TokenForm,
        notice: Notice<'_>,
    ) -> Result<Response, PageError> {
        let now = self.clock.now();
        let all = self.storage.admin_tokens().await?;
        let creators: Vec<_> = all.iter().map(|token| token.created_by).collect();
        let creators = self.storage.users_by_id(&creators).await?;
        let shown = |token: &AdminToken| {
            let creator = creators.iter().find(|user| user.id == token.created_by);
            let is_admin =
                creator.is_some_and(|user| access::manages_group(user) && !user.is_removed);
            json!({
                "id": token.id,
                "name": token.name,
                "by": creator.map(|user| &user.name),
                "is_stopped": !is_admin,
                "created": time(token.created_at),
                "expires": time(token.expires_at),
                "used": token.last_used_at.map(time),
                "revoked": token.revoked_at.map(time),
            })
        };
        let (holding, ended): (Vec<_>, Vec<_>) = all.iter().partition(|token| token.holds(now));
        let shown = |tokens: Vec<&AdminToken>| tokens.into_iter().map(shown).collect::<Vec<_>>();
        let (created, error) = match notice {
            Notice::None => (Value::Null, None),
            Notice::Created(token, secret) => {
                let created = json!({
                    "name": token.name,
                    "secret": secret.expose(),
                    "expires": time(token.expires_at),
                });
                (created, None)
            }
            Notice::Refused(why) => (Value::Null, Some(why)),
        };
        let values = json!({
            "group": self.info.group.name,
            "who": who(&self.sign_in, admin),
            "base_url": self.info.base_url,
            "not_needed": self.sign_in.is_local().then_some(NOT_NEEDED),
            "is_full": holding.len() >= MAX_ADMIN_TOKENS as usize,
            "holding": shown(holding),
            "ended": shown(ended),
            "created": created,
            "error": error,
            "form": { "name": form.name, "days": form.days },
            "max_name": sign_in::name::MAX_NAME,
            "max_days": MAX_DAYS,
            "max_tokens": MAX_ADMIN_TOKENS,
        });
        Ok(render(status, "tokens.html", values))
    }
}

/// Formats a time for programs, and for people to the minute.
fn time(seconds: i64) -> Value {
    let exact = wire::time(seconds);
    let minute = exact.get(..16).unwrap_or_default().replace('T', " ");
    json!({ "exact": exact, "shown": format!("{minute} UTC") })
}
