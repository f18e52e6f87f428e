//! Addresses with `{dotted.path}` variables, which are filled when a page opens.

use std::fmt::Write;

use reqwest::Url;
use serde_json::Value;
use url::Position;

/// The longest filled address, in bytes. With a token and a theme it stays below 16 KB, which servers accept.
const MAX_BYTES: usize = 14 * 1024;

/// A filled address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) url: String,
    /// Whether values were truncated to keep it short.
    pub(super) is_truncated: bool,
}

/// Fills the variables of an address: percent-encoded, objects as JSON, missing ones empty. Variables are allowed
/// only after the host name, so a value does not choose who gets the token. If the address becomes too long, the
/// longest values are truncated first. Errors do not contain the address, which may hold a secret.
pub(super) fn fill(template: &str, values: &Value) -> Result<Filled, String> {
    let site = site_end(template);
    if template[..site].contains('{') {
        return Err("Its address has a variable in its site, where none may stand".to_owned());
    }
    let parts = parts(&template[site..], values);
    let with_values_up_to = |longest: usize| {
        let mut url = template[..site].to_owned();
        for part in &parts {
            match part {
                Part::Literal(text) => url.push_str(text),
                Part::Value(text) => encode(truncated(text, longest), &mut url),
            }
        }
        url
    };
    let without_values = with_values_up_to(0);
    let plain = read(&without_values)?;
    let literal = plain.as_str().len().max(without_values.len());
    let Some(room) = MAX_BYTES.checked_sub(literal) else {
        return Err("Its address is longer than 14 KB before it is filled".to_owned());
    };
    let values = parts.iter().filter_map(|part| match part {
        Part::Literal(_) => None,
        Part::Value(text) => Some(length(text)),
    });
    let longest = longest(values.collect(), room);
    let url = with_values_up_to(longest.unwrap_or(usize::MAX));
    // Parsers skip some characters, so they may read as a host name what looks like a path.
    if origin(&read(&url)?) != origin(&plain) {
        return Err("Its address has a variable in its site, where none may stand".to_owned());
    }
    Ok(Filled {
        url,
        is_truncated: longest.is_some(),
    })
}

fn read(address: &str) -> Result<Url, String> {
    Url::parse(address).map_err(|cause| format!("Its address cannot be filled: {cause}"))
}

/// Returns everything before the path.
fn origin(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

enum Part<'t> {
    Literal(&'t str),
    Value(String),
}

fn parts<'t>(mut rest: &'t str, values: &Value) -> Vec<Part<'t>> {
    let mut parts = Vec::new();
    while let Some((before, after)) = rest.split_once('{') {
        parts.push(Part::Literal(before));
        match after.split_once('}') {
            Some((path, behind)) if !path.contains('{') => {
                parts.push(Part::Value(text(find(values, path.trim()))));
                rest = behind;
            }
            _ => {
                parts.push(Part::Literal("{"));
                rest = after;
            }
        }
    }
    parts.push(Part::Literal(rest));
    parts
}

/// Returns the length to which the longest of these have to be cut so that all fit; `None` if they fit already.
fn longest(mut lengths: Vec<usize>, mut room: usize) -> Option<usize> {
    lengths.sort_unstable();
    for (index, length) in lengths.iter().enumerate() {
        let each = room / (lengths.len() - index);
        if *length > each {
            return Some(each);
        }
        room -= length;
    }
    None
}

/// Returns the beginning of a text whose encoded form has at most this length.
fn truncated(text: &str, longest: usize) -> &str {
    let mut length = 0;
    for (at, char) in text.char_indices() {
        length += self::length(&text[at..at + char.len_utf8()]);
        if length > longest {
            return &text[..at];
        }
    }
    text
}

/// Returns where the path begins, after scheme and host.
fn site_end(template: &str) -> usize {
    let begin = template.find("://").map_or(0, |at| at + 3);
    let end = template[begin..].find(['/', '?', '#']);
    end.map_or(template.len(), |at| begin + at)
}

fn find<'v>(values: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(values, |value, name| match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Returns the length of an encoded text, in bytes.
fn length(text: &str) -> usize {
    let of = |byte| {
        if is_plain(byte) && byte != b'\'' {
            1
        } else {
            3
        }
    };
    text.bytes().map(of).sum()
}

/// The characters that JavaScript's `encodeURIComponent` leaves alone. The URL parser still encodes an apostrophe in
/// a query.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

