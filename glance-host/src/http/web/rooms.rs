//! The list of rooms, and a room's settings.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRef, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use glance_sdk::model::UserId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pages::{PageError, render, who};
use super::room_access::{Person, RoomAccess, RoomManager};
use crate::http::state::AppState;
use crate::model::access;
use crate::model::access::Access;
use crate::model::host_info::HostInfo;
use crate::model::{NewRoom, Room, User};
use crate::service::rooms::{MembershipError, RoomError, Rooms, may_create};
use crate::service::sign_in::SignInState;
use crate::storage::Storage;

/// The form of a room.
#[derive(Default, Deserialize)]
pub(super) struct RoomForm {
    name: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    privacy: String,
}

impl RoomForm {
    fn of(room: &Room) -> Self {
        let privacy = if room.is_public { "public" } else { "private" };
        Self {
            name: room.name.clone(),
            topic: room.topic.clone(),
            privacy: privacy.to_owned(),
        }
    }

    /// A room is private unless the form says public.
    fn is_public(&self) -> bool {
        self.privacy == "public"
    }

    fn shown(&self) -> Value {
        json!({ "name": self.name, "topic": self.topic, "is_public": self.is_public() })
    }
}

pub(super) async fn list(
    State(pages): State<RoomPages>,
    Person(user): Person,
) -> Result<Response, PageError> {
    let form = RoomForm {
        privacy: "public".to_owned(),
        ..RoomForm::default()
    };
    pages.list(&user, StatusCode::OK, &form, None).await
}

pub(super) async fn create(
    State(pages): State<RoomPages>,
    State(rooms): State<Rooms>,
    Person(user): Person,
    Form(form): Form<RoomForm>,
) -> Result<Response, PageError> {
    if !may_create(&user) {
        return Err(PageError::NotAllowed("A guest cannot create rooms."));
    }
    let new = NewRoom {
        name: form.name.trim().to_owned(),
        is_public: form.is_public(),
        owner: user.id,
        topic: form.topic.trim().to_owned(),
    };
    match rooms.create(&new).await {
        Ok(room) => Ok(Redirect::to(&format!("/rooms/{}", room.id)).into_response()),
        Err(error) => {
            let (status, error) = describe_error(error)?;
            pages.list(&user, status, &form, Some(error)).await
        }
    }
}

/// The query of the settings page.
#[derive(Deserialize)]
pub(super) struct SettingsQuery {
    /// Present, without a value, after saving.
    saved: Option<String>,
}

pub(super) async fn settings(
    State(pages): State<RoomPages>,
    RoomManager(access): RoomManager,
    Query(SettingsQuery { saved }): Query<SettingsQuery>,
) -> Result<Response, PageError> {
    let form = RoomForm::of(&access.room);
    let is_saved = saved.is_some();
    pages
        .settings(&access, StatusCode::OK, &form, None, is_saved)
        .await
}

pub(super) async fn change(
    State(pages): State<RoomPages>,
    State(rooms): State<Rooms>,
    RoomManager(access): RoomManager,
    Form(form): Form<RoomForm>,
) -> Result<Response, PageError> {
    let change = |room: &mut Room| {
        room.name = form.name.trim().to_owned();
        room.topic = form.topic.trim().to_owned();
        room.is_public = form.is_public();
    };
    changed(&pages, &rooms, &access, &form, "?saved", change).await
}

#[derive(Deserialize)]
pub(super) struct ArchiveForm {
    archived: bool,
}

pub(super) async fn archive(
    State(pages): State<RoomPages>,
    State(rooms): State<Rooms>,
    RoomManager(access): RoomManager,
    Form(ArchiveForm { archived }): Form<ArchiveForm>,
) -> Result<Response, PageError> {
    let form = RoomForm::of(&access.room);
    let change = |room: &mut Room| room.is_archived = archived;
    changed(&pages, &rooms, &access, &form, "", change).await
}

/// Changes the room and redirects to its settings with this query, or shows the error beside the form.
async fn changed(
    pages: &RoomPages,
    rooms: &Rooms,
    access: &RoomAccess,
    form: &RoomForm,
    query: &str,
    change: impl Fn(&mut Room),
) -> Result<Response, PageError> {
    match rooms.change(access.room.id, &access.user, change).await {
        Ok(_) => Ok(back(access, query)),
        Err(error) => {
            let (status, error) = describe_error(error)?;
            pages
                .settings(access, status, form, Some(error), false)
                .await
        }
    }
}

pub(super) async fn remove(
    State(rooms): State<Rooms>,
    RoomManager(RoomAccess { room, user }): RoomManager,
) -> Result<Response, PageError> {
    rooms.delete(&room, &user).await?;
    Ok(Redirect::to("/").into_response())
}

#[derive(Deserialize)]
pub(super) struct MemberForm {
    user: UserId,
}

