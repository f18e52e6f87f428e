//! What one person sees in one room, as a state that events change. No I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use glance_sdk::evaluate::{DataState, Facts, Program};
use glance_sdk::model::{Glance, Icon, OauthId, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::label;
use crate::state::{Installed, Room, RuntimeGlance, User};

/// All glances that show, in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sidebar {
    /// The lines from the top.
    pub lines: Vec<Arc<Line>>,
    /// How many glances wait for their data, shown or not.
    pub loading: usize,
}

impl Sidebar {
    /// The line of the glance with this key.
    pub fn line(&self, key: &str) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| line.key == key)
    }
}

/// One glance that shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Line {
    /// Names it in the room: the add-on's key and its own.
    pub id: String,
    /// Its key.
    pub key: String,
    /// The add-on's name.
    pub add_on: String,
    /// Its name.
    pub name: String,
    /// The image before it.
    pub icon: Icon,
    /// Its place: weight, then the add-on's key, then its own.
    pub order: (i64, String, String),
    /// What is shown.
    #[serde(flatten)]
    pub state: LineState,
    /// What a click opens.
    pub target: Option<PanelRef>,
}

impl Line {
    /// The label's text without markup; empty where there is no data.
    pub fn label_text(&self) -> String {
        match &self.state {
            LineState::Ready { label, .. } => label::text(label),
            _ => String::new(),
        }
    }

    /// The colour and word of its lozenge.
    pub fn lozenge(&self) -> Option<(&str, &str)> {
        match &self.state {
            LineState::Ready {
                status: Some(ShownStatus::Lozenge { kind, label }),
                ..
            } => Some((kind, label)),
            _ => None,
        }
    }

    /// Whether its query failed.
    pub fn is_failed(&self) -> bool {
        matches!(self.state, LineState::Failed { .. })
    }
}

/// What a line shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum LineState {
    /// Its name: it has no `queryUrl` and got no push.
    Named,
    /// That its data is on the way.
    Loading,
    /// Its data.
    Ready {
        /// The label's HTML, sanitized.
        label: String,
        /// What stands at its right.
        status: Option<ShownStatus>,
    },
    /// Its name, that it cannot be loaded, and a way to try again.
    Failed {
        /// Why, for developers.
        problem: String,
    },
}

/// What stands at the right of a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ShownStatus {
    /// A coloured word.
    Lozenge {
        /// The colour, as the add-on wrote it.
        kind: String,
        /// The word.
        label: String,
    },
    /// An image.
    Icon(Icon),
}

/// Names a panel in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PanelRef {
    /// The add-on's key.
    pub add_on: String,
    /// The panel's key.
    pub panel: String,
}

/// A query to be sent.
pub(super) struct Ask {
    pub(super) id: String,
    pub(super) asking: u64,
    pub(super) installed: Arc<Installed>,
    pub(super) glance: Glance,
    pub(super) facts: Arc<Where>,
}

/// Where the person is.
pub(super) struct Where {
    pub(super) room: Room,
    pub(super) user: User,
}

#[derive(Default)]
pub(super) struct Board {
    facts: Option<Arc<Where>>,
    entries: BTreeMap<String, Entry>,
    askings: u64,
}

struct Entry {
    installed: Arc<Installed>,
    glance: Glance,
    program: Program,
    data: Data,
    line: Option<Arc<Line>>,
}

enum Data {
    None,
    /// Under which number it was asked for: an answer to an earlier asking is old.
    Loading(u64),
    Ready {
        state: LineState,
        metadata: Option<Value>,
    },
    Failed(String),
}

