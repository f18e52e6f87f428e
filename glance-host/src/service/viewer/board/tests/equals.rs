//! Whatever happens in whatever order, each viewer sees what is worked out from scratch, and a page
//! that follows the changes shows the same.

use std::collections::BTreeMap;

use glance_sdk::evaluate::{DataState, Facts, Program};
use glance_sdk::model::ConditionName;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::content::image_urls::ImageUrls;
use crate::content::label;
use crate::service::viewer::{Line, Stale};

const KEYS: [&str; 4] = ["plain", "counted", "admins", "pushed"];

/// What can happen to two viewers, of a member and of an admin.
#[derive(Debug, Clone)]
enum Step {
    /// A push, to everyone or to one of them.
    Push(Option<usize>, &'static str, Value),
    /// An add-on answers the newest or an older query of a viewer.
    Answer(usize, &'static str, bool, Result<Value, String>),
    Retry(usize, &'static str),
    /// A viewer lagged, and starts over.
    StartOver(usize),
    /// There are other glances; some are described anew.
    Change(Vec<&'static str>, bool),
    /// The member is made an admin, or is one no longer.
    Promote(bool),
    /// The page is sent what changed.
    Tell(usize),
}

fn some_data() -> impl Strategy<Value = Value> {
    let label = select(&["one", "<b>two</b>", "<p>gone</p>", ""][..]);
    let metadata = select(vec![
        None,
        Some(json!({"count": 0})),
        Some(json!({"count": 3})),
    ]);
    (label, metadata).prop_map(|(label, metadata)| {
        let mut data = json!({"label": {"type": "html", "value": label}});
        if let Some(metadata) = metadata {
            data["metadata"] = metadata;
        }
        data
    })
}

fn step() -> impl Strategy<Value = Step> {
    let key = || select(&KEYS[..]);
    let answer = prop_oneof![
        4 => some_data().prop_map(Ok),
        1 => Just(Err("It is down.".to_owned())),
    ];
    prop_oneof![
        3 => (proptest::option::of(0..2_usize), key(), some_data())
            .prop_map(|(to, key, data)| Step::Push(to, key, data)),
        3 => (0..2_usize, key(), any::<bool>(), answer)
            .prop_map(|(who, key, is_newest, answer)| Step::Answer(who, key, is_newest, answer)),
        1 => (0..2_usize, key()).prop_map(|(who, key)| Step::Retry(who, key)),
        1 => (0..2_usize).prop_map(Step::StartOver),
        1 => (proptest::sample::subsequence(KEYS.to_vec(), 0..=4), any::<bool>())
            .prop_map(|(keys, is_anew)| Step::Change(keys, is_anew)),
        1 => any::<bool>().prop_map(Step::Promote),
        2 => (0..2_usize).prop_map(Step::Tell),
    ]
}

fn described(key: &str, anew: bool) -> Glance {
    let conditions = match key {
        "counted" | "pushed" => vec![Condition::glance_matches([Match::gt("count", 0)])],
        "admins" => vec![Condition::named(ConditionName::UserIsAdmin)],
        _ => vec![],
    };
    let mut glance = glance(key, conditions);
    if key == "pushed" {
        glance.query_url = None;
    }
    if anew {
        glance.weight = Some(1);
    }
    glance
}

/// The data of one glance as one person has it, carried in the plainest way.
#[derive(Clone, Default)]
struct Plain {
    data: Option<Value>,
    problem: Option<String>,
    waits: bool,
}

/// A person: what they have of each glance, and the page that follows the changes.
struct Person {
    board: Board,
    user: User,
    plain: BTreeMap<&'static str, Plain>,
    asked: BTreeMap<String, Vec<u64>>,
    page: BTreeMap<String, Line>,
}

impl Person {
    fn queries(&mut self, queries: impl IntoIterator<Item = PendingQuery>) {
        for query in queries {
            let key = query.prepared.glance.key.clone();
            self.asked.entry(key).or_default().push(query.query_number);
        }
    }

    fn tell(&mut self) {
        while let Some(change) = self.board.change() {
            match change {
                Change::Line(content) => {
                    let line = Line::clone(content.line());
                    self.page.insert(line.id.clone(), line);
                }
                Change::Gone(id) => assert!(self.page.remove(&id).is_some(), "{id}"),
                other => panic!("{other:?}"),
            }
        }
    }

    fn must_see(&self, glances: &BTreeMap<&'static str, Glance>) -> Vec<Line> {
        let mut lines = Vec::new();
        for (key, glance) in glances {
            let Plain {
                data,
                problem,
                waits,
            } = &self.plain[key];
            let (data, state, metadata) = match (data, problem) {
                (Some(data), _) => {
                    let mut label = label::sanitize(data["label"]["value"].as_str().unwrap());
                    if label.is_empty() {
                        label = glance.name.value.clone();
                    }
                    let state = LineState::Ready {
                        label,
                        status: None,
                    };
                    (DataState::Ready, state, data.get("metadata"))
                }
                (None, _) if *waits => (DataState::Loading, LineState::Loading, None),
                (None, Some(problem)) => {
                    let problem = problem.clone();
                    (DataState::Failed, LineState::Failed { problem }, None)
                }
                (None, None) => (DataState::None, LineState::Named, None),
            };
            let problem = problem.clone().filter(|_| data == DataState::Ready);
            let stale = problem.map(|problem| Stale { since: 0, problem });
            let mut facts = Facts::default().metadata(metadata);
            facts.room_is_public = true;
            facts.user_is_admin = self.user.is_admin;
            facts.user_is_room_owner = self.user.id == UserId::new(1);
            if Program::new(glance.conditions()).shows(data, &facts) {
                lines.push(Line {
                    id: format!("add-on:{key}"),
                    key: (*key).to_owned(),
                    add_on: "Add-on".to_owned(),
                    name: glance.name.value.clone(),
                    icon: ImageUrls::new(b"key").of(&"id".into()).icon(&glance.icon),
                    order: (glance.weight.unwrap_or(100), "add-on".into(), (*key).into()),
                    state,
                    target: None,
                    stale,
                });
            }
        }
        lines.sort_by(|a, b| a.order.cmp(&b.order));
        lines
    }
}

proptest! {
    #[test]
    fn a_viewer_sees_what_is_worked_out_from_scratch(
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let mut glances: BTreeMap<&'static str, Glance> = BTreeMap::new();
        let mut shared = lineup(vec![]);
        let mut people = [1, 2].map(|id| {
            let user = User { id: id.into(), is_admin: id == 2, ..user() };
            Person {
                board: Board::new(place(user.clone())),
                user,
                plain: BTreeMap::new(),
                asked: BTreeMap::new(),
                page: BTreeMap::new(),
            }
        });
        let all = Step::Change(KEYS.to_vec(), false);
        for step in std::iter::once(all).chain(steps) {
            match step {
                Step::Push(to, key, data) => {
                    let user = to.map(|who| people[who].user.id);
                    let entry = (key.to_owned(), held(data.clone()));
                    let push = pushed("id", user, [entry]);
                    for (who, person) in people.iter_mut().enumerate() {
                        person.board.push(&push, Source::Push, &Derived::default());
                        if glances.contains_key(key) && to.is_none_or(|to| to == who) {
                            let data = Some(data.clone());
                            person.plain.insert(key, Plain { data, ..Plain::default() });
                        }
                    }
                }
                Step::Answer(who, key, is_newest, answer) => {
                    let person = &mut people[who];
                    let asked = person.asked.get(key).map_or(&[][..], Vec::as_slice);
                    let query_number = match asked {
                        [.., newest] if is_newest => *newest,
                        [.., older, _] => *older,
                        _ => continue,
                    };
                    let data = answer.clone().map(super::answer);
                    person.board.answered(&format!("add-on:{key}"), query_number, data);
                    let plain = person.plain.get_mut(key).filter(|plain| plain.waits);
                    if let Some(plain) = plain.filter(|_| is_newest) {
                        plain.waits = false;
                        plain.problem = answer.as_ref().err().cloned();
                        plain.data = answer.ok().or(plain.data.take());
                    }
                }
                Step::Retry(who, key) => {
                    let person = &mut people[who];
                    let query = person.board.retry(&format!("add-on:{key}"));
                    if query.is_some() {
                        person.plain.get_mut(key).unwrap().waits = true;
                    }
                    person.queries(query);
                }
                Step::StartOver(who) => {
                    let person = &mut people[who];
                    let queries = person.board.query_all();
                    person.queries(queries);
                    for (key, glance) in &glances {
                        if glance.query_url.is_some() {
                            person.plain.get_mut(key).unwrap().waits = true;
                        }
                    }
                }
                Step::Change(keys, anew) => {
                    let new: BTreeMap<_, _> =
                        keys.into_iter().map(|key| (key, described(key, anew))).collect();
                    shared = lineup(new.values().cloned().collect());
                    for person in &mut people {
                        let queries = person.board.load(place(person.user.clone()), Arc::clone(&shared), &Stored::new());
                        person.queries(queries);
                        person.plain.retain(|key, _| new.get(key) == glances.get(key));
                        for (key, glance) in &new {
                            let waits = glance.query_url.is_some();
                            let new = || Plain { waits, ..Plain::default() };
                            person.plain.entry(key).or_insert_with(new);
                        }
                    }
                    glances = new;
                }
                Step::Promote(is_admin) => {
                    let member = &mut people[0];
                    member.user.is_admin = is_admin;
                    let queries = member.board.load(place(member.user.clone()), Arc::clone(&shared), &Stored::new());
                    prop_assert!(queries.is_empty());
                }
                Step::Tell(who) => people[who].tell(),
            }
        }
        for person in &mut people {
            let expected = person.must_see(&glances);
            let shown: Vec<Line> =
                person.board.sidebar().lines.iter().map(|line| Line::clone(line)).collect();
            prop_assert_eq!(&shown, &expected);
            person.tell();
            let mut page: Vec<Line> = person.page.values().cloned().collect();
            page.sort_by(|a, b| a.order.cmp(&b.order));
            prop_assert_eq!(&page, &expected);
            prop_assert!(person.board.change().is_none());
        }
    }
}
