//! The state of what one person sees in one room. Events change it; it does no I/O.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::model::OauthId;

use super::inspect::GlanceState;
use super::lineup::Lineup;
use super::prepared::{Content, Kind, Prepared, PushContents};
use super::sidebar::{Quiet, Sidebar};
use crate::cluster::bus::Derived;
use crate::model::event::{Position, PostedEntry};
use crate::model::{Data, GlanceValue, Push, Room, Source, User, Version, is_shared_by_room};

/// A query to be sent.
pub(super) struct PendingQuery {
    /// The number of the query, which its answer repeats.
    pub(super) query_number: u64,
    /// Whether the glance was queried before: the result of a moment ago does not serve.
    pub(super) is_repeated: bool,
    /// Whether the glance shows data meanwhile.
    pub(super) has_data: bool,
    pub(super) prepared: Arc<Prepared>,
    pub(super) place: Arc<PersonInRoom>,
}

/// A person who looks at a room.
pub(super) struct PersonInRoom {
    pub(super) room: Room,
    pub(super) user: User,
}

/// A change on the page of a person.
#[derive(Debug)]
pub(crate) enum Change {
    /// A line appeared or changed.
    Line(Arc<Content>),
    /// The line with this id disappeared.
    Gone(String),
    /// Somebody posted an entry, in the event with this number.
    Entry(Arc<PostedEntry>, Version),
    /// The viewer missed entries, which the log has.
    Behind(MissedEntries),
    /// The viewer missed entries, which the log does not have.
    Missed,
    /// Nothing changed for a while; keeps the connection alive.
    Beat,
    /// The inspector may have news.
    Inspected,
    /// An add-on was installed, updated or removed.
    Installed,
    /// An add-on that the page follows pushed data.
    Pushed(Arc<Push>),
}

/// Entries that a page has not been sent yet: those after a position up to the event `last`.
#[derive(Debug, Clone)]
pub(crate) struct MissedEntries {
    pub(crate) after: Position,
    pub(crate) last: Version,
}

pub(super) struct Board {
    place: Arc<PersonInRoom>,
    /// The facts about person and room that a push needs.
    kind: Kind,
    lineup: Arc<Lineup>,
    /// In display order.
    entries: Vec<Entry>,
    /// The ids of removed lines that the page still shows.
    gone: VecDeque<String>,
    query_count: u64,
}

struct Entry {
    prepared: Arc<Prepared>,
    /// The query that is under way, unless newer data arrived meanwhile.
    query: Option<Query>,
    content: Arc<Content>,
    /// The origin of the data that the content shows.
    origin: Option<Origin>,
    /// Whether the storage had data for everyone in the room that needs no query.
    is_current: bool,
    shows: bool,
    /// The content that the page was sent last.
    sent: Option<Arc<Content>>,
}

#[derive(Clone, Copy)]
struct Query {
    number: u64,
    /// Whether it retries a failed query, which nobody waits for.
    is_quiet: bool,
}

/// The source and the age of data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Origin {
    pub(super) version: Version,
    pub(super) source: Source,
    /// The time when the host received the data, in milliseconds since 1970.
    pub(super) received_at: i64,
    /// The time when label or status last changed, in milliseconds since 1970.
    pub(super) changed_at: i64,
    /// Whether the data was stored before the viewer connected.
    pub(super) is_stored: bool,
}

impl Origin {
    /// Returns the order of data: the greatest is the newest. A query that began after a push has the version of that
    /// push, and its answer is newer.
    fn order(&self) -> (Version, Source, i64) {
        (self.version, self.source, self.received_at)
    }
}

/// The answer to a query.
pub(super) struct NewAnswer {
    pub(super) data: Data,
    pub(super) version: Version,
    /// In milliseconds since 1970.
    pub(super) at: i64,
}

/// The stored data of a room's glances for one person.
pub(super) type Stored = HashMap<(OauthId, String), StoredValue>;

/// The stored data of one glance.
pub(super) struct StoredValue {
    pub(super) value: GlanceValue,
    /// The age of the data, if it is known.
    pub(super) age: Option<Duration>,
}

impl Board {
    /// Creates the board of an empty room.
    pub(super) fn new(place: Arc<PersonInRoom>) -> Self {
        Self {
            kind: Kind::of(&place),
            place,
            lineup: Arc::default(),
            entries: Vec::new(),
            gone: VecDeque::new(),
            query_count: 0,
        }
    }

