//! A test suite with the rules of storage, which a storage runs on itself.
//!
//! ```
//! use std::sync::Arc;
//!
//! use glance_host::storage::{SqliteState, Storage, conformance};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! conformance::check(async || {
//!     let storage: Arc<dyn Storage> = Arc::new(SqliteState::in_memory().unwrap());
//!     [Arc::clone(&storage), storage]
//! })
//! .await;
//! # });
//! ```
//!
//! Each rule gets two handles of one storage and uses them in turn, so a storage that several processes share is
//! tested as two of them use it. In a storage's own tests this is the body of one
//! `#[tokio::test(flavor = "multi_thread")]`: the rules about concurrent changes need several threads.

mod events;
mod extensions;
mod glances;
mod handoffs;
mod installations;
mod messages;
mod outbox;
mod people;
mod rooms;
mod tokens;

use std::fmt;
use std::sync::Arc;

use glance_sdk::model::{Descriptor, Installable, RoomId};
use parking_lot::Mutex;

use super::{
    Effects, EventReceiver, InstallationEffects, Result, RoomEffects, SignInEffects, Storage,
    StorageError,
};
use crate::model::event::{Committed, Event, PostedEntry, Topic};
use crate::model::{Entry, Installed, NewRoom, Room, User};

/// The number of concurrent changes in the rules about concurrency.
const CROWD: usize = 16;

/// Two handles of one storage, which may be the same.
type Pair = [Arc<dyn Storage>; 2];

/// Checks all rules, each on an empty storage from `make`: two handles of it.
///
/// # Panics
///
/// Panics with a sentence that names the rule if the storage breaks one.
pub async fn check(make: impl AsyncFn() -> [Arc<dyn Storage>; 2]) {
    group_is_renamed(&make().await).await;
    signing_key_stays(&make().await).await;
    epoch_is_renewed(&make().await).await;
    writes_are_counted(&make().await).await;
    rooms::check(&make).await;
    people::check(&make).await;
    installations::check(&make).await;
    handoffs::check(&make).await;
    extensions::check(&make).await;
    glances::check(&make).await;
    messages::check(&make).await;
    outbox::check(&make).await;
    events::check(&make).await;
    tokens::check(&make).await;
}

async fn group_is_renamed([a, b]: &Pair) {
    let rule = "a new group name is visible to both handles";
    let id = worked(a.group().await, rule).id;
    worked(b.rename_group("Ops").await, rule);
    let group = worked(a.group().await, rule);
    same((group.id, group.name), (id, "Ops".to_owned()), rule);
}

async fn signing_key_stays([a, b]: &Pair) {
    let rule = "both handles have the same signing key of 32 bytes";
    let key = worked(a.signing_key().await, rule);
    same(key.len(), 32, rule);
    same(worked(b.signing_key().await, rule), key, rule);
}

async fn epoch_is_renewed([a, b]: &Pair) {
    let rule = "both handles have the same epoch of 16 hex digits until one renews it";
    let first = worked(a.epoch().await, rule);
    let is_hex = first.len() == 16 && first.bytes().all(|byte| byte.is_ascii_hexdigit());
    holds(is_hex, rule, &first);
    same(worked(b.epoch().await, rule), first.clone(), rule);
    let second = worked(b.renew_epoch().await, rule);
    holds(second != first, rule, "it stayed");
    same(worked(a.epoch().await, rule), second, rule);
}

async fn writes_are_counted([a, _]: &Pair) {
    let rule = "writes are counted, reads are not";
    worked(a.probe_write().await, rule);
    let before = a.writes();
    worked(a.rooms().await, rule);
    same(a.writes(), before, rule);
    worked(a.probe_write().await, rule);
    holds(a.writes().count > before.count, rule, "the count stayed");
    holds(!a.writes().has_failed, rule, "a write failed");
}

