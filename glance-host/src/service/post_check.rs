//! Checks whether an add-on may post to a room, for the REST API and for answers of webhooks.

use std::error::Error;
use std::fmt;

use glance_sdk::model::OauthId;

use crate::cluster::rate_limits::{Allowance, Exceeded, Limits};
use crate::model::{Archived, Room};

/// The reason why an add-on may not post to a room now.
#[derive(Debug)]
pub(crate) enum PostRefused {
    Archived(Archived),
    /// The installation posts too much.
    TooMany(Exceeded),
}

impl fmt::Display for PostRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archived(error) => error.fmt(f),
            Self::TooMany(_) => f.write_str("the add-on posts too much"),
        }
    }
}

impl Error for PostRefused {}

/// Refuses a post to an archived room, then counts it against the limit of the installation. Returns the rest of the
/// limit.
pub(crate) fn check_post(
    limits: &Limits,
    room: &Room,
    oauth_id: &OauthId,
) -> Result<Allowance, PostRefused> {
    room.check_writable().map_err(PostRefused::Archived)?;
    limits
        .message(oauth_id, room.id)
        .map_err(PostRefused::TooMany)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::clock::Clock;

    fn room(id: u64, is_archived: bool) -> Room {
        Room {
            id: id.into(),
            name: "ops".to_owned(),
            is_public: true,
            owner: 1.into(),
            topic: String::new(),
            is_archived,
            created: 0,
        }
    }

    #[test]
    fn archived_room_refuses_without_counting() {
        let limits = Limits::new(Clock::standing_at(0), 1, 1);
        let id = OauthId::from("a");
        let refused = check_post(&limits, &room(1, true), &id).unwrap_err();
        assert!(matches!(refused, PostRefused::Archived(_)), "{refused}");
        assert_eq!(
            check_post(&limits, &room(1, false), &id).unwrap().remaining,
            0
        );
    }

    #[test]
    fn limit_is_per_installation_room_and_minute() {
        let clock = Clock::standing_at(0);
        let limits = Limits::new(clock.clone(), 1, 1);
        let post = |id: &str, room_id| check_post(&limits, &room(room_id, false), &id.into());
        post("a", 1).unwrap();
        let refused = post("a", 1).unwrap_err();
        assert!(matches!(refused, PostRefused::TooMany(_)), "{refused}");
        post("a", 2).unwrap();
        post("b", 1).unwrap();
        clock.advance(Duration::from_secs(59));
        post("a", 1).unwrap_err();
        clock.advance(Duration::from_secs(1));
        post("a", 1).unwrap();
    }
}