/// Encodes a text like JavaScript's `encodeURIComponent`.
fn encode(text: &str, into: &mut String) {
    // As path segments these would leave the folder that the author wrote.
    if text == "." || text == ".." {
        return;
    }
    for byte in text.bytes() {
        match is_plain(byte) {
            true => into.push(char::from(byte)),
            // Writing into a string cannot fail.
            false => drop(write!(into, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_are_filled_from_the_values() {
        let values = json!({
            "jobId": "a b/c?d&e", "n": 4, "no": null, "up": "..", "list": ["x"],
            "message": { "sender": { "id": 7, "name": "Ann é" }, "metadata": { "a": 1 } },
        });
        let site = "https://add-on.example.com";
        for (template, filled) in [
            ("/job/{jobId}", "/job/a%20b%2Fc%3Fd%26e"),
            ("/{n}?by={message.sender.name}", "/4?by=Ann%20%C3%A9"),
            ("/{message.sender.id}/{list.0}", "/7/x"),
            ("/m/{message.metadata}", "/m/%7B%22a%22%3A1%7D"),
            ("/[{gone}{no}{message.x.y}]", "/[]"),
            ("/{up}/x", "//x"),
            ("/{ n }/{}", "/4/"),
            ("/{open", "/{open"),
            ("/{a{n}}", "/{a4}"),
            ("", ""),
        ] {
            let filled = format!("{site}{filled}");
            let expected = Filled {
                url: filled,
                is_truncated: false,
            };
            assert_eq!(fill(&format!("{site}{template}"), &values), Ok(expected));
        }
    }

    #[test]
    fn long_values_are_truncated_between_characters_and_short_ones_are_not() {
        let site = "https://add-on.example.com";
        for long in ["a".repeat(20_000), "€".repeat(20_000), "'".repeat(20_000)] {
            let values = json!({ "long": long, "other": long, "short": "b&c" });
            let template = format!("{site}/{{short}}?l={{long}}&o={{other}}");
            let filled = fill(&template, &values).unwrap();
            assert!(filled.is_truncated);
            let url = Url::parse(&filled.url).unwrap();
            assert!(url.as_str().len() <= MAX_BYTES);
            assert!(
                url.as_str().len() > MAX_BYTES - 20,
                "all of the room is used"
            );
            assert_eq!(url.path(), "/b%26c");
            let values: Vec<_> = url.query_pairs().map(|(_, value)| value).collect();
            assert!(values.iter().all(|value| long.starts_with(&**value)));
            assert!(values[0].len().abs_diff(values[1].len()) <= 3);
        }
        let fits = json!({ "long": "a".repeat(10_000) });
        let filled = fill(&format!("{site}/?l={{long}}"), &fits).unwrap();
        assert!(!filled.is_truncated && filled.url.len() > 10_000);
        let dots = json!({ "dot": ".a", "long": "a".repeat(20_000) });
        let template = format!("{site}/{}{{dot}}", "x/".repeat(7_154));
        assert_eq!(fill(&template, &dots).unwrap().url.len(), MAX_BYTES - 1);
        let template = format!("{site}/{}?l={{long}}", "x".repeat(MAX_BYTES));
        assert!(fill(&template, &fits).is_err());
    }

    #[test]
    fn a_variable_does_not_choose_the_site() {
        let values = json!({ "site": "evil.example.com" });
        for template in [
            "https://{site}/x",
            "{site}",
            "https://a.{site}",
            "https:/{site}/x",
            "https:\\{site}/x",
            "https://\t/{site}/x",
            "https:\n//{site}/x",
        ] {
            assert!(fill(template, &values).is_err(), "{template}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_filled_in_stays_one_step_of_the_path(value in ".*") {
            let filled = fill("https://a.example.com/in/{v}/end?q={v}#f", &json!({ "v": value })).unwrap();
            let url = Url::parse(&filled.url).unwrap();
            prop_assert_eq!(url.host_str(), Some("a.example.com"));
            let steps: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!((steps.len(), steps[0], steps[2]), (3, "in", "end"));
            prop_assert_eq!(url.fragment(), Some("f"));
            let expected = if value == "." || value == ".." { String::new() } else { value };
            let found = url.query_pairs().next().unwrap().1.into_owned();
            // Queries are parsed as forms, and the encoder never writes a plus for a space.
            prop_assert_eq!(found, expected);
        }
    }
}