impl Board {
    /// Takes over what there is in the room now, and says what must be asked for.
    pub(super) fn load(
        &mut self,
        room: Room,
        user: User,
        installations: Vec<(Arc<Installed>, Vec<RuntimeGlance>)>,
    ) -> Vec<Ask> {
        self.facts = Some(Arc::new(Where { room, user }));
        let mut old = std::mem::take(&mut self.entries);
        let mut new = Vec::new();
        for (installed, runtime) in installations {
            let declared = installed.descriptor.capabilities.glances().iter().cloned();
            for glance in declared.chain(runtime.into_iter().map(|created| created.glance)) {
                let id = format!("{}:{}", installed.descriptor.key, glance.key);
                let kept = old.remove(&id).filter(|entry| {
                    entry.glance == glance && entry.installed.oauth_id == installed.oauth_id
                });
                let data = match kept {
                    Some(entry) => entry.data,
                    None => {
                        new.push(id.clone());
                        Data::None
                    }
                };
                let program = Program::new(glance.conditions());
                let installed = Arc::clone(&installed);
                self.entries.insert(
                    id,
                    Entry {
                        installed,
                        glance,
                        program,
                        data,
                        line: None,
                    },
                );
            }
        }
        let asks = new.iter().filter_map(|id| self.ask(id)).collect();
        self.refresh_all();
        asks
    }

    /// Asks for all data again.
    pub(super) fn ask_all(&mut self) -> Vec<Ask> {
        let ids: Vec<String> = self.entries.keys().cloned().collect();
        let asks = ids.iter().filter_map(|id| self.ask(id)).collect();
        self.refresh_all();
        asks
    }

    /// Asks for the data of one glance again.
    pub(super) fn retry(&mut self, id: &str) -> Vec<Ask> {
        let ask = self.ask(id);
        self.refresh(id);
        ask.into_iter().collect()
    }

    /// Takes the answer to a query, unless a later asking or a push has overtaken it.
    pub(super) fn answered(&mut self, id: &str, asking: u64, answer: Result<Value, String>) {
        if let Some(entry) = self.entries.get_mut(id)
            && matches!(entry.data, Data::Loading(latest) if latest == asking)
        {
            entry.data = match answer {
                Ok(data) => ready(&entry.glance, &data),
                Err(problem) => Data::Failed(problem),
            };
            self.refresh(id);
        }
    }

    /// Takes pushed data. It replaces the old whole and ends loading and failure.
    pub(super) fn push(&mut self, oauth_id: &OauthId, key: &str, data: &Value) {
        let pushed = self
            .entries
            .iter_mut()
            .find(|(_, entry)| entry.installed.oauth_id == *oauth_id && entry.glance.key == key);
        if let Some((id, entry)) = pushed {
            entry.data = ready(&entry.glance, data);
            let id = id.clone();
            self.refresh(&id);
        }
    }

    pub(super) fn sidebar(&self) -> Sidebar {
        let mut lines: Vec<_> = self
            .entries
            .values()
            .filter_map(|entry| entry.line.clone())
            .collect();
        lines.sort_by(|a, b| a.order.cmp(&b.order));
        let loading = self
            .entries
            .values()
            .filter(|entry| matches!(entry.data, Data::Loading(_)))
            .count();
        Sidebar { lines, loading }
    }

    fn ask(&mut self, id: &str) -> Option<Ask> {
        let facts = Arc::clone(self.facts.as_ref()?);
        let entry = self.entries.get_mut(id)?;
        entry.glance.query_url.as_ref()?;
        self.askings += 1;
        entry.data = Data::Loading(self.askings);
        Some(Ask {
            id: id.to_owned(),
            asking: self.askings,
            installed: Arc::clone(&entry.installed),
            glance: entry.glance.clone(),
            facts,
        })
    }

    fn refresh_all(&mut self) {
        let ids: Vec<String> = self.entries.keys().cloned().collect();
        for id in ids {
            self.refresh(&id);
        }
    }

    fn refresh(&mut self, id: &str) {
        if let (Some(facts), Some(entry)) = (&self.facts, self.entries.get_mut(id)) {
            entry.line = entry.shows(facts).then(|| Arc::new(entry.line(id)));
        }
    }
}

