//! What one person sees in one room, as a state that events change. No I/O.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use glance_sdk::model::OauthId;

use super::inspect::Known;
use super::lineup::Lineup;
use super::prepared::{Content, Kind, Prepared, PushContents};
use super::sidebar::Sidebar;
use crate::cluster::bus::Derived;
use crate::model::event::{Posted, Push};
use crate::model::glance_data::Data;
use crate::model::{Room, User};

/// A query to be sent.
pub(super) struct Ask {
    pub(super) asking: u64,
    pub(super) prepared: Arc<Prepared>,
    pub(super) place: Arc<Where>,
}

/// Where the person is.
pub(super) struct Where {
    pub(super) room: Room,
    pub(super) user: User,
}

/// What changed on the page of a person.
#[derive(Debug)]
pub(crate) enum Change {
    /// A line is new or shows something else.
    Line(Arc<Content>),
    /// The line with this id no longer shows.
    Gone(String),
    /// Something was written into the room.
    Entry(Arc<Posted>),
    /// What was written meanwhile was missed.
    Missed,
    /// Nothing, but time went by.
    Beat,
    /// Who inspects must be told; something may have changed.
    Inspected,
    /// An add-on came, went or changed.
    Installed,
    /// An add-on that the page follows pushed.
    Pushed(Arc<Push>),
}

pub(super) struct Board {
    place: Arc<Where>,
    /// What a push needs to know of the place.
    kind: Kind,
    lineup: Arc<Lineup>,
    /// In their order.
    entries: Vec<Entry>,
    /// Lines of entries that are no longer there, not told yet.
    gone: VecDeque<String>,
    askings: u64,
}

struct Entry {
    prepared: Arc<Prepared>,
    /// Under which number it was asked for last: an answer to an earlier asking is old.
    asking: u64,
    /// Whether that was asked while the failure goes on showing.
    tries_again: bool,
    content: Arc<Content>,
    shows: bool,
    /// What the person was told last.
    told: Option<Arc<Content>>,
}

impl Board {
    /// An empty room.
    pub(super) fn new(place: Arc<Where>) -> Self {
        Self {
            kind: Kind::of(&place),
            place,
            lineup: Arc::default(),
            entries: Vec::new(),
            gone: VecDeque::new(),
            askings: 0,
        }
    }

    /// Takes over what there is in the room now, and says what must be asked for.
    pub(super) fn load(&mut self, place: Arc<Where>, lineup: Arc<Lineup>) -> Vec<Ask> {
        self.kind = Kind::of(&place);
        self.place = place;
        let old = std::mem::take(&mut self.entries).into_iter();
        let mut old: HashMap<_, _> = old
            .map(|entry| (entry.prepared.id.clone(), entry))
            .collect();
        let mut asks = Vec::new();
        for prepared in &lineup.0 {
            let (kept, told) = match old.remove(&prepared.id) {
                Some(entry) => (entry.kept_as(prepared), entry.told),
                None => (None, None),
            };
            let is_new = kept.is_none();
            let (asking, tries_again, content) =
                kept.unwrap_or_else(|| (0, false, prepared.named()));
            let mut entry = Entry {
                prepared: Arc::clone(prepared),
                asking,
                tries_again,
                content,
                shows: false,
                told,
            };
            if is_new {
                asks.extend(entry.ask(&self.place, &mut self.askings));
            }
            entry.judge(self.kind, &self.place);
            self.entries.push(entry);
        }
        let gone = old.into_values().filter(|entry| entry.told.is_some());
        self.gone
            .extend(gone.map(|entry| entry.prepared.id.clone()));
        self.lineup = lineup;
        asks
    }

    /// Asks for all data again.
    pub(super) fn ask_all(&mut self) -> Vec<Ask> {
        let mut asks = Vec::new();
        for entry in &mut self.entries {
            asks.extend(entry.ask(&self.place, &mut self.askings));
            entry.judge(self.kind, &self.place);
        }
        asks
    }

    /// Asks for the data of an add-on's glances again that did not come.
    pub(super) fn ask_failed(&mut self, add_on: &OauthId) -> Vec<Ask> {
        let mut asks = Vec::new();
        for entry in &mut self.entries {
            if entry.content.has_failed() && entry.prepared.installed.oauth_id == *add_on {
                asks.extend(entry.ask(&self.place, &mut self.askings));
                entry.judge(self.kind, &self.place);
            }
        }
        asks
    }

