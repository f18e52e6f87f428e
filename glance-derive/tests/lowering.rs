//! Tests that `when(...)` becomes equivalent conditions.

use glance_sdk::glance::Glance;
use glance_sdk::metadata::{CannotLower, Test};
use glance_sdk::prelude::*;
use serde_json::{Value, json};

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
struct Incidents {
    open: u32,
    balance: i64,
    load: f64,
    share: f32,
    is_configured: bool,
    team: String,
    #[serde(rename = "kind-of")]
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_days: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pager: Option<Pager>,
    state: State,
    #[serde(rename = "worst", skip_serializing_if = "Option::is_none")]
    worst_state: Option<State>,
    urgency: Urgency,
    #[serde(flatten)]
    last_build: Build,
    #[serde(flatten)]
    next_build: Option<Next>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    Calm,
    OnFire,
    #[serde(rename = "in review!")]
    InReview,
    #[serde(rename(serialize = "shut", deserialize = "closed"), alias = "done")]
    Closed,
    #[serde(other, skip_deserializing)]
    r#Else,
}

/// Implements `Serialize` by hand, which the derive cannot see.
#[derive(GlanceMetadata)]
#[allow(dead_code)]
enum Urgency {
    Low,
    High,
    Nothing,
}

impl Serialize for Urgency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Low => serializer.serialize_u8(1),
            Self::High => serializer.serialize_str("!"),
            Self::Nothing => serializer.serialize_unit(),
        }
    }
}

#[derive(Serialize, GlanceMetadata)]
struct Build {
    number: u32,
    #[serde(flatten)]
    result: Outcome,
}

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all = "UPPERCASE")]
struct Outcome {
    passed: bool,
    by: Call,
}

#[derive(Serialize, GlanceMetadata)]
struct Next {
    at: f64,
}

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all(serialize = "SCREAMING-KEBAB-CASE"))]
struct Pager {
    is_on_call: bool,
    last: Call,
}

#[derive(Serialize, GlanceMetadata)]
struct Call {
    minutes_ago: u32,
}

const MANY: u32 = 10;
const OPS: &str = "ops";
const WORST: State = State::OnFire;

macro_rules! when {
    ($($when:tt)*) => {{
        #[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when($($when)*))]
        async fn incidents() -> GlanceData<Incidents> {
            GlanceData::new(Label::text("open"))
        }
        <incidents as Glance>::when().unwrap()
    }};
}

fn lowered(test: Test) -> Value {
    serde_json::to_value(test.lower().unwrap()).unwrap()
}

fn matches(entries: Value) -> Value {
    json!({ "condition": "glance_matches", "params": { "metadata": entries } })
}

fn unless(entries: Value) -> Value {
    json!({ "condition": "glance_matches", "invert": true, "params": { "metadata": entries } })
}

fn any(conditions: Value) -> Value {
    json!({ "type": "or", "conditions": conditions })
}

#[track_caller]
fn assert_all_match(table: impl IntoIterator<Item = (Test, Value)>) {
    for (test, entries) in table {
        let expected = json!([matches(entries)]);
        assert_eq!(lowered(test.clone()), expected, "{test:?}");
    }
}

#[test]
fn numbers_compare_with_protocol_operators() {
    assert_all_match([
        (when!(open == 4), json!([{ "attr": "open", "eq": 4 }])),
        (when!(open < 4), json!([{ "attr": "open", "lt": 4 }])),
        (when!(open > 4), json!([{ "attr": "open", "gt": 4 }])),
        (when!(open <= 4), json!([{ "attr": "open", "lt": 5 }])),
        (when!(open >= 4), json!([{ "attr": "open", "gt": 3 }])),
        (when!(open >= 0), json!([{ "attr": "open", "gt": -1 }])),
        (
            when!(balance <= -4),
            json!([{ "attr": "balance", "lt": -3 }]),
        ),
        (
            when!(balance >= -4),
            json!([{ "attr": "balance", "gt": -5 }]),
        ),
        (when!(load < 0.5), json!([{ "attr": "load", "lt": 0.5 }])),
        (when!(load > -0.5), json!([{ "attr": "load", "gt": -0.5 }])),
        (when!(open > MANY), json!([{ "attr": "open", "gt": 10 }])),
        (
            when!(open > MANY * 2 + 1),
            json!([{ "attr": "open", "gt": 21 }]),
        ),
    ]);
}

