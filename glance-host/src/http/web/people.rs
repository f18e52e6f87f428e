//! The people of the group and their roles.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use glance_sdk::model::UserId;
use serde::Deserialize;
use serde_json::json;

use super::pages::{PageError, render, who};
use super::room_access::Admin;
use crate::http::state::AppState;
use crate::model::User;
use crate::service::sign_in::SignInMethod;
use crate::storage::PersonChange;

/// The role of a person.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Admin,
    Member,
    Guest,
}

impl Role {
    fn of(user: &User) -> Self {
        match (user.is_admin, user.is_guest) {
            (true, _) => Self::Admin,
            (false, true) => Self::Guest,
            (false, false) => Self::Member,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Guest => "guest",
        }
    }
}

pub(super) async fn list(
    State(app): State<AppState>,
    Admin(asking): Admin,
) -> Result<Response, PageError> {
    page(&app, &asking, StatusCode::OK, None).await
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    role: Role,
}

pub(super) async fn set_role(
    State(app): State<AppState>,
    Admin(asking): Admin,
    Path(user): Path<UserId>,
    Form(Wanted { role }): Form<Wanted>,
) -> Result<Response, PageError> {
    if has_rule(&app)
        && let Some(user) = app.storage.user(user).await?
        && user.is_admin != (role == Role::Admin)
    {
        let why = "Who is an admin is decided where people sign in, not here.";
        return page(&app, &asking, StatusCode::CONFLICT, Some(why)).await;
    }
    let change = |user: &mut User| {
        user.is_admin = role == Role::Admin;
        user.is_guest = role == Role::Guest;
    };
    let changed = app.people.change(user, change).await?;
    answer(&app, &asking, changed).await
}

#[derive(Deserialize)]
pub(super) struct Removal {
    removed: bool,
}

pub(super) async fn remove(
    State(app): State<AppState>,
    Admin(asking): Admin,
    Path(user): Path<UserId>,
    Form(Removal { removed }): Form<Removal>,
) -> Result<Response, PageError> {
    let changed = match removed {
        true => app.people.remove(user).await?,
        false => {
            app.people
                .change(user, |user| user.is_removed = false)
                .await?
        }
    };
    answer(&app, &asking, changed).await
}

/// Redirects to the page, or shows on it why nothing changed.
async fn answer(
    app: &AppState,
    asking: &User,
    changed: PersonChange,
) -> Result<Response, PageError> {
    if changed == PersonChange::LastAdmin {
        let why = "This is the last admin. Make somebody else one first.";
        return page(app, asking, StatusCode::CONFLICT, Some(why)).await;
    }
    Ok(Redirect::to("/people").into_response())
}

/// Returns whether a rule decides who is an admin.
fn has_rule(app: &AppState) -> bool {
    match &app.sign_in.method {
        SignInMethod::Local(_) | SignInMethod::Name => false,
        SignInMethod::Proxy(proxy) => proxy.has_rule(),
        #[cfg(feature = "openid")]
        SignInMethod::OpenId(provider) => provider.has_rule(),
    }
}

async fn page(
    app: &AppState,
    asking: &User,
    status: StatusCode,
    error: Option<&str>,
) -> Result<Response, PageError> {
    let person = |user: &User| {
        json!({
            "id": user.id, "name": user.name, "email": user.email,
            "role": Role::of(user).name(), "is_online": app.directory.is_online(user.id),
        })
    };
    let users = app.storage.users().await?;
    let removed = app.storage.removed_users().await?;
    let values = json!({
        "group": app.info.group.name,
        "who": who(app, asking),
        "has_tokens": !app.sign_in.is_local(),
        "people": users.iter().map(person).collect::<Vec<_>>(),
        "removed": removed.iter().map(person).collect::<Vec<_>>(),
        "error": error,
    });
    Ok(render(status, "people.html", values))
}