    /// Replaces the glances of the room, and takes stored data that is newer than what they show. Returns the queries
    /// to send: those of new glances.
    pub(super) fn load(
        &mut self,
        place: Arc<PersonInRoom>,
        lineup: Arc<Lineup>,
        stored: &Stored,
    ) -> Vec<PendingQuery> {
        self.kind = Kind::of(&place);
        self.place = place;
        let old = std::mem::take(&mut self.entries).into_iter();
        let mut old: HashMap<_, _> = old
            .map(|entry| (entry.prepared.id.clone(), entry))
            .collect();
        let mut queries = Vec::new();
        for prepared in &lineup.0 {
            let old = old.remove(&prepared.id);
            let mut entry = Entry::new(prepared, old.as_ref().and_then(|old| old.sent.clone()));
            let is_new = !old.is_some_and(|old| entry.carry_over(old));
            let installed = &prepared.installed;
            let key = (installed.oauth_id.clone(), prepared.glance.key.clone());
            if let Some(stored) = stored.get(&key) {
                entry.restore(stored);
            }
            if is_new && !entry.is_current {
                let query = entry.query(&self.place, &mut self.query_count);
                queries.extend(query.map(|query| PendingQuery {
                    is_repeated: false,
                    ..query
                }));
            }
            entry.evaluate(self.kind, &self.place);
            self.entries.push(entry);
        }
        let gone = old.into_values().filter(|entry| entry.sent.is_some());
        self.gone
            .extend(gone.map(|entry| entry.prepared.id.clone()));
        self.lineup = lineup;
        queries
    }

    /// Queries all glances again, because events were missed. Data for everyone in the room that is young enough needs
    /// no query: the storage has the newest.
    pub(super) fn query_all(&mut self) -> Vec<PendingQuery> {
        self.query_where(|entry| !entry.is_current)
    }

    /// Queries the failed glances of an add-on again.
    pub(super) fn query_failed(&mut self, add_on: &OauthId) -> Vec<PendingQuery> {
        self.query_where(|entry| {
            entry.content.has_failed() && entry.prepared.installed.oauth_id == *add_on
        })
    }

    /// Queries all glances of an add-on again.
    pub(super) fn query_add_on(&mut self, add_on: &OauthId) -> Vec<PendingQuery> {
        self.query_where(|entry| entry.prepared.installed.oauth_id == *add_on)
    }

    /// Queries one glance again.
    pub(super) fn retry(&mut self, id: &str) -> Option<PendingQuery> {
        self.query_where(|entry| entry.prepared.id == id).pop()
    }

