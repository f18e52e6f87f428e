//! The part of a glance that all its viewers share: computed once, not per viewer.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use glance_sdk::evaluate::{DataState, Facts, Outcome, Program};
use glance_sdk::model::{Glance, Status};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;

use super::board::{Origin, PersonInRoom};
use super::inspect::GlanceState;
use super::sidebar::{Line, LineState, ShownStatus, Stale, TargetRef};
use crate::content::image_urls::{ImageUrls, InstallationImages};
use crate::content::label;
use crate::model::{Data, Installed, Text, module};

/// The longest text of a lozenge, in characters.
const LOZENGE: usize = 100;

/// A glance of an installation, ready to be shown to anyone.
pub(super) struct Prepared {
    pub(super) id: String,
    pub(super) installed: Arc<Installed>,
    pub(super) glance: Glance,
    images: Arc<ImageUrls>,
    program: Program,
    named: Arc<Content>,
    loading: Arc<Content>,
    /// The latest content: the next viewer's query mostly returns the same.
    latest: Mutex<Weak<Content>>,
}

/// The content that a glance shows for one state of its data.
#[derive(Debug)]
pub(crate) struct Content {
    data: DataState,
    line: Arc<Line>,
    metadata: Option<Text>,
    written: OnceLock<Bytes>,
    visibility: Visibility,
}

/// The four facts about a person in a room that conditions test, as a number from 0 to 15.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind(u32);

impl Kind {
    pub(super) fn of(place: &PersonInRoom) -> Self {
        let facts = facts(None, place);
        let facts = [
            facts.room_is_public,
            facts.user_is_admin,
            facts.user_is_guest,
            facts.user_is_room_owner,
        ];
        Self(facts.iter().fold(0, |kind, is| kind << 1 | u32::from(*is)))
    }
}

/// The result of the conditions per kind of person, in two bits each: whether they were evaluated, and whether the
/// glance shows.
#[derive(Debug, Default)]
struct Visibility(AtomicU32);

impl Visibility {
    fn get_or_evaluate(&self, Kind(kind): Kind, evaluate: impl FnOnce() -> bool) -> bool {
        let known = self.0.load(Ordering::Relaxed) >> (2 * kind);
        if known & 0b01 != 0 {
            return known & 0b10 != 0;
        }
        let shows = evaluate();
        let bits = 0b01 | u32::from(shows) << 1;
        self.0.fetch_or(bits << (2 * kind), Ordering::Relaxed);
        shows
    }
}

impl Content {
    fn new(data: DataState, line: Line, metadata: Option<Text>) -> Self {
        Self {
            data,
            line: Arc::new(line),
            metadata,
            written: OnceLock::new(),
            visibility: Visibility::default(),
        }
    }

    /// Returns whether the latest query failed, whether or not there is older data.
    pub(super) fn has_failed(&self) -> bool {
        self.data == DataState::Failed || self.line.stale.is_some()
    }

    pub(crate) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Returns the bytes of the line for the wire. The first caller writes them.
    pub(crate) fn written(&self, write: impl FnOnce(&Line) -> Bytes) -> Bytes {
        self.written.get_or_init(|| write(&self.line)).clone()
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data && self.line == other.line && self.metadata == other.metadata
    }
}

/// The content of each glance of a push, as the first viewer of each preparation computed it.
pub(super) struct PushContents(Vec<Mutex<ComputedContents>>);

/// Few enough for a linear search.
type ComputedContents = Vec<(Arc<Prepared>, Arc<Content>)>;

impl PushContents {
    /// Creates empty contents for this many glances.
    pub(super) fn new(glances: usize) -> Self {
        Self((0..glances).map(|_| Mutex::default()).collect())
    }

    /// Returns the content of the glance at this index of the push.
    pub(super) fn get_or_compute(
        &self,
        index: usize,
        prepared: &Arc<Prepared>,
        data: &Data,
    ) -> Arc<Content> {
        let Some(contents) = self.0.get(index) else {
            return prepared.ready(data);
        };
        // Locked while it is computed, so that all other viewers wait for the first instead of computing it too.
        let mut contents = contents.lock();
        let known = contents.iter().find(|(of, _)| Arc::ptr_eq(of, prepared));
        if let Some((_, content)) = known {
            return Arc::clone(content);
        }
        let content = prepared.ready(data);
        contents.push((Arc::clone(prepared), Arc::clone(&content)));
        content
    }
}

impl Prepared {
    pub(super) fn new(
        id: String,
        installed: Arc<Installed>,
        glance: Glance,
        images: Arc<ImageUrls>,
    ) -> Self {
        let of = images.of(&installed.oauth_id);
        let line = |state| line(&id, &installed, &glance, of, state);
        let named = Content::new(DataState::None, line(LineState::Named), None);
        let loading = Content::new(DataState::Loading, line(LineState::Loading), None);
        Self {
            program: Program::new(glance.conditions()),
            named: Arc::new(named),
            loading: Arc::new(loading),
            latest: Mutex::default(),
            images,
            id,
            installed,
            glance,
        }
    }

    pub(super) fn order(&self) -> &(i64, String, String) {
        &self.named.line.order
    }

    /// Returns the content without data: the glance's name.
    pub(super) fn named(&self) -> Arc<Content> {
        Arc::clone(&self.named)
    }

    pub(super) fn loading(&self) -> Arc<Content> {
        Arc::clone(&self.loading)
    }