#[test]
fn value_may_be_on_the_left() {
    assert_all_match([
        (when!(4 == open), json!([{ "attr": "open", "eq": 4 }])),
        (when!(4 < open), json!([{ "attr": "open", "gt": 4 }])),
        (when!(4 > open), json!([{ "attr": "open", "lt": 4 }])),
        (when!(4 <= open), json!([{ "attr": "open", "gt": 3 }])),
        (when!(4 >= open), json!([{ "attr": "open", "lt": 5 }])),
        (
            when!(-4 < balance),
            json!([{ "attr": "balance", "gt": -4 }]),
        ),
        (when!(MANY < open), json!([{ "attr": "open", "gt": 10 }])),
        (
            when!(u32::MAX > open),
            json!([{ "attr": "open", "lt": u32::MAX }]),
        ),
        (
            when!("ops" == team),
            json!([{ "attr": "team", "eq": "ops" }]),
        ),
    ]);
    assert_eq!(
        lowered(when!("ops" != team)),
        json!([unless(json!([{ "attr": "team", "eq": "ops" }]))])
    );
}

#[test]
fn fractional_bounds_use_equality_as_alternative() {
    assert_eq!(
        lowered(when!(load <= 0.5)),
        json!([any(json!([
            matches(json!([{ "attr": "load", "lt": 0.5 }])),
            matches(json!([{ "attr": "load", "eq": 0.5 }])),
        ]))])
    );
    assert_eq!(
        lowered(when!(mean_days >= 2.0)),
        json!([any(json!([
            matches(json!([{ "attr": "meanDays", "gt": 2.0 }])),
            matches(json!([{ "attr": "meanDays", "eq": 2.0 }])),
        ]))])
    );
}

#[test]
fn operands_match_serde_form() {
    assert_all_match([(when!(share == 0.1), json!([{ "attr": "share", "eq": 0.1 }]))]);
}

