//! The people whom a message in a room may mention.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::pages::PageError;
use super::room_access::RoomAccess;
use crate::model::Message;
use crate::service::directory::Directory;

/// The maximum number of people in a response.
const MAX_PEOPLE: u32 = 20;

#[derive(Deserialize)]
pub(super) struct MentionQuery {
    /// The first letters of the person's mention name, in any case.
    starts: String,
}

#[derive(Serialize)]
pub(super) struct MentionJson {
    name: String,
    mention: String,
}

/// Lists people who may enter the room, by their mention names.
pub(super) async fn list(
    State(directory): State<Directory>,
    RoomAccess { room, .. }: RoomAccess,
    Query(MentionQuery { starts }): Query<MentionQuery>,
) -> Result<Json<Vec<MentionJson>>, PageError> {
    let found = directory.people_to_mention(&room, &starts, MAX_PEOPLE);
    let people = found.await?.into_iter().map(|user| MentionJson {
        mention: user.mention_name(),
        name: user.name,
    });
    // A name with other characters than letters and digits cannot be mentioned.
    let people = people.filter(|MentionJson { mention, .. }| {
        Message::mentioned(&format!("@{mention}")) == [mention.to_lowercase()]
    });
    Ok(Json(people.collect()))
}
