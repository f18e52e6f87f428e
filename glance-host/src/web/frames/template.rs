//! Addresses with `{dotted.path}` variables, filled when a page is opened.

use reqwest::Url;
use serde_json::Value;
use url::Position;

/// Fills the variables of an address: percent-encoded, objects as JSON, missing ones empty. They
/// stand behind the site's name only: what somebody wrote does not choose who gets the token. What
/// goes wrong does not name the address, which may hold a secret.
pub(super) fn fill(template: &str, values: &Value) -> Result<String, String> {
    let site = site_end(template);
    if template[..site].contains('{') {
        return Err("Its address has a variable in its site, where none may stand".to_owned());
    }
    let (site, rest) = template.split_at(site);
    let filled = read(&replace(site, rest, values))?;
    // Parsers skip some characters, so that what looks like a path may be read as the site.
    if origin(&filled) != origin(&read(&replace(site, rest, &Value::Null))?) {
        return Err("Its address has a variable in its site, where none may stand".to_owned());
    }
    Ok(replace(site, rest, values))
}

/// Fills the variables of what stands behind the site.
fn replace(site: &str, mut rest: &str, values: &Value) -> String {
    let mut filled = site.to_owned();
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((path, behind)) if !path.contains('{') => {
                filled.push_str(&encode(&text(find(values, path.trim()))));
                rest = behind;
            }
            _ => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn read(address: &str) -> Result<Url, String> {
    Url::parse(address).map_err(|cause| format!("Its address cannot be filled: {cause}"))
}

/// Everything before the path.
fn origin(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

/// Where the path begins, behind scheme and site.
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
        // As a step of a path these would lead out of the folder that the author wrote.
        Some(Value::String(text)) if text == "." || text == ".." => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// As JavaScript's `encodeURIComponent`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
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
            assert_eq!(fill(&format!("{site}{template}"), &values), Ok(filled));
        }
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
            let url = Url::parse(&filled).unwrap();
            prop_assert_eq!(url.host_str(), Some("a.example.com"));
            let steps: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!((steps.len(), steps[0], steps[2]), (3, "in", "end"));
            prop_assert_eq!(url.fragment(), Some("f"));
            let expected = if value == "." || value == ".." { String::new() } else { value };
            let found = url.query_pairs().next().unwrap().1.into_owned();
            // A query reads as a form: nothing that we write stands for a space.
            prop_assert_eq!(found, expected);
        }
    }
}
