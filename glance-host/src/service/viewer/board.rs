//! The state of what one person sees in one room. Events change it; it does no I/O.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use glance_sdk::model::OauthId;

use super::inspect::GlanceState;
use super::lineup::Lineup;
use super::prepared::{Content, Kind, Prepared, PushContents};
use super::sidebar::Sidebar;
use crate::cluster::bus::Derived;
use crate::model::event::{PostedEntry, Push};
use crate::model::glance_data::Data;
use crate::model::{Room, User};

/// A query to be sent.
pub(super) struct PendingQuery {
    /// The number of the query, which its answer repeats.
    pub(super) query_number: u64,
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
    /// Somebody posted an entry.
    Entry(Arc<PostedEntry>),
    /// The viewer missed entries.
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
    /// The number of the latest query; answers to earlier ones are outdated.
    query_number: u64,
    /// Whether the latest query is a retry during which the failure keeps showing.
    retries_quietly: bool,
    content: Arc<Content>,
    shows: bool,
    /// The content that the page was sent last.
    sent: Option<Arc<Content>>,
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

    /// Replaces the glances of the room. Returns the queries to send.
    pub(super) fn load(
        &mut self,
        place: Arc<PersonInRoom>,
        lineup: Arc<Lineup>,
    ) -> Vec<PendingQuery> {
        self.kind = Kind::of(&place);
        self.place = place;
        let old = std::mem::take(&mut self.entries).into_iter();
        let mut old: HashMap<_, _> = old
            .map(|entry| (entry.prepared.id.clone(), entry))
            .collect();
        let mut queries = Vec::new();
        for prepared in &lineup.0 {
            let (carried, sent) = match old.remove(&prepared.id) {
                Some(entry) => (entry.carried_over(prepared), entry.sent),
                None => (None, None),
            };
            let is_new = carried.is_none();
            let (query_number, retries_quietly, content) =
                carried.unwrap_or_else(|| (0, false, prepared.named()));
            let mut entry = Entry {
                prepared: Arc::clone(prepared),
                query_number,
                retries_quietly,
                content,
                shows: false,
                sent,
            };
            if is_new {
                queries.extend(entry.query(&self.place, &mut self.query_count));
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

    /// Queries all glances again.
    pub(super) fn query_all(&mut self) -> Vec<PendingQuery> {
        let mut queries = Vec::new();
        for entry in &mut self.entries {
            queries.extend(entry.query(&self.place, &mut self.query_count));
            entry.evaluate(self.kind, &self.place);
        }
        queries
    }

    /// Queries the failed glances of an add-on again.
    pub(super) fn query_failed(&mut self, add_on: &OauthId) -> Vec<PendingQuery> {
        let mut queries = Vec::new();
        for entry in &mut self.entries {
            if entry.content.has_failed() && entry.prepared.installed.oauth_id == *add_on {
                queries.extend(entry.query(&self.place, &mut self.query_count));
                entry.evaluate(self.kind, &self.place);
            }
        }
        queries
    }

    /// Queries all glances of an add-on again.
    pub(super) fn query_add_on(&mut self, add_on: &OauthId) -> Vec<PendingQuery> {
        let mut queries = Vec::new();
        for entry in &mut self.entries {
            if entry.prepared.installed.oauth_id == *add_on {
                queries.extend(entry.query(&self.place, &mut self.query_count));
                entry.evaluate(self.kind, &self.place);
            }
        }
        queries
    }

    /// Queries one glance again.
    pub(super) fn retry(&mut self, id: &str) -> Option<PendingQuery> {
        let entry = self.entries.iter_mut().find(|e| e.prepared.id == id)?;
        let query = entry.query(&self.place, &mut self.query_count);
        entry.evaluate(self.kind, &self.place);
        query
    }

    /// Queries a failed glance again. It shows the failure until the answer arrives.
    pub(super) fn retry_quietly(&mut self, id: &str) -> Option<PendingQuery> {
        let mut entries = self.entries.iter_mut();
        let entry = entries.find(|e| e.prepared.id == id && e.content.has_failed())?;
        entry.retries_quietly = true;
        entry.next_query(&self.place, &mut self.query_count)
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

    /// Takes the answer to a query, unless a later query or a push replaced it.
    pub(super) fn answered(&mut self, id: &str, query_number: u64, answer: Result<Data, String>) {
        let mut entries = self.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.awaits(id, query_number)) {
            entry.retries_quietly = false;
            entry.content = match answer {
                Ok(data) => entry.prepared.ready(&data),
                Err(problem) => entry.prepared.failed(problem),
            };
            entry.evaluate(self.kind, &self.place);
        }
    }

    /// Takes pushed data that is for this person. It replaces the old data whole and ends loading and
    /// failure. `derived` belongs to the push: what it comes to is computed once for all viewers.
    pub(super) fn push(&mut self, push: &Push, derived: &Derived) {
        if push.user.is_some_and(|user| user != self.place.user.id) {
            return;
        }
        let count = push.glances.len();
        let contents = derived.get_or_init(|| PushContents::new(count));
        for (index, new) in push.glances.iter().enumerate() {
            let pushed = self.entries.iter_mut().find(|entry| {
                let prepared = &entry.prepared;
                prepared.glance.key == new.key && prepared.installed.oauth_id == push.oauth_id
            });
            if let Some(entry) = pushed {
                entry.content = match contents {
                    Some(contents) => contents.get_or_compute(index, &entry.prepared, &new.data),
                    None => entry.prepared.ready(&new.data),
                };
                entry.evaluate(self.kind, &self.place);
            }
        }
    }

    pub(super) fn sidebar(&self) -> Sidebar {
        let shown = self.entries.iter().filter(|entry| entry.shows);
        let loading = self.entries.iter().filter(|e| e.content.is_loading());
        Sidebar {
            lines: shown.map(|e| Arc::clone(e.content.line())).collect(),
            loading: loading.count(),
        }
    }

    /// Describes all glances in their order, shown or not.
    pub(super) fn known(&self) -> impl Iterator<Item = GlanceState<'_>> {
        let entries = self.entries.iter();
        entries.map(|entry| entry.prepared.known(&entry.content, &self.place))
    }

    /// Returns the next change that the page has not been sent.
    pub(super) fn change(&mut self) -> Option<Change> {
        let gone = self.gone.pop_front().map(Change::Gone);
        gone.or_else(|| self.entries.iter_mut().find_map(Entry::change))
    }
}

impl Entry {
    /// Returns the content and the number of its query, if the glance is still the same.
    fn carried_over(&self, prepared: &Arc<Prepared>) -> Option<(u64, bool, Arc<Content>)> {
        let own = &self.prepared;
        if Arc::ptr_eq(own, prepared) {
            return Some((
                self.query_number,
                self.retries_quietly,
                Arc::clone(&self.content),
            ));
        }
        let is_same =
            own.glance == prepared.glance && own.installed.oauth_id == prepared.installed.oauth_id;
        is_same.then(|| {
            let content = prepared.take_over(&self.content);
            (self.query_number, self.retries_quietly, content)
        })
    }

    fn query(&mut self, place: &Arc<PersonInRoom>, query_count: &mut u64) -> Option<PendingQuery> {
        let query = self.next_query(place, query_count)?;
        self.content = self.prepared.loading();
        self.retries_quietly = false;
        Some(query)
    }

    fn next_query(
        &mut self,
        place: &Arc<PersonInRoom>,
        query_count: &mut u64,
    ) -> Option<PendingQuery> {
        self.prepared.glance.query_url.as_ref()?;
        *query_count += 1;
        self.query_number = *query_count;
        Some(PendingQuery {
            query_number: self.query_number,
            prepared: Arc::clone(&self.prepared),
            place: Arc::clone(place),
        })
    }

    fn awaits(&self, id: &str, query_number: u64) -> bool {
        let is_awaited =
            self.content.is_loading() || (self.retries_quietly && self.content.has_failed());
        self.prepared.id == id && self.query_number == query_number && is_awaited
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
