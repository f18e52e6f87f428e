//! The people of the group and their roles.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use glance_sdk::model::UserId;
use serde::Deserialize;
use serde_json::json;

use super::pages::{PageError, render, who};
use super::room_access::Admin;
use crate::model::User;
use crate::service::shared::Shared;
use crate::service::sign_in::Way;
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
    State(shared): State<Arc<Shared>>,
    Admin(asking): Admin,
) -> Result<Response, PageError> {
    page(&shared, &asking, StatusCode::OK, None).await
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    role: Role,
}

pub(super) async fn set_role(
    State(shared): State<Arc<Shared>>,
    Admin(asking): Admin,
    Path(user): Path<UserId>,
    Form(Wanted { role }): Form<Wanted>,
) -> Result<Response, PageError> {
    if has_rule(&shared)
        && let Some(user) = shared.state.user(user).await?
        && user.is_admin != (role == Role::Admin)
    {
        let why = "Who is an admin is decided where people sign in, not here.";
        return page(&shared, &asking, StatusCode::CONFLICT, Some(why)).await;
    }
    let change = |user: &mut User| {
        user.is_admin = role == Role::Admin;
        user.is_guest = role == Role::Guest;
    };
    let changed = shared.people.change(user, change).await?;
    answer(&shared, &asking, changed).await
}

#[derive(Deserialize)]
pub(super) struct Removal {
    removed: bool,
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Admin(asking): Admin,
    Path(user): Path<UserId>,
    Form(Removal { removed }): Form<Removal>,
) -> Result<Response, PageError> {
    let changed = match removed {
        true => shared.people.remove(user).await?,
        false => {
            shared
                .people
                .change(user, |user| user.is_removed = false)
                .await?
        }
    };
    answer(&shared, &asking, changed).await
}

/// Redirects to the page, or shows on it why nothing changed.
async fn answer(
    shared: &Shared,
    asking: &User,
    changed: PersonChange,
) -> Result<Response, PageError> {
    if changed == PersonChange::LastAdmin {
        let why = "This is the last admin. Make somebody else one first.";
        return page(shared, asking, StatusCode::CONFLICT, Some(why)).await;
    }
    Ok(Redirect::to("/people").into_response())
}

/// Returns whether a rule decides who is an admin.
fn has_rule(shared: &Shared) -> bool {
    match &shared.entrance.way {
        Way::Local(_) | Way::Name => false,
        Way::Proxy(proxy) => proxy.has_rule(),
        #[cfg(feature = "openid")]
        Way::OpenId(provider) => provider.has_rule(),
    }
}

async fn page(
    shared: &Shared,
    asking: &User,
    status: StatusCode,
    error: Option<&str>,
) -> Result<Response, PageError> {
    let person = |user: &User| {
        json!({
            "id": user.id, "name": user.name, "email": user.email,
            "role": Role::of(user).name(), "is_online": shared.attendance.is_online(user.id),
        })
    };
    let users = shared.state.users().await?;
    let removed = shared.state.removed_users().await?;
    let values = json!({
        "group": shared.info.group.name,
        "who": who(shared, asking),
        "has_tokens": !shared.entrance.is_local(),
        "people": users.iter().map(person).collect::<Vec<_>>(),
        "removed": removed.iter().map(person).collect::<Vec<_>>(),
        "error": error,
    });
    Ok(render(status, "people.html", values))
}
