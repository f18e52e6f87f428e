//! Tests that a host evaluates a condition like Rust after it was serialized and parsed.

use std::cell::Cell;

use glance_sdk::evaluate::{Facts, Program};
use glance_sdk::metadata::{Attr, CannotLower, Comparable, Ordered, Test};
use glance_sdk::model::{Condition, ConditionName};
use glance_sdk::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

const CASES: u32 = 10_000;
const MAX_EXACT: i64 = (1 << 53) - 1;

#[derive(Debug, Clone, Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
struct Incidents {
    is_configured: bool,
    open: u32,
    balance: i64,
    load: f64,
    share: f32,
    team: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_days: Option<u32>,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    worst_state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pager: Option<Pager>,
    #[serde(flatten)]
    build: Build,
    #[serde(flatten)]
    next: Option<Next>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "kebab-case")]
enum State {
    Calm,
    OnFire,
    #[serde(rename = "true")]
    Certain,
    #[serde(rename = "")]
    Blank,
}

#[derive(Debug, Clone, Serialize, GlanceMetadata)]
struct Build {
    number: u32,
    #[serde(flatten)]
    result: Outcome,
}

#[derive(Debug, Clone, Serialize, GlanceMetadata)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Outcome {
    last_state: State,
    pager: Pager,
}

#[derive(Debug, Clone, Serialize, GlanceMetadata)]
struct Next {
    in_minutes: u32,
    is_sure: bool,
}

#[derive(Debug, Clone, Serialize, GlanceMetadata)]
struct Pager {
    is_on_call: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<f64>,
}

#[derive(Debug, Clone)]
enum Expression {
    Bool(bool, bool),
    Open(Operator, u32),
    Balance(Operator, i64),
    Load(Operator, f64),
    Share(Operator, f32),
    Team(bool, &'static str),
    OldestDays(Operator, u32),
    State(bool, State),
    WorstState(bool, State),
    BuildNumber(Operator, u32),
    LastState(bool, State),
    LastPagerDelay(Operator, f64),
    NextIsSure,
    NextInMinutes(Operator, u32),
    PagerIsOnCall,
    PagerDelay(Operator, f64),
    Host(usize),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
}

/// The input of a condition: the metadata, if there is any, and the facts of the host.
#[derive(Debug, Clone)]
struct Case {
    metadata: Option<Incidents>,
    host: [bool; 4],
}

impl Operator {
    fn test<T: Ordered>(self, attribute: Attr<T>, value: T::Literal) -> Test {
        match self {
            Self::Eq => attribute.equals(value),
            Self::Ne => attribute.differs_from(value),
            Self::Lt => attribute.less_than(value),
            Self::Gt => attribute.greater_than(value),
            Self::Le => attribute.at_most(value),
            Self::Ge => attribute.at_least(value),
        }
    }

    fn holds<T: PartialOrd>(self, attribute: Option<T>, value: T) -> bool {
        let Some(attribute) = attribute else {
            return matches!(self, Self::Ne);
        };
        match self {
            Self::Eq => attribute == value,
            Self::Ne => attribute != value,
            Self::Lt => attribute < value,
            Self::Gt => attribute > value,
            Self::Le => attribute <= value,
            Self::Ge => attribute >= value,
        }
    }
}

fn equality<T: Comparable>(attribute: Attr<T>, equal: bool, value: T::Literal) -> Test {
    if equal {
        attribute.equals(value)
    } else {
        attribute.differs_from(value)
    }
}

impl Expression {
    fn test(&self) -> Test {
        let at = Incidents::attributes();
        match *self {
            Self::Bool(equal, value) => equality(at.is_configured(), equal, value),
            Self::Open(operator, value) => operator.test(at.open(), value),
            Self::Balance(operator, value) => operator.test(at.balance(), value),
            Self::Load(operator, value) => operator.test(at.load(), value),
            Self::Share(operator, value) => operator.test(at.share(), value),
            Self::Team(equal, value) => equality(at.team(), equal, value),
            Self::OldestDays(operator, value) => operator.test(at.oldest_days(), value),
            Self::State(equal, value) => equality(at.state(), equal, value),
            Self::WorstState(equal, value) => equality(at.worst_state(), equal, value),
            Self::BuildNumber(operator, value) => operator.test(at.build().number(), value),
            Self::LastState(equal, value) => {
                equality(at.build().result().last_state(), equal, value)
            }
            Self::LastPagerDelay(operator, value) => {
                operator.test(at.build().result().pager().delay(), value)
            }
            Self::NextIsSure => at.next().is_sure().holds(),
            Self::NextInMinutes(operator, value) => operator.test(at.next().in_minutes(), value),
            Self::PagerIsOnCall => at.pager().is_on_call().holds(),
            Self::PagerDelay(operator, value) => operator.test(at.pager().delay(), value),
            Self::Host(index) => Test::Host(match index {
                0 => ConditionName::RoomIsPublic,
                1 => ConditionName::UserIsAdmin,
                2 => ConditionName::UserIsGuest,
                _ => ConditionName::UserIsRoomOwner,
            }),
            Self::Not(ref inner) => !inner.test(),
            Self::All(ref inner) => Test::All(inner.iter().map(Self::test).collect()),
            Self::Any(ref inner) => Test::Any(inner.iter().map(Self::test).collect()),
        }
    }

