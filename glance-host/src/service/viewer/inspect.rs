//! The reports of one viewer's glances for an inspector. A viewer keeps notes only while it is inspected.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use glance_sdk::evaluate::Outcome;
use glance_sdk::model::{Glance, UserId};
use reqwest::Url;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::board::Origin;
use super::sidebar::{LineState, ShownStatus, Stale};
use crate::content::token_parts;
use crate::model::clock::millis;
use crate::model::{Data, Installed, Push, Source, Text};
use crate::service::addon_calls;
use crate::service::addon_calls::Queried;

/// The number of pushes that are kept per glance.
const PUSHES: usize = 10;

/// The news for an inspector.
pub(crate) struct News {
    /// Whether this is the first news.
    pub(crate) is_first: bool,
    /// The ids of all glances in their order, shown or not.
    pub(crate) glances: Vec<String>,
    /// The new and changed reports.
    pub(crate) reports: Vec<Arc<Report>>,
    /// Whether the list of glances or its order changed.
    pub(crate) is_another_list: bool,
}

/// The report of one glance. Its texts may contain secrets of add-ons, which the caller redacts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    id: String,
    key: String,
    name: String,
    add_on: String,
    is_shown: bool,
    why: String,
    is_loading: bool,
    data: Option<ReportedData>,
    origin: Option<ReportedOrigin>,
    stale: Option<Stale>,
    conditions: Value,
    is_queried: bool,
    #[serde(serialize_with = "if_any")]
    query: Option<Arc<Query>>,
    /// Oldest first.
    #[serde(serialize_with = "each")]
    pushes: Vec<Arc<Pushed>>,
}

/// The current data: sanitized label, status, metadata.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ReportedData {
    label: String,
    status: Option<ShownStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Text>,
}

/// The source and the age of the current data.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportedOrigin {
    source: Source,
    /// Whether the host had stored the data before the page connected.
    is_stored: bool,
    /// In milliseconds since 1970.
    received_at: i64,
    /// The time when label or status last changed, in milliseconds since 1970.
    changed_at: i64,
}

fn if_any<S: Serializer>(query: &Option<Arc<Query>>, to: S) -> Result<S::Ok, S::Error> {
    query.as_deref().serialize(to)
}

fn each<S: Serializer>(pushes: &[Arc<Pushed>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(pushes.iter().map(|pushed| &**pushed))
}

/// The latest query that was answered or timed out.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    at: i64,
    took: u64,
    url: Option<String>,
    status: Option<u16>,
    cors: Option<String>,
    body: Option<String>,
    problem: Option<String>,
    /// Whether newer data had arrived, so that the answer was ignored.
    is_late: bool,
    /// The two readable parts of the token.
    header: Value,
    claims: Value,
}

/// A push to the room.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    at: i64,
    /// The person that the push is for; `None` means everyone.
    user: Option<UserId>,
    /// `None` if the push is for another person.
    data: Option<Data>,
}

/// The board's description of a glance.
pub(super) struct GlanceState<'a> {
    pub(super) id: &'a str,
    pub(super) installed: &'a Installed,
    pub(super) glance: &'a Glance,
    pub(super) state: &'a LineState,
    pub(super) metadata: Option<&'a Text>,
    pub(super) stale: Option<&'a Stale>,
    pub(super) is_loading: bool,
    pub(super) origin: Option<Origin>,
    pub(super) outcome: Outcome,
}

/// The notes of one viewer for one inspector.
pub(super) struct Inspection {
    queries: HashMap<String, Arc<Query>>,
    pushes: HashMap<String, VecDeque<Arc<Pushed>>>,
    delivered: watch::Receiver<u64>,
    told: Option<Vec<Arc<Report>>>,
}

impl Inspection {
    /// `delivered` changes with each webhook delivery.
    pub(super) fn new(delivered: watch::Receiver<u64>) -> Self {
        Self {
            queries: HashMap::new(),
            pushes: HashMap::new(),
            delivered,
            told: None,
        }
    }

    /// Completes at the next webhook delivery, while there is an inspection.
    pub(super) async fn delivered(inspection: &mut Option<Box<Self>>) {
        let is_open = match inspection {
            Some(inspection) => inspection.delivered.changed().await.is_ok(),
            None => false,
        };
        if !is_open {
            std::future::pending().await
        }
    }

