//! The ledger of the changes that the host acknowledged.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use tokio::sync::watch;

use super::{signed_in, text};
use crate::process::Server;

/// Something that has one value, or none, and is read back by its address. The first variants sort first: the others
/// need the installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Installation,
    Token(String),
    Glance(u64),
    Action(u64),
    Webhook(u64),
    /// A room, by its id; the value is its topic, and whether it is archived.
    Room(u64),
    /// Whether a person is a member of a room.
    Member {
        room: u64,
        person: u64,
    },
    /// The session of a person.
    Session(String),
    IsAdmin(u64),
    IsRemoved(u64),
}

impl Thing {
    /// Returns whether only its installation may read it, and a removal deletes it.
    pub(super) fn is_of_installation(&self) -> bool {
        matches!(
            self,
            Self::Token(_) | Self::Glance(_) | Self::Action(_) | Self::Webhook(_)
        )
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Installation => "installations",
            Self::Token(_) => "tokens",
            Self::Glance(_) => "glances",
            Self::Action(_) => "actions",
            Self::Webhook(_) => "webhooks",
            Self::Room(_) => "rooms",
            Self::Member { .. } => "members",
            Self::Session(_) => "sessions",
            Self::IsAdmin(_) => "roles",
            Self::IsRemoved(_) => "removals of people",
        }
    }

    /// Returns the path of the REST API.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Installation => "/v2/capabilities".to_owned(),
            Self::Token(token) => format!("/v2/oauth/token/{token}"),
            Self::Glance(key) => format!("/v2/room/1/extension/glance/glance-{key}"),
            Self::Action(key) => format!("/v2/room/1/extension/action/action-{key}"),
            Self::Webhook(key) => format!("/v2/room/1/extension/webhook/webhook-{key}"),
            Self::Room(room) => format!("/v2/room/{room}"),
            Self::Member { room, person } => format!("/v2/room/{room}/member/{person}"),
            Self::Session(_) => "/people".to_owned(),
            Self::IsAdmin(person) | Self::IsRemoved(person) => format!("/v2/user/{person}"),
        }
    }

    /// Reads it from the host.
    pub(super) async fn read(&self, server: &Server, token: &str) -> Option<String> {
        let yes = |is_so: bool| is_so.then(|| "yes".to_owned());
        match self {
            Self::Session(session) => {
                let mut browser = signed_in(server, session);
                let request = browser.request(Method::GET, "/");
                return yes(browser.send(request).await.unwrap().0 == 200);
            }
            Self::Member { room, person } => {
                let path = format!("/v2/room/{room}/member?max-results=1000");
                let members = server.get(token, &path).await.ok()?;
                let members = members["items"].as_array().unwrap();
                return yes(members.iter().any(|member| member["id"] == *person));
            }
            _ => {}
        }
        let token = match self {
            Self::Token(token) => token,
            _ => token,
        };
        let found = match server.get(token, &self.path()).await {
            Ok(found) => found,
            Err(error) => {
                let status = error.status().unwrap();
                assert!(matches!(status.as_u16(), 401 | 404), "{self:?}: {error}");
                return None;
            }
        };
        match self {
            Self::Glance(_) | Self::Action(_) => text(&found["name"]["value"]),
            Self::Webhook(_) => text(&found["name"]),
            Self::Room(_) => Some(format!("{} {}", found["topic"], found["is_archived"])),
            Self::IsAdmin(_) => yes(found["is_group_admin"] == true),
            Self::IsRemoved(_) => yes(found["is_deleted"] == true),
            _ => yes(true),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Done {
    Set(Thing, Option<String>),
    /// The host was killed before it answered: the thing may be as before or as after the change.
    Unknown(Thing),
    /// A text in the first room.
    Said(String),
    /// A private message to the admin.
    Told(String),
    /// Data of a glance, with a greater number than all before it.
    Pushed {
        key: &'static str,
        number: u64,
    },
}

impl Done {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Set(thing, _) => thing.kind(),
            Self::Unknown(_) => "not acknowledged",
            Self::Said(_) => "entries",
            Self::Told(_) => "private messages",
            Self::Pushed { .. } => "pushes",
        }
    }
}

/// The acknowledged changes, in the order in which the host acknowledged them.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Vec<(String, Done)>>>, Arc<watch::Sender<usize>>);

impl Ledger {
    pub(super) fn add(&self, by: &str, done: Done) {
        self.0.lock().unwrap().push((by.to_owned(), done));
        self.1.send_modify(|number| *number += 1);
    }

    pub(super) fn all(&self) -> Vec<(String, Done)> {
        self.0.lock().unwrap().clone()
    }

    /// Returns whether the latest entry about an installation says that it is there.
    pub(super) fn is_installed(&self, by: &str) -> bool {
        let all = self.0.lock().unwrap();
        let latest = all.iter().rev().find_map(|(whose, done)| match done {
            Done::Set(Thing::Installation, value) if whose == by => Some(value.is_some()),
            Done::Unknown(Thing::Installation) if whose == by => Some(false),
            _ => None,
        });
        latest.unwrap_or_default()
    }

    /// Completes once there are so many entries.
    pub(super) async fn reached(&self, number: usize) {
        let mut done = self.1.subscribe();
        drop(done.wait_for(|reached| *reached >= number).await.unwrap());
    }
}