    fn query_where(&mut self, condition: impl Fn(&Entry) -> bool) -> Vec<PendingQuery> {
        let mut queries = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| condition(entry)) {
            queries.extend(entry.query(&self.place, &mut self.query_count));
            entry.evaluate(self.kind, &self.place);
        }
        queries
    }

    /// Queries a failed glance again. It shows the failure until the answer arrives.
    pub(super) fn retry_quietly(&mut self, id: &str) -> Option<PendingQuery> {
        let mut entries = self.entries.iter_mut();
        let entry = entries.find(|e| e.prepared.id == id && e.content.has_failed())?;
        entry.next_query(true, &self.place, &mut self.query_count)
    }

    /// Returns whether the latest query of this glance failed.
    pub(super) fn has_failed(&self, id: &str) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.prepared.id == id && entry.content.has_failed())
    }

    /// Returns whether the glance waits for the answer to this query.
    pub(super) fn awaits(&self, id: &str, query_number: u64) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.awaits(id, query_number))
    }

    /// Takes the answer to a query, unless a later query or a push replaced it. Data that is there stays if the query
    /// failed.
    pub(super) fn answered(
        &mut self,
        id: &str,
        query_number: u64,
        answer: Result<NewAnswer, String>,
    ) {
        let mut entries = self.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.awaits(id, query_number)) {
            entry.query = None;
            match answer {
                Ok(NewAnswer { data, version, at }) => {
                    if entry.is_older_than(version, Source::Query) {
                        let content = entry.prepared.ready(&data);
                        entry.take(content, version, Source::Query, at);
                    }
                }
                Err(problem) => {
                    entry.content = match &entry.origin {
                        Some(origin) => {
                            let since = origin.received_at;
                            entry.prepared.stale(&entry.content, since, problem)
                        }
                        None => entry.prepared.failed(problem),
                    };
                }
            }
            entry.evaluate(self.kind, &self.place);
        }
    }

    /// Takes new data that is for this person, unless what the glance shows is newer. It replaces the old data whole
    /// and ends loading and failure. `derived` belongs to the event: what it comes to is computed once for all viewers.
    pub(super) fn push(&mut self, push: &Push, source: Source, derived: &Derived) {
        if push.user.is_some_and(|user| user != self.place.user.id) {
            return;
        }
        let count = push.glances.len();
        let contents = derived.get_or_init(|| PushContents::new(count));
        for (index, new) in push.glances.iter().enumerate() {
            let pushed = self.entries.iter_mut().find(|entry| {
                let prepared = &entry.prepared;
                prepared.glance.key == new.key
                    && prepared.installed.oauth_id == push.oauth_id
                    && (push.user.is_none() || !is_shared_by_room(&prepared.glance))
            });
            if let Some(entry) = pushed
                && entry.is_older_than(push.version, source)
            {
                let content = match contents {
                    Some(contents) => contents.get_or_compute(index, &entry.prepared, &new.data),
                    None => entry.prepared.ready(&new.data),
                };
                // The answer to the room's query also arrives as the answer to the own one.
                if source == Source::Push {
                    entry.query = None;
                }
                entry.take(content, push.version, source, push.at);
                entry.evaluate(self.kind, &self.place);
            }
        }
    }

    pub(super) fn sidebar(&self) -> Sidebar {
        let shown = self.entries.iter().filter(|entry| entry.shows);
        let loading = self.entries.iter().filter(|entry| entry.is_loading());
        let loading_keys: Vec<_> = loading
            .map(|entry| entry.prepared.glance.key.clone())
            .collect();
        Sidebar {
            changed_at: shown
                .clone()
                .map(|entry| entry.origin.map(|origin| origin.changed_at))
                .collect(),
            lines: shown.map(|e| Arc::clone(e.content.line())).collect(),
            loading: loading_keys.len(),
            loading_keys,
            watched: self.entries.len(),
        }
    }

    /// Returns what a page says without a line. Returns `None` if a glance shows or may still show.
    pub(super) fn quiet(&self) -> Option<Quiet> {
        let mut entries = self.entries.iter();
        if entries.any(|entry| entry.shows || entry.is_loading()) {
            return None;
        }
        let mut not_set_up = BTreeSet::new();
        let mut is_set_up = HashSet::new();
        for Entry {
            prepared, origin, ..
        } in &self.entries
        {
            let descriptor = &prepared.installed.descriptor;
            if origin.is_some() {
                is_set_up.insert(&descriptor.name);
            } else if descriptor.capabilities.configurable.is_some() {
                not_set_up.insert(descriptor.name.clone());
            }
        }
        not_set_up.retain(|name| !is_set_up.contains(name));
        let watched = self.entries.len();
        Some(Quiet {
            watched,
            not_set_up,
        })
    }

    /// Describes all glances in their order, shown or not.
    pub(super) fn known(&self) -> impl Iterator<Item = GlanceState<'_>> {
        let entries = self.entries.iter();
        entries.map(|entry| {
            let (is_loading, origin) = (entry.is_loading(), entry.origin);
            let prepared = &entry.prepared;
            prepared.known(&entry.content, &self.place, is_loading, origin)
        })
    }

    /// Returns the next change that the page has not been sent.
    pub(super) fn change(&mut self) -> Option<Change> {
        let gone = self.gone.pop_front().map(Change::Gone);
        gone.or_else(|| self.entries.iter_mut().find_map(Entry::change))
    }
}

impl Entry {
    /// Creates an entry that shows the glance's name.
    fn new(prepared: &Arc<Prepared>, sent: Option<Arc<Content>>) -> Self {
        Self {
            prepared: Arc::clone(prepared),
            query: None,
            content: prepared.named(),
            origin: None,
            is_current: false,
            shows: false,
            sent,
        }
    }