    /// Records a completed query.
    pub(super) fn answered(&mut self, id: &str, queried: &Queried, is_late: bool, base_url: &str) {
        let token = queried.url.as_ref().and_then(token_parts::signed_request);
        let token = token.as_deref().unwrap_or_default();
        let answer = queried.answer.as_ref();
        let query = Query {
            at: millis(queried.at),
            took: u64::try_from(queried.took.as_millis()).unwrap_or(u64::MAX),
            url: queried.url.as_ref().map(without_token),
            status: answer.map(|answer| answer.status.as_u16()),
            cors: answer.map(|answer| addon_calls::describe_cors(base_url, answer)),
            body: answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned()),
            problem: queried.data.as_ref().err().map(ToString::to_string),
            is_late,
            header: token_parts::header(token),
            claims: token_parts::payload(token),
        };
        self.queries.insert(id.to_owned(), Arc::new(query));
    }

    /// Records a push, for the viewer of this person.
    pub(super) fn pushed<'a>(
        &mut self,
        push: &Push,
        at: SystemTime,
        viewer: UserId,
        glances: impl Iterator<Item = GlanceState<'a>>,
    ) {
        let at = millis(at);
        for known in glances.filter(|known| known.installed.oauth_id == push.oauth_id) {
            for new in push
                .glances
                .iter()
                .filter(|new| new.key == known.glance.key)
            {
                let pushes = self.pushes.entry(known.id.to_owned()).or_default();
                if pushes.len() == PUSHES {
                    pushes.pop_front();
                }
                let is_own = push.user.is_none_or(|user| user == viewer);
                pushes.push_back(Arc::new(Pushed {
                    at,
                    user: push.user,
                    data: is_own.then(|| new.data.clone()),
                }));
            }
        }
    }

    /// Returns the news since the last call.
    pub(super) fn news<'a>(&mut self, glances: impl Iterator<Item = GlanceState<'a>>) -> News {
        let is_first = self.told.is_none();
        let told = self.told.take().unwrap_or_default();
        let mut news = Vec::new();
        let reports: Vec<_> = glances
            .map(|known| {
                let report = self.report(&known);
                if let Some(same) = told.iter().find(|told| ***told == report) {
                    return Arc::clone(same);
                }
                let report = Arc::new(report);
                news.push(Arc::clone(&report));
                report
            })
            .collect();
        let is_there = |id: &String| reports.iter().any(|report| report.id == *id);
        self.queries.retain(|id, _| is_there(id));
        self.pushes.retain(|id, _| is_there(id));
        let ids = |reports: &[Arc<Report>]| -> Vec<String> {
            reports.iter().map(|report| report.id.clone()).collect()
        };
        let glances = ids(&reports);
        let is_another_list = glances != ids(&told);
        self.told = Some(reports);
        News {
            is_first,
            glances,
            reports: news,
            is_another_list,
        }
    }

    fn report(&self, known: &GlanceState<'_>) -> Report {
        let data = match known.state {
            LineState::Ready { label, status } => Some(ReportedData {
                label: label.clone(),
                status: status.clone(),
                metadata: known.metadata.cloned(),
            }),
            _ => None,
        };
        let pushes = self.pushes.get(known.id).into_iter().flatten();
        Report {
            id: known.id.to_owned(),
            key: known.glance.key.clone(),
            name: known.glance.name.value.clone(),
            add_on: known.installed.descriptor.name.clone(),
            is_shown: known.outcome.shown,
            why: known.outcome.to_string(),
            is_loading: known.is_loading,
            data,
            origin: known.origin.map(|origin| ReportedOrigin {
                source: origin.source,
                is_stored: origin.is_stored,
                received_at: origin.received_at,
                changed_at: origin.changed_at,
            }),
            stale: known.stale.cloned(),
            conditions: json!(known.glance.conditions()),
            is_queried: known.glance.query_url.is_some(),
            query: self.queries.get(known.id).cloned(),
            pushes: pushes.cloned().collect(),
        }
    }
}

fn without_token(url: &Url) -> String {
    let mut url = url.clone();
    let query = url.query().unwrap_or_default();
    let kept: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("signed_request="))
        .collect();
    let kept = kept.join("&");
    url.set_query(Some(&*kept).filter(|kept| !kept.is_empty()));
    // A URL without a host has no password either.
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_without_what_opens_it() {
        for (url, told) in [
            (
                "https://a.example.com/q?signed_request=x.y.z",
                "https://a.example.com/q",
            ),
            (
                "https://me:pass@a.example.com/q?a=%20&signed_request=x&b=+",
                "https://me@a.example.com/q?a=%20&b=+",
            ),
        ] {
            assert_eq!(without_token(&url.parse().unwrap()), told);
        }
    }
}
