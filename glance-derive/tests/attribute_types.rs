//! Tests that each type of an attribute compares with the right type of value.

use std::borrow::Cow;
use std::num::{NonZeroI64, NonZeroU32, NonZeroUsize};
use std::sync::Arc;

use glance_sdk::glance::Glance;
use glance_sdk::metadata::Test;
use glance_sdk::model::GroupId;
use glance_sdk::prelude::*;
use serde_json::{Value, json};

/// Implements `Serialize` by hand, because serde serializes an `Arc` only with the feature `rc`.
#[derive(GlanceMetadata)]
#[allow(dead_code)]
struct Types {
    count: usize,
    offset: isize,
    team: Cow<'static, str>,
    branch: Arc<str>,
    tag: Box<str>,
    build: NonZeroU32,
    queue: NonZeroUsize,
    balance: NonZeroI64,
    room: RoomId,
    user: UserId,
    group: GroupId,
    installation: OauthId,
}

impl Serialize for Types {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("count", self.count)])
    }
}

macro_rules! when {
    ($($when:tt)*) => {{
        #[glance(key = "types", name = "Types", icon = "/types.svg", when($($when)*))]
        async fn types() -> GlanceData<Types> {
            unreachable!()
        }
        <types as Glance>::when().unwrap()
    }};
}

fn lowered(test: Test) -> Value {
    serde_json::to_value(test.lower().unwrap()).unwrap()
}

fn matches(entry: Value) -> Value {
    json!({ "condition": "glance_matches", "params": { "metadata": [entry] } })
}

#[test]
fn attributes_of_every_type_compare() {
    for (test, entry) in [
        (when!(count > 0), json!({ "attr": "count", "gt": 0 })),
        (when!(offset <= -4), json!({ "attr": "offset", "lt": -3 })),
        (when!(team == "ops"), json!({ "attr": "team", "eq": "ops" })),
        (
            when!(branch == "main"),
            json!({ "attr": "branch", "eq": "main" }),
        ),
        (when!(tag == "v1"), json!({ "attr": "tag", "eq": "v1" })),
        (when!(build >= 7), json!({ "attr": "build", "gt": 6 })),
        (when!(queue < 7), json!({ "attr": "queue", "lt": 7 })),
        (when!(balance == -7), json!({ "attr": "balance", "eq": -7 })),
        (
            when!(installation == "one"),
            json!({ "attr": "installation", "eq": "one" }),
        ),
    ] {
        assert_eq!(lowered(test), json!([matches(entry)]));
    }
}

/// Hosts write an id as a number or as a string of digits.
#[test]
fn ids_compare_as_numbers_and_as_strings() {
    for (test, attr) in [
        (when!(room == 42), "room"),
        (when!(user == 42), "user"),
        (when!(group == 42), "group"),
    ] {
        let forms = [
            json!({ "attr": attr, "eq": 42 }),
            json!({ "attr": attr, "eq": "42" }),
        ];
        let expected = json!([{ "type": "or", "conditions": forms.map(matches) }]);
        assert_eq!(lowered(test), expected);
    }
}

#[test]
fn numbers_beyond_the_exact_range_are_refused() {
    assert!(when!(count == usize::MAX).lower().is_err());
    assert!(when!(room == u64::MAX).lower().is_err());
}
