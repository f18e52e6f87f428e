//! Compares two descriptors, with one line per difference.

use serde_json::Value;

/// The maximum length of a shown value, in characters.
const LONGEST: usize = 120;

/// Returns the differences between two JSON values. An entry of a list with a `key` or a `url` is
/// compared with the entry of the same key or url, at any position.
pub(super) fn differences(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", old, new, &mut found);
    found
}

fn compare(at: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(olds), Value::Object(news)) => {
            for (name, old) in olds {
                let at = format!("{at}/{name}");
                match news.get(name) {
                    Some(new) => compare(&at, old, new, found),
                    None => found.push(format!("- {at}: {}", short(old))),
                }
            }
            let added = news.iter().filter(|(name, _)| !olds.contains_key(*name));
            found.extend(added.map(|(name, new)| format!("+ {at}/{name}: {}", short(new))));
        }
        (Value::Array(olds), Value::Array(news)) => {
            for old in olds {
                match news.iter().find(|new| is_same_entry(old, new)) {
                    Some(new) => compare(&format!("{at}/{}", name(old)), old, new, found),
                    None => found.push(format!("- {at}/{}: {}", name(old), short(old))),
                }
            }
            let is_new = |new: &&Value| !olds.iter().any(|old| is_same_entry(old, new));
            let added = news.iter().filter(is_new);
            found.extend(added.map(|new| format!("+ {at}/{}: {}", name(new), short(new))));
        }
        _ => found.push(format!("~ {at}: {} -> {}", short(old), short(new))),
    }
}

fn is_same_entry(old: &Value, new: &Value) -> bool {
    let same = |member: &str| old.get(member).is_some() && old.get(member) == new.get(member);
    old == new || same("key") || same("url")
}

/// Returns the key or URL of a list entry as its name.
fn name(entry: &Value) -> String {
    let named = entry.get("key").or(entry.get("url")).unwrap_or(entry);
    named
        .as_str()
        .map_or_else(|| short(named), ToOwned::to_owned)
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_are_compared_by_key_at_any_position() {
        let old = json!({"name": "A", "scopes": ["x"], "glance": [
            {"key": "a", "name": {"value": "A"}}, {"key": "b"}]});
        let new = json!({"name": "A", "scopes": ["x", "y"], "glance": [
            {"key": "c"}, {"key": "a", "name": {"value": "Z"}}], "vendor": 1});
        assert_eq!(
            differences(&old, &new),
            [
                "~ /glance/a/name/value: \"A\" -> \"Z\"",
                "- /glance/b: {\"key\":\"b\"}",
                "+ /glance/c: {\"key\":\"c\"}",
                "+ /scopes/y: \"y\"",
                "+ /vendor: 1",
            ]
        );
        assert!(differences(&new, &new).is_empty());
    }
}