    fn holds(&self, case: &Case) -> bool {
        let at = case.metadata.as_ref();
        let pager = at.and_then(|at| at.pager.as_ref());
        let next = at.and_then(|at| at.next.as_ref());
        match *self {
            Self::Bool(equal, value) => (at.map(|at| at.is_configured) == Some(value)) == equal,
            Self::Open(operator, value) => operator.holds(at.map(|at| at.open), value),
            Self::Balance(operator, value) => operator.holds(at.map(|at| at.balance), value),
            Self::Load(operator, value) => operator.holds(at.map(|at| at.load), value),
            Self::Share(operator, value) => operator.holds(at.map(|at| at.share), value),
            Self::Team(equal, value) => (at.map(|at| at.team.as_str()) == Some(value)) == equal,
            Self::OldestDays(operator, value) => {
                operator.holds(at.and_then(|at| at.oldest_days), value)
            }
            Self::State(equal, value) => (at.map(|at| at.state) == Some(value)) == equal,
            Self::WorstState(equal, value) => {
                (at.and_then(|at| at.worst_state) == Some(value)) == equal
            }
            Self::BuildNumber(operator, value) => {
                operator.holds(at.map(|at| at.build.number), value)
            }
            Self::LastState(equal, value) => {
                (at.map(|at| at.build.result.last_state) == Some(value)) == equal
            }
            Self::LastPagerDelay(operator, value) => {
                operator.holds(at.and_then(|at| at.build.result.pager.delay), value)
            }
            Self::NextIsSure => next.is_some_and(|next| next.is_sure),
            Self::NextInMinutes(operator, value) => {
                operator.holds(next.map(|next| next.in_minutes), value)
            }
            Self::PagerIsOnCall => pager.is_some_and(|pager| pager.is_on_call),
            Self::PagerDelay(operator, value) => {
                operator.holds(pager.and_then(|pager| pager.delay), value)
            }
            Self::Host(index) => case.host[index],
            Self::Not(ref inner) => !inner.holds(case),
            Self::All(ref inner) => inner.iter().all(|inner| inner.holds(case)),
            Self::Any(ref inner) => inner.iter().any(|inner| inner.holds(case)),
        }
    }
}

impl Case {
    fn facts<'a>(&self, metadata: Option<&'a Value>) -> Facts<'a> {
        let mut facts = Facts::default().metadata(metadata);
        [
            facts.room_is_public,
            facts.user_is_admin,
            facts.user_is_guest,
            facts.user_is_room_owner,
        ] = self.host;
        facts
    }
}

/// Serializes a value and parses the JSON.
fn through_json<T: serde::de::DeserializeOwned>(value: &impl Serialize) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn operators() -> impl Strategy<Value = Operator> {
    use Operator::{Eq, Ge, Gt, Le, Lt, Ne};
    prop::sample::select(vec![Eq, Ne, Lt, Gt, Le, Ge])
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..4u32, 1 => Just(u32::MAX)]
}

fn balances() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -2..3i64,
        1 => prop::sample::select(vec![-MAX_EXACT, -MAX_EXACT + 1, MAX_EXACT - 1, MAX_EXACT]),
    ]
}

/// Also generates adjacent floats, which an imprecise parser would confuse.
fn floats() -> impl Strategy<Value = f64> {
    const LONG: f64 = 1.500_000_733_334_334_9e19;
    let any = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    prop_oneof![
        4 => prop::sample::select(vec![-0.5, -0.0, 0.0, 0.1, 1.0]),
        2 => prop::sample::select(vec![LONG.next_down(), LONG, LONG.next_up()]),
        1 => any,
    ]
}

fn shares() -> impl Strategy<Value = f32> {
    let next = 0.1_f32.next_up();
    prop_oneof![
        4 => prop::sample::select(vec![0.1, next, 0.5, 1.0]),
        1 => prop::num::f32::NORMAL,
    ]
}

fn teams() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "ops", "OPS", "4", "true", "équipe"])
}