/// Creates people with these names.
async fn people<const N: usize>(storage: &dyn Storage, names: [&str; N]) -> [User; N] {
    let mut people = Vec::new();
    for name in names {
        let person = storage.get_or_create_user(name).await;
        people.push(worked(person, "people are created by name"));
    }
    people
        .try_into()
        .unwrap_or_else(|_| unreachable!("as many people as names"))
}

/// Creates a room whose owner is created too.
async fn room(storage: &dyn Storage, name: &str) -> Room {
    let [owner] = people(storage, ["owner"]).await;
    let room = storage
        .create_room(&new_room(name, &owner), no_effects())
        .await;
    let rule = "a room is created";
    some(worked(room, rule), rule)
}

/// A receiver of events that keeps them.
#[derive(Default)]
struct Received(Mutex<Vec<Committed>>);

impl Received {
    /// Receives the events of the changes through this handle.
    fn of(storage: &dyn Storage) -> Arc<Self> {
        let receiver = Arc::new(Self::default());
        storage.add_receiver(Arc::downgrade(&receiver) as _);
        receiver
    }

    /// Takes the events so far.
    fn take(&self) -> Vec<Committed> {
        std::mem::take(&mut self.0.lock())
    }
}

impl EventReceiver for Received {
    fn receive(&self, event: Committed) {
        self.0.lock().push(event);
    }
}

/// Returns the effects of a new entry: its event.
fn posted(entry: &Entry) -> Effects {
    let posted = PostedEntry {
        entry: entry.clone(),
        rendered: String::new(),
    };
    Effects::none().event(Topic::Room(entry.room_id), Event::Posted(posted.into()))
}

fn no_installation_effects() -> InstallationEffects {
    Box::new(|_| Effects::none())
}

fn no_sign_in_effects() -> SignInEffects {
    Box::new(|_| Effects::none())
}

/// Returns the effects of the creation of a room: none.
fn no_effects() -> RoomEffects {
    Box::new(|_| Effects::none())
}

fn new_room(name: &str, owner: &User) -> NewRoom {
    NewRoom {
        name: name.to_owned(),
        is_public: true,
        owner: owner.id,
        topic: String::new(),
    }
}

/// Creates an installation of an add-on whose key equals the id.
fn installed(id: &str, room: Option<RoomId>) -> Installed {
    let mut descriptor = Descriptor::new(id, id, "https://a.example/");
    descriptor.capabilities.installable = Some(Installable::new("https://a.example/installed"));
    Installed {
        oauth_id: id.into(),
        oauth_secret: format!("secret of {id}").into(),
        room_id: room,
        descriptor_url: "https://a.example/".to_owned(),
        descriptor,
    }
}

/// Stores an accepted installation.
async fn install(storage: &dyn Storage, id: &str, room: Option<RoomId>) -> Installed {
    let rule = "an installation is stored and accepted";
    let installed = installed(id, room);
    holds(
        worked(storage.begin_installation(&installed, 1).await, rule),
        rule,
        "it was refused",
    );
    worked(
        storage
            .finish_installation(&installed.oauth_id, Effects::none())
            .await,
        rule,
    );
    installed
}

fn worked<T>(result: Result<T>, rule: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => broken(rule, format_args!("{error:#}")),
    }
}

fn some<T>(found: Option<T>, rule: &str) -> T {
    match found {
        Some(value) => value,
        None => broken(rule, "the storage returned nothing"),
    }
}

fn holds(is_so: bool, rule: &str, otherwise: impl fmt::Display) {
    if !is_so {
        broken(rule, otherwise);
    }
}

fn same<T: PartialEq + fmt::Debug>(found: T, expected: T, rule: &str) {
    if found != expected {
        broken(rule, format_args!("{found:?} instead of {expected:?}"));
    }
}

#[expect(clippy::panic, reason = "a test suite reports failures by panicking")]
fn broken(rule: &str, found: impl fmt::Display) -> ! {
    panic!("the storage breaks a rule ({rule}): {found}")
}
