//! The list of rooms, and a room's settings.

use axum::Form;
use axum::extract::{Query, State};
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
use crate::model::{NewRoom, Room, User};
use crate::service::rooms::{MembershipError, RoomError};

/// The form of a room.
#[derive(Default, Deserialize)]
pub(super) struct Wanted {
    name: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    privacy: String,
}

impl Wanted {
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
    State(app): State<AppState>,
    Person(user): Person,
) -> Result<Response, PageError> {
    let wanted = Wanted {
        privacy: "public".to_owned(),
        ..Wanted::default()
    };
    page(&app, &user, StatusCode::OK, &wanted, None).await
}

pub(super) async fn create(
    State(app): State<AppState>,
    Person(user): Person,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageError> {
    if user.is_guest {
        return Err(PageError::NotAllowed("A guest cannot create rooms."));
    }
    let new = NewRoom {
        name: wanted.name.trim().to_owned(),
        is_public: wanted.is_public(),
        owner: user.id,
        topic: wanted.topic.trim().to_owned(),
    };
    match app.rooms.create(&new).await {
        Ok(room) => Ok(Redirect::to(&format!("/rooms/{}", room.id)).into_response()),
        Err(error) => {
            let (status, error) = describe_error(error)?;
            page(&app, &user, status, &wanted, Some(error)).await
        }
    }
}

async fn page(
    app: &AppState,
    user: &User,
    status: StatusCode,
    wanted: &Wanted,
    error: Option<String>,
) -> Result<Response, PageError> {
    let access = Access::new(user, app.storage.memberships(user.id).await?);
    let mut rooms = app.storage.rooms().await?;
    rooms.retain(|room| access.may_enter(room));
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
        "group": app.info.group.name,
        "who": who(app, user),
        "unread": app.storage.count_unread(user.id).await?,
        "rooms": shown(false),
        "archived": shown(true),
        "may_create": !user.is_guest,
        "may_manage_group": access::manages_group(user),
        "wanted": wanted.shown(),
        "error": error,
    });
    Ok(render(status, "rooms.html", values))
}

/// The query of the settings page.
#[derive(Deserialize)]
pub(super) struct Said {
    /// Present, without a value, after saving.
    saved: Option<String>,
}

pub(super) async fn settings(
    State(app): State<AppState>,
    RoomManager(visit): RoomManager,
    Query(Said { saved }): Query<Said>,
) -> Result<Response, PageError> {
    let wanted = Wanted::of(&visit.room);
    let is_saved = saved.is_some();
    settings_page(&app, &visit, StatusCode::OK, &wanted, None, is_saved).await
}

pub(super) async fn change(
    State(app): State<AppState>,
    RoomManager(visit): RoomManager,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageError> {
    let change = |room: &mut Room| {
        room.name = wanted.name.trim().to_owned();
        room.topic = wanted.topic.trim().to_owned();
        room.is_public = wanted.is_public();
    };
    changed(&app, &visit, &wanted, "?saved", change).await
}

#[derive(Deserialize)]
pub(super) struct Archive {
    archived: bool,
}

pub(super) async fn archive(
    State(app): State<AppState>,
    RoomManager(visit): RoomManager,
    Form(Archive { archived }): Form<Archive>,
) -> Result<Response, PageError> {
    let wanted = Wanted::of(&visit.room);
    let change = |room: &mut Room| room.is_archived = archived;
    changed(&app, &visit, &wanted, "", change).await
}

/// Changes the room and redirects to its settings with this query, or shows the error beside the form.
async fn changed(
    app: &AppState,
    visit: &RoomAccess,
    wanted: &Wanted,
    query: &str,
    change: impl Fn(&mut Room),
) -> Result<Response, PageError> {
    match app.rooms.change(visit.room.id, &visit.user, change).await {
        Ok(_) => Ok(back(visit, query)),
        Err(error) => {
            let (status, error) = describe_error(error)?;
            settings_page(app, visit, status, wanted, Some(error), false).await
        }
    }
}

pub(super) async fn remove(
    State(app): State<AppState>,
    RoomManager(RoomAccess { room, user }): RoomManager,
) -> Result<Response, PageError> {
    app.rooms.delete(&room, &user).await?;
    Ok(Redirect::to("/").into_response())
}

#[derive(Deserialize)]
pub(super) struct Member {
    user: UserId,
}

pub(super) async fn add_member(
    State(app): State<AppState>,
    RoomManager(visit): RoomManager,
    Form(Member { user }): Form<Member>,
) -> Result<Response, PageError> {
    // The page offers only those who need it, so after another error somebody changed the room or the person.
    if let Some(user) = app.storage.user(user).await?
        && let Err(MembershipError::Storage(cause)) = app.rooms.add_member(&visit.room, &user).await
    {
        return Err(cause.into());
    }
    Ok(back(&visit, ""))
}

pub(super) async fn remove_member(
    State(app): State<AppState>,
    RoomManager(visit): RoomManager,
    Form(Member { user }): Form<Member>,
) -> Result<Response, PageError> {
    if let Some(user) = app.storage.user(user).await?
        && let Err(MembershipError::Storage(cause)) =
            app.rooms.remove_member(&visit.room, &user).await
    {
        return Err(cause.into());
    }
    Ok(back(&visit, ""))
}

fn back(visit: &RoomAccess, query: &str) -> Response {
    Redirect::to(&format!("/rooms/{}/settings{query}", visit.room.id)).into_response()
}

async fn settings_page(
    app: &AppState,
    visit: &RoomAccess,
    status: StatusCode,
    wanted: &Wanted,
    error: Option<String>,
    is_saved: bool,
) -> Result<Response, PageError> {
    let room = &visit.room;
    let members = app.storage.members(room.id).await?;
    let users = app.storage.users().await?;
    let person =
        |user: &User| json!({ "id": user.id, "name": user.name, "is_guest": user.is_guest });
    let needs_it = |user: &&User| access::needs_membership(user, room);
    let others = users
        .iter()
        .filter(needs_it)
        .filter(|user| user.id != room.owner && !members.iter().any(|member| member.id == user.id));
    let owner = app.storage.user(room.owner).await?;
    let values = json!({
        "group": app.info.group.name,
        "who": who(app, &visit.user),
        "room": {
            "id": room.id, "name": room.name,
            "is_public": room.is_public, "is_archived": room.is_archived,
        },
        "owner": owner.map(|owner| owner.name),
        "wanted": wanted.shown(),
        "members": members.iter().filter(needs_it).map(person).collect::<Vec<_>>(),
        "others": others.map(person).collect::<Vec<_>>(),
        "error": error,
        "is_saved": is_saved,
    });
    Ok(render(status, "settings.html", values))
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
        RoomError::Storage(cause) => Err(cause.into()),
    }
}