impl Entry {
    fn shows(&self, place: &Where) -> bool {
        let (state, metadata) = match &self.data {
            Data::None => (DataState::None, None),
            Data::Loading(_) => (DataState::Loading, None),
            Data::Ready { metadata, .. } => (DataState::Ready, metadata.as_ref()),
            Data::Failed(_) => (DataState::Failed, None),
        };
        let Where { room, user } = place;
        let mut facts = Facts::default().metadata(metadata);
        facts.room_is_public = room.is_public;
        facts.user_is_admin = user.is_admin;
        facts.user_is_guest = user.is_guest;
        facts.user_is_room_owner = room.owner == user.id;
        self.program.shows(state, &facts)
    }

    fn line(&self, id: &str) -> Line {
        let add_on = &self.installed.descriptor;
        let target = self.glance.target.as_ref().and_then(|target| target.key());
        Line {
            id: id.to_owned(),
            key: self.glance.key.clone(),
            add_on: add_on.name.clone(),
            name: self.glance.name.value.clone(),
            icon: self.glance.icon.clone(),
            order: (
                self.glance.weight_or_default(),
                add_on.key.clone(),
                self.glance.key.clone(),
            ),
            state: match &self.data {
                Data::None => LineState::Named,
                Data::Loading(_) => LineState::Loading,
                Data::Ready { state, .. } => state.clone(),
                Data::Failed(problem) => LineState::Failed {
                    problem: problem.clone(),
                },
            },
            target: target
                .filter(|key| add_on.web_panel(key).is_some())
                .map(|panel| PanelRef {
                    add_on: add_on.key.clone(),
                    panel: panel.to_owned(),
                }),
        }
    }
}

