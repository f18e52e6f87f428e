//! Descriptor templates, whose placeholders, such as `{{localBaseUrl}}`, a framework fills in when
//! it serves them.

use std::collections::BTreeMap;

/// The delimiters of placeholders, the longer ones first.
const MARKS: [(&str, &str); 4] = [("{{{", "}}}"), ("{{", "}}"), ("${", "}"), ("<%=", "%>")];

/// The maximum length of a placeholder, in bytes.
const LONGEST: usize = 64;

/// Parts of the names of placeholders for addresses.
const ADDRESSES: [&str; 6] = ["address", "base", "domain", "host", "ur", "server"];

/// A text after filling in its placeholders.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) text: String,
    /// The placeholders with their replacements.
    pub(super) placeholders: BTreeMap<String, String>,
}

/// Fills in the placeholders in the strings of a JSON text: those for addresses with the base URL,
/// which has no trailing slash, and all others with their name.
pub(super) fn fill(text: &str, base_url: &str) -> Filled {
    let mut filled = Filled {
        text: String::with_capacity(text.len()),
        placeholders: BTreeMap::new(),
    };
    let mut is_string = false;
    let mut starts = false;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if is_string && let Some((whole, name)) = placeholder(rest) {
            let is_authority = filled.text.ends_with("://");
            let behind = &rest[whole.len()..];
            let is_address = is_address(name) || (starts && behind.starts_with('/'));
            let value = match base_url.split_once("://") {
                Some((_, authority)) if is_authority => authority,
                _ if is_address => base_url,
                _ => name,
            };
            filled.text += value;
            filled
                .placeholders
                .insert(whole.to_owned(), value.to_owned());
            rest = behind;
            starts = false;
            continue;
        }
        let length = match letter {
            '\\' if is_string => {
                letter.len_utf8() + rest[1..].chars().next().map_or(0, char::len_utf8)
            }
            _ => letter.len_utf8(),
        };
        is_string ^= letter == '"';
        starts = letter == '"' && is_string;
        filled.text += &rest[..length];
        rest = &rest[length..];
    }
    filled
}

/// Returns the placeholder at the start of a text, and its name.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    MARKS.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?;
        let end = inner.find(close).filter(|end| *end <= LONGEST)?;
        let name = inner[..end].split('|').next().unwrap_or_default();
        let name = name.trim().trim_start_matches('.');
        let mut letters = name.chars();
        let is_name = letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        is_name.then(|| (&text[..open.len() + end + close.len()], name))
    })
}

fn is_address(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ADDRESSES.iter().any(|part| match *part {
        "ur" => name.ends_with("url") || name.ends_with("uri"),
        part => name.contains(part),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_every_framework_are_filled() {
        for (text, expected) in [
            (r#""{{localBaseUrl}}/x""#, r#""https://a.example/x""#),
            (r#""{{{localBaseUrl}}}""#, r#""https://a.example""#),
            (r#""{{ base_url|safe }}/x""#, r#""https://a.example/x""#),
            (r#""{{.LocalBaseUrl}}/x""#, r#""https://a.example/x""#),
            (r#""${host}/x""#, r#""https://a.example/x""#),
            (r#""https://{{SERVER_NAME}}/x""#, r#""https://a.example/x""#),
            (r#""<%= root %>/x""#, r#""https://a.example/x""#),
            (r#""com.example.{{ name }}""#, r#""com.example.name""#),
            (r#""a \" {{name}}""#, r#""a \" name""#),
        ] {
            assert_eq!(fill(text, "https://a.example").text, expected, "{text}");
        }
    }

    #[test]
    fn other_text_is_unchanged() {
        for text in [
            r#"{"a": {"b": {}}}"#,
            r#"{"pattern": "^\\d{2}$"}"#,
            r#"{"pattern": "\\{\\{x y\\}\\}"}"#,
            r#"{"a": "{{#if x}}y{{/if}}"}"#,
            r#"{{outside}}"#,
            r#""{{unfinished"#,
            "\"ü\\",
        ] {
            let filled = fill(text, "https://a.example");
            assert_eq!(filled.text, text);
            assert_eq!(filled.placeholders, BTreeMap::new());
        }
    }
}
