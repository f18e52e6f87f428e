//! The page of admin tokens: an admin creates, lists and revokes them.

use axum::Form;
use axum::extract::{Path, State};
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
use crate::model::{AdminToken, MAX_ADMIN_TOKENS, User};
use crate::service::admin_tokens::{DEFAULT_DAYS, MAX_DAYS, NotCreated};
use crate::service::sign_in;

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
    State(app): State<AppState>,
    Admin(asking): Admin,
) -> Result<Response, PageError> {
    page(
        &app,
        &asking,
        StatusCode::OK,
        &TokenForm::default(),
        Notice::None,
    )
    .await
}

pub(super) async fn create(
    State(app): State<AppState>,
    Admin(asking): Admin,
    Form(form): Form<TokenForm>,
) -> Result<Response, PageError> {
    if !access::manages_group(&asking) {
        return Err(PageError::NotAllowed("A guest cannot create tokens."));
    }
    if app.sign_in.is_local() {
        return Err(PageError::NotAllowed(NOT_NEEDED));
    }
    // Text that is no number is as wrong as 0.
    let days = form.days.trim().parse().unwrap_or_default();
    match app.admin_tokens.create(&asking, &form.name, days).await {
        Ok((created, secret)) => {
            let notice = Notice::Created(&created, &secret);
            page(
                &app,
                &asking,
                StatusCode::CREATED,
                &TokenForm::default(),
                notice,
            )
            .await
        }
        Err(NotCreated::Storage(cause)) => Err(cause.into()),
        Err(refused) => {
            let status = match refused {
                NotCreated::TooMany => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let notice = Notice::Refused(refused.to_string());
            page(&app, &asking, status, &form, notice).await
        }
    }
}

pub(super) async fn revoke(
    State(app): State<AppState>,
    Admin(asking): Admin,
    Path(token): Path<u64>,
) -> Result<Response, PageError> {
    app.admin_tokens.revoke(&asking, token).await?;
    Ok(Redirect::to("/tokens").into_response())
}

const NOT_NEEDED: &str =
    "Nobody signs in to this host, so it takes commands of its own machine without a token.";

/// The result of the last action.
enum Notice<'a> {
    None,
    /// The token, which is shown only now.
    Created(&'a AdminToken, &'a Secret),
    Refused(String),
}

async fn page(
    app: &AppState,
    asking: &User,
    status: StatusCode,
    form: &TokenForm,
    notice: Notice<'_>,
) -> Result<Response, PageError> {
    let now = app.clock.now();
    let all = app.storage.admin_tokens().await?;
    let creators: Vec<_> = all.iter().map(|token| token.created_by).collect();
    let creators = app.storage.users_by_id(&creators).await?;
    let shown = |token: &AdminToken| {
        let creator = creators.iter().find(|user| user.id == token.created_by);
        let is_admin = creator.is_some_and(|user| access::manages_group(user) && !user.is_removed);
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
        "group": app.info.group.name,
        "who": who(app, asking),
        "base_url": app.info.base_url,
        "not_needed": app.sign_in.is_local().then_some(NOT_NEEDED),
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

/// Formats a time for programs, and for people to the minute.
fn time(seconds: i64) -> Value {
    let exact = wire::time(seconds);
    let minute = exact.get(..16).unwrap_or_default().replace('T', " ");
    json!({ "exact": exact, "shown": format!("{minute} UTC") })
}