    /// Takes over the state of an earlier entry if the glance is still the same. Returns whether it is.
    fn carry_over(&mut self, old: Self) -> bool {
        let (own, earlier) = (&self.prepared, &old.prepared);
        let is_same_preparation = Arc::ptr_eq(own, earlier);
        let is_same = is_same_preparation
            || (own.glance == earlier.glance
                && own.installed.oauth_id == earlier.installed.oauth_id);
        if is_same {
            self.content = match is_same_preparation {
                true => old.content,
                false => own.take_over(&old.content),
            };
            self.query = old.query;
            self.origin = old.origin;
        }
        is_same
    }

    /// Takes stored data if it is newer than what the entry shows.
    fn restore(&mut self, StoredValue { value, age }: &StoredValue) {
        let glance = &self.prepared.glance;
        let is_shared = is_shared_by_room(glance);
        if is_shared && !value.is_for_everyone {
            return;
        }
        // Data of unknown age is queried, too.
        self.is_current = is_shared && age.is_some_and(|age| age < glance.max_age_or_default());
        let stored = Origin {
            version: value.version,
            source: value.source,
            received_at: value.received_at,
            changed_at: value.changed_at,
            is_stored: true,
        };
        if self.origin.is_none_or(|own| own.order() < stored.order()) {
            self.content = self.prepared.ready(&value.data);
            self.origin = Some(stored);
        }
    }

    /// Returns whether an event brings newer data than the entry shows. Two answers to queries may have the same
    /// version; their events arrive in order.
    fn is_older_than(&self, version: Version, source: Source) -> bool {
        self.origin.is_none_or(|own| match source {
            Source::Push => (own.version, own.source) < (version, source),
            Source::Query => (own.version, own.source) <= (version, source),
        })
    }

    /// Shows new data.
    fn take(&mut self, content: Arc<Content>, version: Version, source: Source, at: i64) {
        let is_same = content.line().state == self.content.line().state;
        let earlier = self.origin.filter(|_| is_same);
        self.origin = Some(Origin {
            version,
            source,
            received_at: at,
            changed_at: earlier.map_or(at, |earlier| earlier.changed_at),
            is_stored: false,
        });
        self.content = content;
    }

    /// Queries the glance; returns `None` if it has no `queryUrl`. Without data it shows that it loads.
    fn query(&mut self, place: &Arc<PersonInRoom>, query_count: &mut u64) -> Option<PendingQuery> {
        let query = self.next_query(false, place, query_count)?;
        if self.origin.is_none() {
            self.content = self.prepared.loading();
        }
        Some(query)
    }

    fn next_query(
        &mut self,
        is_quiet: bool,
        place: &Arc<PersonInRoom>,
        query_count: &mut u64,
    ) -> Option<PendingQuery> {
        self.prepared.glance.query_url.as_ref()?;
        *query_count += 1;
        let number = *query_count;
        self.query = Some(Query { number, is_quiet });
        Some(PendingQuery {
            query_number: number,
            is_repeated: true,
            has_data: self.origin.is_some(),
            prepared: Arc::clone(&self.prepared),
            place: Arc::clone(place),
        })
    }

    fn awaits(&self, id: &str, query_number: u64) -> bool {
        let number = self.query.map(|query| query.number);
        self.prepared.id == id && number == Some(query_number)
    }

    /// Returns whether somebody waits for data of this glance.
    fn is_loading(&self) -> bool {
        self.query.is_some_and(|query| !query.is_quiet)
    }

    fn evaluate(&mut self, kind: Kind, place: &PersonInRoom) {
        self.shows = self.prepared.shows(&self.content, kind, place);
    }

    fn change(&mut self) -> Option<Change> {
        let sent = self.sent.as_ref();
        if !self.shows {
            self.sent.take()?;
            return Some(Change::Gone(self.prepared.id.clone()));
        }
        if sent.is_some_and(|sent| Arc::ptr_eq(sent, &self.content)) {
            return None;
        }
        let is_same = sent.is_some_and(|sent| {
            let (sent, now) = (sent.line(), self.content.line());
            // Mostly the state changes, so it is compared first.
            sent.state == now.state && sent == now
        });
        self.sent = Some(Arc::clone(&self.content));
        (!is_same).then(|| Change::Line(Arc::clone(&self.content)))
    }
}

#[cfg(test)]
mod tests;