    pub(super) fn failed(&self, problem: String) -> Arc<Content> {
        self.shared(DataState::Failed, LineState::Failed { problem }, None, None)
    }

    /// Returns content as it shows after a query failed: with the age of its data, in milliseconds since 1970, and the
    /// reason.
    pub(super) fn stale(&self, content: &Content, since: i64, problem: String) -> Arc<Content> {
        let (state, metadata) = (content.line.state.clone(), content.metadata.clone());
        let stale = Some(Stale { since, problem });
        self.shared(content.data, state, metadata, stale)
    }

    /// Renders data. The rules for answers to queries do not apply to pushes, so missing or invalid parts fall back:
    /// the label to the glance's name, the status to none.
    pub(super) fn ready(&self, data: &Data) -> Arc<Content> {
        let look = data.look.value();
        let label = match look.get("label") {
            Some(label) if label["type"] == "html" => label["value"].as_str(),
            _ => None,
        };
        let label = match label.map(label::sanitize) {
            Some(label) if !label.trim().is_empty() => label,
            _ => glance_sdk::label::Escaped(&self.glance.name.value).to_string(),
        };
        let status =
            look.get("status")
                .and_then(|status| match Status::deserialize(status).ok()? {
                    Status::Lozenge(lozenge) => Some(ShownStatus::Lozenge {
                        kind: short(lozenge.kind.as_str()),
                        label: short(&lozenge.label),
                    }),
                    Status::Icon(icon) => Some(ShownStatus::Icon(self.images().icon(&icon))),
                    _ => None,
                });
        let state = LineState::Ready { label, status };
        self.shared(DataState::Ready, state, data.metadata.clone(), None)
    }

    /// Returns the content of an earlier preparation of this glance, as this one shows it.
    pub(super) fn take_over(&self, earlier: &Content) -> Arc<Content> {
        let (state, metadata) = (earlier.line.state.clone(), earlier.metadata.clone());
        self.shared(earlier.data, state, metadata, earlier.line.stale.clone())
    }

    /// Returns whether the conditions show this content to a person of this kind.
    pub(super) fn shows(&self, content: &Content, kind: Kind, place: &PersonInRoom) -> bool {
        let evaluate = || {
            let metadata = content.metadata.as_ref().map(Text::value);
            self.program
                .shows(content.data, &facts(metadata.as_ref(), place))
        };
        let shows = content.visibility.get_or_evaluate(kind, evaluate);
        if !shows {
            let PersonInRoom { room, user } = place;
            let why = || self.explained(content, place);
            tracing::debug!(glance = self.id, room = %room.id, user = %user.id, "{}", why());
        }
        shows
    }

    /// Describes this content for a person.
    pub(super) fn known<'a>(
        &'a self,
        content: &'a Content,
        place: &PersonInRoom,
        is_loading: bool,
        origin: Option<Origin>,
    ) -> GlanceState<'a> {
        GlanceState {
            id: &self.id,
            installed: &self.installed,
            glance: &self.glance,
            state: &content.line.state,
            metadata: content.metadata.as_ref(),
            stale: content.line.stale.as_ref(),
            is_loading,
            origin,
            outcome: self.explained(content, place),
        }
    }

    fn explained(&self, content: &Content, place: &PersonInRoom) -> Outcome {
        let metadata = content.metadata.as_ref().map(Text::value);
        self.program
            .explain(content.data, &facts(metadata.as_ref(), place))
    }

    fn images(&self) -> InstallationImages<'_> {
        self.images.of(&self.installed.oauth_id)
    }

    fn shared(
        &self,
        data: DataState,
        state: LineState,
        metadata: Option<Text>,
        stale: Option<Stale>,
    ) -> Arc<Content> {
        let mut line = line(
            &self.id,
            &self.installed,
            &self.glance,
            self.images(),
            state,
        );
        line.stale = stale;
        let new = Content::new(data, line, metadata);
        let mut latest = self.latest.lock();
        if let Some(same) = latest.upgrade().filter(|latest| **latest == new) {
            return same;
        }
        let new = Arc::new(new);
        *latest = Arc::downgrade(&new);
        new
    }
}

/// Truncates the text of a lozenge: answers to queries may have 20 characters, pushes have no limit.
fn short(text: &str) -> String {
    text.chars().take(LOZENGE).collect()
}

fn facts<'a>(metadata: Option<&'a Value>, place: &PersonInRoom) -> Facts<'a> {
    let PersonInRoom { room, user } = place;
    let mut facts = Facts::default().metadata(metadata);
    facts.room_is_public = room.is_public;
    facts.user_is_admin = user.is_admin;
    facts.user_is_guest = user.is_guest;
    facts.user_is_room_owner = room.owner == user.id;
    facts
}

fn line(
    id: &str,
    installed: &Installed,
    glance: &Glance,
    images: InstallationImages<'_>,
    state: LineState,
) -> Line {
    let add_on = &installed.descriptor;
    let target = glance.target.as_ref().and_then(|target| target.key());
    Line {
        id: id.to_owned(),
        key: glance.key.clone(),
        add_on: add_on.name.clone(),
        name: glance.name.value.clone(),
        icon: images.icon(&glance.icon),
        order: (
            glance.weight_or_default(),
            add_on.key.clone(),
            glance.key.clone(),
        ),
        state,
        target: target
            .filter(|key| module::exists(add_on, key))
            .map(|key| TargetRef {
                add_on: add_on.key.clone(),
                key: key.to_owned(),
            }),
        stale: None,
    }
}