fn states() -> impl Strategy<Value = State> {
    use self::State::{Blank, Calm, Certain, OnFire};
    prop::sample::select(vec![Calm, OnFire, Certain, Blank])
}

fn pagers() -> impl Strategy<Value = Pager> {
    (any::<bool>(), prop::option::of(floats()))
        .prop_map(|(is_on_call, delay)| Pager { is_on_call, delay })
}

fn builds() -> impl Strategy<Value = Build> {
    (small(), states(), pagers()).prop_map(|(number, last_state, pager)| Build {
        number,
        result: Outcome { last_state, pager },
    })
}

fn nexts() -> impl Strategy<Value = Next> {
    (small(), any::<bool>()).prop_map(|(in_minutes, is_sure)| Next {
        in_minutes,
        is_sure,
    })
}

fn expressions() -> impl Strategy<Value = Expression> {
    use Expression as E;
    let leaf = prop_oneof![
        any::<(bool, bool)>().prop_map(|(equal, value)| E::Bool(equal, value)),
        (operators(), small()).prop_map(|(operator, value)| E::Open(operator, value)),
        (operators(), balances()).prop_map(|(operator, value)| E::Balance(operator, value)),
        (operators(), floats()).prop_map(|(operator, value)| E::Load(operator, value)),
        (operators(), shares()).prop_map(|(operator, value)| E::Share(operator, value)),
        (any::<bool>(), teams()).prop_map(|(equal, value)| E::Team(equal, value)),
        (operators(), small()).prop_map(|(operator, value)| E::OldestDays(operator, value)),
        (any::<bool>(), states()).prop_map(|(equal, value)| E::State(equal, value)),
        (any::<bool>(), states()).prop_map(|(equal, value)| E::WorstState(equal, value)),
        (operators(), small()).prop_map(|(operator, value)| E::BuildNumber(operator, value)),
        (any::<bool>(), states()).prop_map(|(equal, value)| E::LastState(equal, value)),
        (operators(), floats()).prop_map(|(operator, value)| E::LastPagerDelay(operator, value)),
        Just(E::NextIsSure),
        (operators(), small()).prop_map(|(operator, value)| E::NextInMinutes(operator, value)),
        Just(E::PagerIsOnCall),
        (operators(), floats()).prop_map(|(operator, value)| E::PagerDelay(operator, value)),
        (0..4usize).prop_map(E::Host),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| E::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(E::All),
            prop::collection::vec(inner, 0..4).prop_map(E::Any),
        ]
    })
}

fn incidents() -> impl Strategy<Value = Incidents> {
    let beyond = prop::sample::select(vec![
        i64::MIN,
        -MAX_EXACT - 2,
        -MAX_EXACT - 1,
        MAX_EXACT + 1,
        MAX_EXACT + 2,
        i64::MAX,
    ]);
    let plain = (
        any::<bool>(),
        small(),
        prop_oneof![4 => balances(), 1 => beyond],
        floats(),
        shares(),
        teams(),
        prop::option::of(small()),
    );
    let others = (
        states(),
        prop::option::of(states()),
        prop::option::of(pagers()),
        builds(),
        prop::option::of(nexts()),
    );
    (plain, others).prop_map(|(plain, others)| {
        let (is_configured, open, balance, load, share, team, oldest_days) = plain;
        let (state, worst_state, pager, build, next) = others;
        Incidents {
            is_configured,
            open,
            balance,
            load,
            share,
            team: team.to_owned(),
            oldest_days,
            state,
            worst_state,
            pager,
            build,
            next,
        }
    })
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let case = (prop::option::weighted(0.9, incidents()), any::<[bool; 4]>())
        .prop_map(|(metadata, host)| Case { metadata, host });
    prop::collection::vec(case, 2)
}

#[test]
fn host_evaluates_conditions_like_rust() {
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let refused = Cell::new(0);
    let agreement = runner.run(&(expressions(), cases()), |(expression, cases)| {
        let conditions = match expression.test().lower() {
            Err(CannotLower::TooLarge) => {
                refused.set(refused.get() + 1);
                return Ok(());
            }
            lowered => lowered.map_err(|error| TestCaseError::fail(error.to_string()))?,
        };
        let program = Program::new(&through_json::<Vec<Condition>>(&conditions));
        for case in &cases {
            let metadata: Option<Value> = through_json(&case.metadata);
            prop_assert_eq!(
                program.holds(&case.facts(metadata.as_ref())),
                expression.holds(case),
                "{:?} as {:?}",
                case,
                conditions
            );
        }
        Ok(())
    });
    if let Err(disagreement) = agreement {
        panic!("{disagreement}");
    }
    assert!(
        refused.get() < CASES / 50,
        "{} of {CASES} expressions were refused",
        refused.get()
    );
}
