//! What one person sees in one room, as a state that events change. No I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use glance_sdk::evaluate::{DataState, Facts, Program};
use glance_sdk::model::{Glance, OauthId, Status};
use serde::Deserialize;
use serde_json::Value;

use super::sidebar::{Line, LineState, ShownStatus, Sidebar, TargetRef};
use crate::icons;
use crate::state::{Installed, Room, RuntimeGlance, User};
use crate::{label, module};

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
                Ok(data) => ready(&entry.installed, &entry.glance, &data),
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
            entry.data = ready(&entry.installed, &entry.glance, data);
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
            entry.line = entry.shows(id, facts).then(|| Arc::new(entry.line(id)));
        }
    }
}

impl Entry {
    fn shows(&self, id: &str, place: &Where) -> bool {
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
        let shows = self.program.shows(state, &facts);
        if !shows {
            let why = || self.program.explain(state, &facts);
            tracing::debug!(glance = id, room = %room.id, user = %user.id, "{}", why());
        }
        shows
    }

    fn line(&self, id: &str) -> Line {
        let add_on = &self.installed.descriptor;
        let target = self.glance.target.as_ref().and_then(|target| target.key());
        Line {
            id: id.to_owned(),
            key: self.glance.key.clone(),
            add_on: add_on.name.clone(),
            name: self.glance.name.value.clone(),
            icon: icons::proxied_icon(&self.installed.oauth_id, &self.glance.icon),
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
                .filter(|key| module::is_there(add_on, key))
                .map(|key| TargetRef {
                    add_on: add_on.key.clone(),
                    key: key.to_owned(),
                }),
        }
    }
}

/// Data as it is shown. Pushed data is not held to the rules of a query's, so whatever is missing
/// or odd falls back: the label to the glance's name, the status to none.
fn ready(installed: &Installed, glance: &Glance, data: &Value) -> Data {
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
            Status::Icon(icon) => {
                let icon = icons::proxied_icon(&installed.oauth_id, &icon);
                Some(ShownStatus::Icon(icon))
            }
            _ => None,
        });
    Data::Ready {
        state: LineState::Ready { label, status },
        metadata: data.get("metadata").cloned(),
    }
}

#[cfg(test)]
mod tests;