    /// Asks for the data of all glances of an add-on again.
    pub(super) fn ask_add_on(&mut self, add_on: &OauthId) -> Vec<Ask> {
        let mut asks = Vec::new();
        for entry in &mut self.entries {
            if entry.prepared.installed.oauth_id == *add_on {
                asks.extend(entry.ask(&self.place, &mut self.askings));
                entry.judge(self.kind, &self.place);
            }
        }
        asks
    }

    /// Asks for the data of one glance again.
    pub(super) fn retry(&mut self, id: &str) -> Option<Ask> {
        let entry = self.entries.iter_mut().find(|e| e.prepared.id == id)?;
        let ask = entry.ask(&self.place, &mut self.askings);
        entry.judge(self.kind, &self.place);
        ask
    }

    /// Asks for the data of a failed glance again. It shows that it failed until the answer comes.
    pub(super) fn try_again(&mut self, id: &str) -> Option<Ask> {
        let mut entries = self.entries.iter_mut();
        let entry = entries.find(|e| e.prepared.id == id && e.content.has_failed())?;
        entry.tries_again = true;
        entry.next_ask(&self.place, &mut self.askings)
    }

    /// Whether the data of this glance could not be loaded.
    pub(super) fn has_failed(&self, id: &str) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.prepared.id == id && entry.content.has_failed())
    }

    /// Whether this asking is the one that the glance waits for.
    pub(super) fn awaits(&self, id: &str, asking: u64) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.awaits(id, asking))
    }

    /// Takes the answer to a query, unless a later asking or a push has overtaken it.
    pub(super) fn answered(&mut self, id: &str, asking: u64, answer: Result<Data, String>) {
        let mut entries = self.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.awaits(id, asking)) {
            entry.tries_again = false;
            entry.content = match answer {
                Ok(data) => entry.prepared.ready(&data),
                Err(problem) => entry.prepared.failed(problem),
            };
            entry.judge(self.kind, &self.place);
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
                entry.judge(self.kind, &self.place);
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

    /// What is known of all glances, in their order, shown or not.
    pub(super) fn known(&self) -> impl Iterator<Item = Known<'_>> {
        let entries = self.entries.iter();
        entries.map(|entry| entry.prepared.known(&entry.content, &self.place))
    }

    /// The next change that was not told yet.
    pub(super) fn change(&mut self) -> Option<Change> {
        let gone = self.gone.pop_front().map(Change::Gone);
        gone.or_else(|| self.entries.iter_mut().find_map(Entry::change))
    }
}

impl Entry {
    /// The data with the number of its asking, where the glance is still the same.
    fn kept_as(&self, prepared: &Arc<Prepared>) -> Option<(u64, bool, Arc<Content>)> {
        let own = &self.prepared;
        if Arc::ptr_eq(own, prepared) {
            return Some((self.asking, self.tries_again, Arc::clone(&self.content)));
        }
        let is_same =
            own.glance == prepared.glance && own.installed.oauth_id == prepared.installed.oauth_id;
        is_same.then(|| {
            let content = prepared.take_over(&self.content);
            (self.asking, self.tries_again, content)
        })
    }

    fn ask(&mut self, place: &Arc<Where>, askings: &mut u64) -> Option<Ask> {
        let ask = self.next_ask(place, askings)?;
        self.content = self.prepared.loading();
        self.tries_again = false;
        Some(ask)
    }

    fn next_ask(&mut self, place: &Arc<Where>, askings: &mut u64) -> Option<Ask> {
        self.prepared.glance.query_url.as_ref()?;
        *askings += 1;
        self.asking = *askings;
        Some(Ask {
            asking: self.asking,
            prepared: Arc::clone(&self.prepared),
            place: Arc::clone(place),
        })
    }

    fn awaits(&self, id: &str, asking: u64) -> bool {
        let is_awaited =
            self.content.is_loading() || (self.tries_again && self.content.has_failed());
        self.prepared.id == id && self.asking == asking && is_awaited
    }

    fn judge(&mut self, kind: Kind, place: &Where) {
        self.shows = self.prepared.shows(&self.content, kind, place);
    }

    fn change(&mut self) -> Option<Change> {
        let told = self.told.as_ref();
        if !self.shows {
            self.told.take()?;
            return Some(Change::Gone(self.prepared.id.clone()));
        }
        if told.is_some_and(|told| Arc::ptr_eq(told, &self.content)) {
            return None;
        }
        let is_same = told.is_some_and(|told| {
            let (told, now) = (told.line(), self.content.line());
            // What changes is mostly the state.
            told.state == now.state && told == now
        });
        self.told = Some(Arc::clone(&self.content));
        (!is_same).then(|| Change::Line(Arc::clone(&self.content)))
    }
}

#[cfg(test)]
mod tests;