#[test]
fn bool_and_text_compare_for_equality() {
    assert_all_match([
        (
            when!(is_configured),
            json!([{ "attr": "isConfigured", "eq": true }]),
        ),
        (
            when!(is_configured == false),
            json!([{ "attr": "isConfigured", "eq": false }]),
        ),
        (
            when!(team == "ops"),
            json!([{ "attr": "team", "eq": "ops" }]),
        ),
        (when!(team == OPS), json!([{ "attr": "team", "eq": "ops" }])),
        (
            when!(r#type == "page"),
            json!([{ "attr": "kind-of", "eq": "page" }]),
        ),
    ]);
    for (test, entries) in [
        (
            when!(!is_configured),
            json!([{ "attr": "isConfigured", "eq": true }]),
        ),
        (
            when!(is_configured != true),
            json!([{ "attr": "isConfigured", "eq": true }]),
        ),
        (when!(open != 4), json!([{ "attr": "open", "eq": 4 }])),
        (when!(!(open > 4)), json!([{ "attr": "open", "gt": 4 }])),
        (
            when!(oldest_days != 4),
            json!([{ "attr": "oldestDays", "eq": 4 }]),
        ),
    ] {
        assert_eq!(lowered(test), json!([unless(entries)]));
    }
    assert_eq!(
        when!(!!is_configured),
        when!(is_configured),
        "two negations are none"
    );
}

#[test]
fn options_compare_by_their_value() {
    assert_all_match([
        (
            when!(oldest_days == 7),
            json!([{ "attr": "oldestDays", "eq": 7 }]),
        ),
        (
            when!(oldest_days > 7),
            json!([{ "attr": "oldestDays", "gt": 7 }]),
        ),
        (
            when!(oldest_days <= 7),
            json!([{ "attr": "oldestDays", "lt": 8 }]),
        ),
        (
            when!(oldest_days >= 7),
            json!([{ "attr": "oldestDays", "gt": 6 }]),
        ),
    ]);
}

#[test]
fn nested_fields_are_paths_of_serialized_names() {
    assert_all_match([
        (
            when!(pager.is_on_call),
            json!([{ "attr": "pager.IS-ON-CALL", "eq": true }]),
        ),
        (
            when!((pager.last).minutes_ago < 5),
            json!([{ "attr": "pager.LAST.minutes_ago", "lt": 5 }]),
        ),
    ]);
}

#[test]
fn enums_compare_by_their_serialized_name() {
    use self::State::Closed;

    assert_all_match([
        (
            when!(state == State::Calm),
            json!([{ "attr": "state", "eq": "CALM" }]),
        ),
        (
            when!(state == WORST),
            json!([{ "attr": "state", "eq": "ON_FIRE" }]),
        ),
        (
            when!(State::InReview == worst_state),
            json!([{ "attr": "worst", "eq": "in review!" }]),
        ),
        (
            when!(state == Closed),
            json!([{ "attr": "state", "eq": "shut" }]),
        ),
        (
            when!(Closed == state),
            json!([{ "attr": "state", "eq": "shut" }]),
        ),
        (
            when!(state == State::r#Else),
            json!([{ "attr": "state", "eq": "ELSE" }]),
        ),
        (
            when!(urgency == Urgency::Low),
            json!([{ "attr": "urgency", "eq": 1 }]),
        ),
        (
            when!(urgency == Urgency::High),
            json!([{ "attr": "urgency", "eq": "!" }]),
        ),
    ]);
    assert_eq!(
        lowered(when!(worst_state != State::OnFire)),
        json!([unless(json!([{ "attr": "worst", "eq": "ON_FIRE" }]))])
    );
    for (state, text) in [
        (State::Calm, "CALM"),
        (State::OnFire, "ON_FIRE"),
        (State::InReview, "in review!"),
        (State::Closed, "shut"),
        (State::r#Else, "ELSE"),
    ] {
        assert_eq!(serde_json::to_value(state).unwrap(), json!(text));
    }
    assert_eq!(
        when!(urgency == Urgency::Nothing).lower(),
        Err(CannotLower::InexactValue {
            attr: "urgency".to_owned()
        })
    );
}

#[test]
fn flattened_fields_lower_to_top_level_attributes() {
    assert_all_match([
        (
            when!(last_build.number > 4),
            json!([{ "attr": "number", "gt": 4 }]),
        ),
        (
            when!(last_build.result.passed),
            json!([{ "attr": "PASSED", "eq": true }]),
        ),
        (
            when!(last_build.result.by.minutes_ago < 4),
            json!([{ "attr": "BY.minutes_ago", "lt": 4 }]),
        ),
        (
            when!(next_build.at > 0.5),
            json!([{ "attr": "at", "gt": 0.5 }]),
        ),
    ]);
}

#[test]
fn host_conditions_lower_to_conditions_of_the_protocol() {
    assert_eq!(
        lowered(when!(
            room::is_public && user::is_admin && user::is_guest && !user::is_room_owner
        )),
        json!([
            { "condition": "room_is_public" },
            { "condition": "user_is_admin" },
            { "condition": "user_is_guest" },
            { "condition": "user_is_room_owner", "invert": true },
        ])
    );
}

#[test]
fn conjunction_is_one_match_and_disjunction_is_a_composite() {
    let open = json!([{ "attr": "open", "gt": 0 }]);
    let team = json!([{ "attr": "team", "eq": "ops" }]);
    let configured = json!([{ "attr": "isConfigured", "eq": true }]);
    for (test, expected) in [
        (
            when!(open > 0 && team == "ops" && room::is_public),
            json!([
                matches(json!([{ "attr": "open", "gt": 0 }, { "attr": "team", "eq": "ops" }])),
                { "condition": "room_is_public" },
            ]),
        ),
        (
            when!(open > 0 || team == "ops" || room::is_public),
            json!([any(json!([
                matches(open.clone()),
                matches(team.clone()),
                { "condition": "room_is_public" },
            ]))]),
        ),
        (
            when!(!(open > 0 && team == "ops")),
            json!([any(json!([unless(open.clone()), unless(team.clone())]))]),
        ),
        (
            when!(!(open > 0 || user::is_guest)),
            json!([unless(open.clone()), { "condition": "user_is_guest", "invert": true }]),
        ),
        (
            when!(open > 0 && team == "ops" || is_configured),
            json!([
                any(json!([matches(open.clone()), matches(configured.clone())])),
                any(json!([matches(team.clone()), matches(configured.clone())])),
            ]),
        ),
        (
            when!(open > 0 && (team == "ops" || is_configured)),
            json!([
                matches(open.clone()),
                any(json!([matches(team), matches(configured.clone())])),
            ]),
        ),
        (
            when!((open > 0 || is_configured) && (is_configured || !is_configured)),
            json!([any(json!([matches(open), matches(configured)]))]),
        ),
    ] {
        assert_eq!(lowered(test.clone()), expected, "{test:?}");
    }
}

#[test]
fn inexact_values_are_refused() {
    let inexact = |attr: &str| {
        Err(CannotLower::InexactValue {
            attr: attr.to_owned(),
        })
    };
    assert_eq!(
        when!(balance > 9_007_199_254_740_992).lower(),
        inexact("balance")
    );
    assert_eq!(
        when!(load < f64::NAN || is_configured).lower(),
        inexact("load")
    );
    assert_eq!(
        when!(balance == i64::MAX || balance != i64::MIN).lower(),
        inexact("balance")
    );
    assert!(when!(balance <= 9_007_199_254_740_991).lower().is_ok());
}

#[test]
fn oversized_condition_is_refused() {
    let too_large = when!(
        open == 1 && is_configured
            || open == 2 && room::is_public
            || open == 3 && user::is_guest
            || open == 4 && user::is_admin
            || open == 5 && team == "a"
            || open == 6 && team == "b"
            || open == 7 && team == "c"
    );
    assert_eq!(too_large.lower(), Err(CannotLower::TooLarge));
}
