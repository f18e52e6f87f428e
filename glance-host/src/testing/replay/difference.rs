//! Compares documents, and prints differences for people.

use std::collections::BTreeSet;
use std::fmt;

use glance_sdk::printable::printable;
use serde_json::Value;

use super::ignore::Ignore;

/// The longest printed value, in characters.
const LONGEST: usize = 1000;

/// A difference from the recording.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The call: caller, method and path.
    pub call: String,
    /// The place in the exchange, as a JSON pointer; empty if the call itself differs.
    pub pointer: String,
    /// The recorded value.
    pub recorded: Option<Value>,
    /// The value now.
    pub now: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<Value>| match value {
            Some(value) => printable(&value.to_string()).at_most(LONGEST).to_string(),
            None => "nothing".to_owned(),
        };
        let place = match &*self.pointer {
            "" => "the call itself",
            pointer => pointer,
        };
        writeln!(f, "- {}: {}", printable(&self.call), printable(place))?;
        writeln!(f, "    recorded: {}", said(&self.recorded))?;
        write!(f, "    now:      {}", said(&self.now))
    }
}

/// Returns the differences between `now` and the recording, each with its pointer.
pub(super) fn between(
    pointer: &str,
    recorded: Option<&Value>,
    now: Option<&Value>,
    ignore: &Ignore,
) -> Vec<(String, Option<Value>, Option<Value>)> {
    if ignore.has(pointer) {
        return Vec::new();
    }
    match (recorded, now) {
        (Some(Value::Object(recorded)), Some(Value::Object(now))) => {
            let names: BTreeSet<_> = recorded.keys().chain(now.keys()).collect();
            let of = |name: &String| {
                let pointer = format!("{pointer}/{}", escaped(name));
                between(&pointer, recorded.get(name), now.get(name), ignore)
            };
            names.into_iter().flat_map(of).collect()
        }
        (Some(Value::Array(recorded)), Some(Value::Array(now))) => {
            let of = |at: usize| {
                let pointer = format!("{pointer}/{at}");
                between(&pointer, recorded.get(at), now.get(at), ignore)
            };
            (0..recorded.len().max(now.len())).flat_map(of).collect()
        }
        (Some(recorded), Some(now)) if recorded == now || may_differ(recorded, now) => Vec::new(),
        (None, None) => Vec::new(),
        (recorded, now) => vec![(pointer.to_owned(), recorded.cloned(), now.cloned())],
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Returns whether both are UUIDs or both are times, which count as equal.
fn may_differ(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.as_str(), other.as_str()) else {
        return false;
    };
    let both = |is: fn(&str) -> bool| is(one) && is(other);
    both(|text| uuid::Uuid::try_parse(text).is_ok()) || both(is_time)
}

/// Returns whether a text is a time like `2016-09-09T08:23:02.932694+00:00`.
fn is_time(text: &str) -> bool {
    use time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn places(recorded: &Value, now: &Value, ignore: &Ignore) -> Vec<String> {
        let found = between("", Some(recorded), Some(now), ignore);
        found.into_iter().map(|(pointer, _, _)| pointer).collect()
    }

    #[test]
    fn printed_values_are_escaped_and_truncated() {
        let bad = format!("\u{1b}[2J\u{202e}{}", "x".repeat(300_000));
        let shown = Difference {
            call: bad.clone(),
            pointer: bad.clone(),
            recorded: Some(bad.into()),
            now: None,
        }
        .to_string();
        assert!(shown.len() < 2000 && shown.lines().count() == 3, "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }

    #[test]
    fn differences_have_pointers_and_can_be_ignored() {
        let recorded = json!({ "a": [1, { "b/c": 2, "~": 3 }], "d": null, "same": "x" });
        let now = json!({ "a": [1, { "b/c": 4 }, 5], "e": null, "same": "x" });
        let none = Ignore::default();
        assert_eq!(
            places(&recorded, &now, &none),
            ["/a/1/b~1c", "/a/1/~0", "/a/2", "/d", "/e"]
        );
        let mut ignore = Ignore::default();
        ignore.add("/a/*/b~1c".to_owned());
        ignore.add("/e".to_owned());
        assert_eq!(places(&recorded, &now, &ignore), ["/a/1/~0", "/a/2", "/d"]);
        ignore.add("/a".to_owned());
        assert_eq!(places(&recorded, &now, &ignore), ["/d"]);
    }

    #[test]
    fn ids_and_times_may_differ() {
        for (recorded, now, is_same) in [
            (
                "4f0c4f30-97a4-4b1d-9d5c-0a3c1d7be001",
                "0a3c1d7b-97a4-4b1d-9d5c-4f0c4f30e002",
                true,
            ),
            (
                "2016-09-09T08:23:02.932694+00:00",
                "2026-01-01T00:00:00Z",
                true,
            ),
            ("2016-09-09T08:23:02.932694+00:00", "yesterday", false),
            (
                "4f0c4f30-97a4-4b1d-9d5c-0a3c1d7be001",
                "2016-09-09T08:23:02Z",
                false,
            ),
            ("1", "2", false),
        ] {
            let found = places(&json!(recorded), &json!(now), &Ignore::default());
            assert_eq!(found.is_empty(), is_same, "{recorded} {now}");
        }
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z/~]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z/~]{0,2}", inner, 0..4)
                    .prop_map(|members| Value::from(serde_json::Map::from_iter(members))),
            ]
        })
    }

    proptest! {
        #[test]
        fn differences_are_complete_and_at_their_pointers(
            recorded in document(), now in document(),
        ) {
            let none = Ignore::default();
            prop_assert!(places(&recorded, &recorded, &none).is_empty());
            let found = between("", Some(&recorded), Some(&now), &none);
            prop_assert_eq!(found.is_empty(), recorded == now);
            for (pointer, before, after) in found {
                prop_assert_eq!(recorded.pointer(&pointer), before.as_ref());
                prop_assert_eq!(now.pointer(&pointer), after.as_ref());
                let mut ignore = Ignore::default();
                ignore.add(pointer.clone());
                prop_assert!(!places(&recorded, &now, &ignore).contains(&pointer));
            }
        }
    }
}