/// Data as it is shown. Pushed data is not held to the rules of a query's, so whatever is missing
/// or odd falls back: the label to the glance's name, the status to none.
fn ready(glance: &Glance, data: &Value) -> Data {
    let label = match data.get("label") {
        Some(label) if label["type"] == "html" => label["value"].as_str(),
        _ => None,
    };
    let label = match label.map(label::sanitize) {
        Some(label) if !label.trim().is_empty() => label,
        _ => glance_sdk::label::Escaped(&glance.name.value).to_string(),
    };
    let status = data
        .get("status")
        .and_then(|status| match Status::deserialize(status).ok()? {
            Status::Lozenge(lozenge) => Some(ShownStatus::Lozenge {
                kind: lozenge.kind.to_string(),
                label: lozenge.label,
            }),
            Status::Icon(icon) => Some(ShownStatus::Icon(icon)),
            _ => None,
        });
    Data::Ready {
        state: LineState::Ready { label, status },
        metadata: data.get("metadata").cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glance_sdk::model::{Condition, Descriptor, Match};
    use serde_json::json;

    fn room() -> Room {
        Room {
            id: 1.into(),
            name: "room".into(),
            is_public: true,
            owner: 1.into(),
        }
    }

    fn user() -> User {
        User {
            id: 1.into(),
            name: "user".into(),
            is_admin: false,
            is_guest: false,
            timezone: "UTC".into(),
        }
    }

    fn glance(key: &str, conditions: Vec<Condition>) -> Glance {
        let mut glance = Glance::new(
            key,
            format!("Name of {key}"),
            Icon::new("http://a.example/i.png"),
        );
        glance.query_url = Some(format!("http://a.example/{key}"));
        glance.conditions = Some(conditions);
        glance
    }

    fn board(glances: Vec<Glance>) -> (Board, Vec<Ask>) {
        let mut board = Board::default();
        let asks = load(&mut board, glances);
        (board, asks)
    }

    fn load(board: &mut Board, glances: Vec<Glance>) -> Vec<Ask> {
        let mut descriptor = Descriptor::new("add-on", "Add-on", "http://a.example/");
        descriptor.capabilities.glance = Some(glances);
        let installed = Installed {
            oauth_id: "id".into(),
            oauth_secret: "secret".into(),
            room_id: None,
            descriptor_url: "http://a.example/".into(),
            descriptor,
        };
        board.load(room(), user(), vec![(Arc::new(installed), vec![])])
    }

    fn data(label: &str, count: u32) -> Value {
        json!({"label": {"type": "html", "value": label}, "metadata": {"count": count}})
    }

    fn shown(board: &Board) -> Vec<String> {
        board
            .sidebar()
            .lines
            .iter()
            .map(|line| match &line.state {
                LineState::Ready { label, .. } => label.clone(),
                LineState::Named => "named".into(),
                LineState::Loading => "loading".into(),
                LineState::Failed { .. } => "failed".into(),
            })
            .collect()
    }

    #[test]
    fn a_glance_loads_fails_is_tried_again_and_shows() {
        let (mut board, asks) = board(vec![glance("g", vec![])]);
        assert_eq!(shown(&board), ["loading"]);
        board.answered("add-on:g", asks[0].asking, Err("refused".into()));
        assert_eq!(shown(&board), ["failed"]);
        let again = board.retry("add-on:g");
        assert_eq!(shown(&board), ["loading"]);
        board.answered(
            "add-on:g",
            again[0].asking,
            Ok(data("<b>4</b><script>x</script>", 4)),
        );
        assert_eq!(shown(&board), ["<b>4</b>"]);
    }

    #[test]
    fn metadata_hides_and_shows_and_a_failure_shows_anyway() {
        let condition = Condition::glance_matches([Match::gt("count", 0)]);
        let (mut board, asks) = board(vec![glance("g", vec![condition])]);
        assert!(shown(&board).is_empty(), "hidden while loading");
        board.answered("add-on:g", asks[0].asking, Ok(data("four", 4)));
        assert_eq!(shown(&board), ["four"]);
        board.push(&"id".into(), "g", &data("none", 0));
        assert!(shown(&board).is_empty());
        board.push(
            &"id".into(),
            "g",
            &json!({"label": {"type": "html", "value": "x"}}),
        );
        assert!(
            shown(&board).is_empty(),
            "a push without metadata loses the old"
        );
        let again = board.retry("add-on:g");
        board.answered("add-on:g", again[0].asking, Err("down".into()));
        assert_eq!(shown(&board), ["failed"]);
    }

    #[test]
    fn a_push_overtakes_a_query_under_way() {
        let (mut board, asks) = board(vec![glance("g", vec![])]);
        board.push(&"id".into(), "g", &data("new", 1));
        board.answered("add-on:g", asks[0].asking, Ok(data("old", 1)));
        assert_eq!(shown(&board), ["new"]);
    }

    #[test]
    fn a_push_of_another_installation_changes_nothing() {
        let (mut board, _) = board(vec![glance("g", vec![])]);
        board.push(&"other".into(), "g", &data("x", 1));
        board.push(&"id".into(), "other", &data("x", 1));
        assert_eq!(shown(&board), ["loading"]);
    }

    #[test]
    fn odd_pushed_data_falls_back_to_the_name() {
        let (mut board, _) = board(vec![glance("g", vec![])]);
        for odd in [
            json!({"label": {"type": "html"}}),
            json!({"label": {"type": "text", "value": "x"}}),
            json!({"label": {"type": "html", "value": "<p>x</p>"}, "status": {"type": "nope"}}),
        ] {
            board.push(&"id".into(), "g", &odd);
            assert_eq!(shown(&board), ["Name of g"], "{odd}");
        }
    }

    #[test]
    fn lines_stand_by_weight_and_a_reload_keeps_data() {
        let mut heavy = glance("a", vec![]);
        heavy.weight = Some(200);
        let mut light = glance("z", vec![]);
        light.weight = Some(1);
        let plain = glance("m", vec![]);
        let (mut board, asks) = board(vec![heavy.clone(), light.clone(), plain]);
        for ask in &asks {
            board.answered(&ask.id, ask.asking, Ok(data(&ask.glance.key, 1)));
        }
        assert_eq!(shown(&board), ["z", "m", "a"]);
        let asks = load(&mut board, vec![heavy, light, glance("new", vec![])]);
        assert_eq!(
            asks.iter().map(|ask| ask.id.as_str()).collect::<Vec<_>>(),
            ["add-on:new"]
        );
        assert_eq!(shown(&board), ["z", "loading", "a"]);
    }
}