pub(super) async fn add_member(
    State(rooms): State<Rooms>,
    State(storage): State<Arc<dyn Storage>>,
    RoomManager(access): RoomManager,
    Form(MemberForm { user }): Form<MemberForm>,
) -> Result<Response, PageError> {
    // The page offers only those who need it, so after another error somebody changed the room or the person.
    if let Some(user) = storage.user(user).await?
        && let Err(MembershipError::Storage(cause)) = rooms.add_member(&access.room, &user).await
    {
        return Err(cause.into());
    }
    Ok(back(&access, ""))
}

pub(super) async fn remove_member(
    State(rooms): State<Rooms>,
    State(storage): State<Arc<dyn Storage>>,
    RoomManager(access): RoomManager,
    Form(MemberForm { user }): Form<MemberForm>,
) -> Result<Response, PageError> {
    if let Some(user) = storage.user(user).await?
        && let Err(MembershipError::Storage(cause)) = rooms.remove_member(&access.room, &user).await
    {
        return Err(cause.into());
    }
    Ok(back(&access, ""))
}

fn back(access: &RoomAccess, query: &str) -> Response {
    Redirect::to(&format!("/rooms/{}/settings{query}", access.room.id)).into_response()
}

/// Renders the list of rooms and the settings of a room.
pub(super) struct RoomPages {
    storage: Arc<dyn Storage>,
    info: Arc<HostInfo>,
    sign_in: Arc<SignInState>,
}

impl FromRef<AppState> for RoomPages {
    fn from_ref(app: &AppState) -> Self {
        Self {
            storage: Arc::clone(&app.storage),
            info: Arc::clone(&app.info),
            sign_in: Arc::clone(&app.sign_in),
        }
    }
}

impl RoomPages {
    async fn list(
        &self,
        user: &User,
        status: StatusCode,
        form: &RoomForm,
        error: Option<String>,
    ) -> Result<Response, PageError> {
        let rights = Access::new(user, self.storage.memberships(user.id).await?);
        let mut rooms = self.storage.rooms().await?;
        rooms.retain(|room| rights.may_enter(room));
        let shown = |is_archived| {
            let rooms = rooms
                .iter()
                .filter(move |room| room.is_archived == is_archived);
            let rooms = rooms.map(|room| {
                json!({
                    "id": room.id, "name": room.name, "topic": room.topic,
                    "is_public": room.is_public,
                })
            });
            rooms.collect::<Vec<_>>()
        };
        let values = json!({
            "group": self.info.group.name,
            "who": who(&self.sign_in, user),
            "unread": self.storage.count_unread(user.id).await?,
            "rooms": shown(false),
            "archived": shown(true),
            "may_create": may_create(user),
            "may_manage_group": access::manages_group(user),
            "wanted": form.shown(),
            "error": error,
        });
        Ok(render(status, "rooms.html", values))
    }

    async fn settings(
        &self,
        access: &RoomAccess,
        status: StatusCode,
        form: &RoomForm,
        error: Option<String>,
        is_saved: bool,
    ) -> Result<Response, PageError> {
        let room = &access.room;
        let members = self.storage.members(room.id).await?;
        let users = self.storage.users().await?;
        let person =
            |user: &User| json!({ "id": user.id, "name": user.name, "is_guest": user.is_guest });
        let needs_it = |user: &&User| access::needs_membership(user, room);
        let others = users.iter().filter(needs_it).filter(|user| {
            user.id != room.owner && !members.iter().any(|member| member.id == user.id)
        });
        let owner = self.storage.user(room.owner).await?;
        let values = json!({
            "group": self.info.group.name,
            "who": who(&self.sign_in, &access.user),
            "room": {
                "id": room.id, "name": room.name,
                "is_public": room.is_public, "is_archived": room.is_archived,
            },
            "owner": owner.map(|owner| owner.name),
            "wanted": form.shown(),
            "members": members.iter().filter(needs_it).map(person).collect::<Vec<_>>(),
            "others": others.map(person).collect::<Vec<_>>(),
            "error": error,
            "is_saved": is_saved,
        });
        Ok(render(status, "settings.html", values))
    }
}

/// Returns the error for a room that was not created or changed, as a sentence beside the form.
fn describe_error(error: RoomError) -> Result<(StatusCode, String), PageError> {
    match error {
        RoomError::NameLength(_) | RoomError::NameCharacter | RoomError::TopicLength(_) => {
            let mut why = error.to_string();
            if let Some(first) = why.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            Ok((StatusCode::UNPROCESSABLE_ENTITY, format!("{why}.")))
        }
        RoomError::NameTaken(name) => {
            let why = format!("There is a room with the name {name} already.");
            Ok((StatusCode::CONFLICT, why))
        }
        RoomError::Archived(_) => Err(PageError::NotAllowed(
            "This room is archived and can only be read. Restore it first.",
        )),
        RoomError::Gone => Err(PageError::NoRoom),
        RoomError::Busy => Ok((StatusCode::CONFLICT, format!("{error}."))),
        RoomError::Storage(cause) => Err(cause.into()),
    }
}
