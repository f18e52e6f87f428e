//! The people whom a message in a room may mention.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::pages::PageError;
use super::room_access::RoomAccess;
use crate::model::{Message, User};
use crate::service::directory::Directory;

/// The maximum number of people in a response.
const MAX_PEOPLE: usize = 20;

#[derive(Deserialize)]
pub(super) struct MentionQuery {
    /// The first letters of the person's mention name or of one of their names, in any case.
    starts: String,
}

#[derive(Serialize)]
pub(super) struct MentionJson {
    name: String,
    mention: String,
}

/// Lists people who may enter the room, by name; those whose mention name starts with the letters come first.
pub(super) async fn list(
    State(directory): State<Directory>,
    RoomAccess { room, .. }: RoomAccess,
    Query(MentionQuery { starts }): Query<MentionQuery>,
) -> Result<Json<Vec<MentionJson>>, PageError> {
    let members = directory.members(&room).await?;
    Ok(Json(find(&members, &starts)))
}

fn find(people: &[User], starts: &str) -> Vec<MentionJson> {
    let starts = starts.to_lowercase();
    let mut found: Vec<_> = people
        .iter()
        .filter(|user| !user.is_technical)
        .filter_map(|user| {
            let mention = user.mention_name();
            // A name with other characters than letters and digits cannot be mentioned.
            if Message::mentioned(&format!("@{mention}")) != [mention.to_lowercase()] {
                return None;
            }
            let name = user.name.to_lowercase();
            let is_first = mention.to_lowercase().starts_with(&starts);
            let is_match = is_first
                || name
                    .split_whitespace()
                    .any(|word| word.starts_with(&starts));
            is_match.then(|| (!is_first, name, user.name.clone(), mention))
        })
        .collect();
    found.sort();
    found.truncate(MAX_PEOPLE);
    let person = |(_, _, name, mention)| MentionJson { name, mention };
    found.into_iter().map(person).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{PeopleStore as _, SqliteState};

    #[tokio::test]
    async fn people_are_found_by_the_start_of_their_names() {
        let storage = SqliteState::in_memory().unwrap();
        let mut people = Vec::new();
        for name in ["Zoe Änn", "Ann Lee", "anna", "Bob", "Joann", "Ann-Sophie"] {
            people.push(storage.get_or_create_user(name).await.unwrap());
        }
        let names = |people: &[User], starts: &str| -> Vec<String> {
            let found = find(people, starts).into_iter();
            found.map(|person| person.mention).collect()
        };
        assert_eq!(names(&people, "AN"), ["AnnLee", "anna"]);
        assert_eq!(names(&people, "annl"), ["AnnLee"]);
        assert_eq!(names(&people, "lee"), ["AnnLee"]);
        assert_eq!(names(&people, "än"), ["ZoeÄnn"]);
        assert!(names(&people, "x").is_empty());
        let many = vec![people[3].clone(); MAX_PEOPLE + 5];
        assert_eq!(names(&many, "").len(), MAX_PEOPLE);
    }
}
