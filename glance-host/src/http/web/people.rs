//! The people of the group and their roles.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRef, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use glance_sdk::model::UserId;
use serde::Deserialize;
use serde_json::json;

use super::pages::{PageError, render, who};
use super::room_access::Admin;
use crate::http::state::AppState;
use crate::model::User;
use crate::model::host_info::HostInfo;
use crate::service::directory::Directory;
use crate::service::people::{People, Role};
use crate::service::sign_in::SignInState;
use crate::service::sign_in::accounts::{Accounts, RoleError};
use crate::storage::{PersonChange, Storage};

/// The form of a role.
#[derive(Deserialize)]
pub(super) struct RoleForm {
    role: RoleName,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    Admin,
    Member,
    Guest,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Member => Self::Member,
            RoleName::Guest => Self::Guest,
        }
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Member => "member",
        Role::Guest => "guest",
    }
}

pub(super) async fn list(
    State(page): State<PeoplePage>,
    Admin(admin): Admin,
) -> Result<Response, PageError> {
    page.show(&admin, StatusCode::OK, None).await
}

pub(super) async fn set_role(
    State(accounts): State<Accounts>,
    State(page): State<PeoplePage>,
    Admin(admin): Admin,
    Path(user): Path<UserId>,
    Form(RoleForm { role }): Form<RoleForm>,
) -> Result<Response, PageError> {
    let why = match accounts.set_role(user, role.into()).await {
        Ok(()) => return Ok(back()),
        Err(RoleError::DecidedAtSignIn) => {
            "Who is an admin is decided where people sign in, not here."
        }
        Err(RoleError::LastAdmin) => LAST_ADMIN,
        Err(RoleError::Busy) => BUSY,
        Err(RoleError::Storage(cause)) => return Err(cause.into()),
    };
    page.show(&admin, StatusCode::CONFLICT, Some(why)).await
}

#[derive(Deserialize)]
pub(super) struct RemovalForm {
    removed: bool,
}

pub(super) async fn remove(
    State(people): State<People>,
    State(page): State<PeoplePage>,
    Admin(admin): Admin,
    Path(user): Path<UserId>,
    Form(RemovalForm { removed }): Form<RemovalForm>,
) -> Result<Response, PageError> {
    let changed = match removed {
        true => people.remove(user).await?,
        false => people.restore(user).await?,
    };
    let why = match changed {
        PersonChange::LastAdmin => LAST_ADMIN,
        PersonChange::Stale => BUSY,
        _ => return Ok(back()),
    };
    page.show(&admin, StatusCode::CONFLICT, Some(why)).await
}

const LAST_ADMIN: &str = "This is the last admin. Make somebody else one first.";

const BUSY: &str = "Others are changing this person at the same time. Try again.";

fn back() -> Response {
    Redirect::to("/people").into_response()
}

/// Renders the page.
pub(super) struct PeoplePage {
    storage: Arc<dyn Storage>,
    directory: Directory,
    info: Arc<HostInfo>,
    sign_in: Arc<SignInState>,
}

impl FromRef<AppState> for PeoplePage {
    fn from_ref(app: &AppState) -> Self {
        Self {
            storage: Arc::clone(&app.storage),
            directory: app.directory.clone(),
            info: Arc::clone(&app.info),
            sign_in: Arc::clone(&app.sign_in),
        }
    }
}

impl PeoplePage {
    async fn show(
        &self,
        admin: &User,
        status: StatusCode,
        error: Option<&str>,
    ) -> Result<Response, PageError> {
        let person = |user: &User| {
            json!({
                "id": user.id, "name": user.name, "email": user.email,
                "role": name(Role::of(user)), "is_online": self.directory.is_online(user.id),
            })
        };
        let users = self.storage.users().await?;
        let removed = self.storage.removed_users().await?;
        let values = json!({
            "group": self.info.group.name,
            "who": who(&self.sign_in, admin),
            "has_tokens": !self.sign_in.is_local(),
            "people": users.iter().map(person).collect::<Vec<_>>(),
            "removed": removed.iter().map(person).collect::<Vec<_>>(),
            "error": error,
        });
        Ok(render(status, "people.html", values))
    }
}
