//! Rust code with text from a descriptor, which is always escaped within literals.

use std::collections::HashSet;

use serde_json::Value;

/// The maximum length of a line in rustfmt, in characters.
const MAX_LINE: usize = 100;

/// Returns a string literal.
pub(super) fn literal(text: &str) -> String {
    // `Debug` escapes everything that rustc requires: quotes, control and bidirectional characters.
    format!("{text:?}")
}

/// Returns JSON as an ASCII raw string literal.
pub(super) fn json_literal(value: &Value) -> String {
    raw_literal(&value.to_string())
}

/// Returns JSON as a raw string literal with several lines.
pub(super) fn json_lines(value: &Value) -> String {
    raw_literal(&format!("{value:#}"))
}

fn raw_literal(json: &str) -> String {
    let mut ascii = String::new();
    for letter in json.chars() {
        match letter {
            // Within JSON strings it would be escaped already.
            ' '..='~' | '\n' => ascii.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    ascii += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    // A quote followed by as many marks would end the literal.
    let longest = ascii
        .split('"')
        .skip(1)
        .map(|behind| behind.len() - behind.trim_start_matches('#').len())
        .max();
    let marks = "#".repeat(longest.unwrap_or(0) + 1);
    format!("r{marks}\"{ascii}\"{marks}")
}

/// Returns an attribute, on several lines if it is long: rustfmt does not break all of them.
pub(super) fn attribute(name: &str, arguments: &[String]) -> String {
    let line = format!("#[{name}({})]", arguments.join(", "));
    match line.chars().count() > MAX_LINE {
        true => format!("#[{name}(\n    {}\n)]", arguments.join(",\n    ")),
        false => line,
    }
}

/// The used names of functions and of types.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Returns an unused name for the item with this key, in snake case with a suffix for its kind.
    /// The suffix also distinguishes it from keywords, built-in types and imports.
    pub(super) fn function(&mut self, key: &str, suffix: &str) -> String {
        let mut name = snake(key);
        if !name.ends_with(&format!("_{suffix}")) {
            name = format!("{name}_{suffix}");
        }
        self.free(name, "_")
    }

    /// Returns an unused name for a constant.
    pub(super) fn constant(&mut self, key: &str) -> String {
        self.free(snake(key).to_ascii_uppercase(), "_")
    }

    /// Returns an unused name for a type of the item with this key.
    pub(super) fn structure(&mut self, key: &str, suffix: &str) -> String {
        let words = snake(key);
        let mut name = String::new();
        for word in words.split('_') {
            let (first, rest) = word.split_at(word.len().min(1));
            name += &first.to_ascii_uppercase();
            name += rest;
        }
        self.free(name + suffix, "")
    }

    fn free(&mut self, name: String, mark: &str) -> String {
        let mut free = name.clone();
        let mut number = 1;
        while !self.taken.insert(free.clone()) {
            number += 1;
            free = format!("{name}{mark}{number}");
        }
        free
    }
}

/// Joins ASCII words with single underscores, starting with a letter: `serverStatus.glance` becomes
/// `server_status_glance`.
pub(super) fn snake(key: &str) -> String {
    let mut name = String::new();
    let mut is_lower = false;
    for letter in key.chars() {
        match letter {
            'A'..='Z' => {
                if is_lower {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            'a'..='z' | '0'..='9' => name.push(letter),
            _ if name.is_empty() || name.ends_with('_') => {}
            _ => name.push('_'),
        }
        is_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
    }
    let name = name.trim_end_matches('_');
    match name.bytes().next() {
        None => "unnamed".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("n{name}"),
        Some(_) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_literals_are_ascii_and_escaped() {
        for (value, expected) in [
            (json!("a"), r##"r#""a""#"##),
            (
                json!("a\"#b"),
                r##"r#""a\"#b""#"##
                    .replace("r#", "r##")
                    .replace("\"\"#", "\"\"##")
                    .as_str(),
            ),
            (json!("\u{202e}\n"), r##"r#""\u202e\n""#"##),
            (json!({"😀\u{7f}": 1}), r##"r#"{"\ud83d\ude00\u007f":1}"#"##),
        ] {
            assert_eq!(json_literal(&value), expected);
        }
        let marks = json_literal(&json!({ "#": "\"###\"" }));
        assert!(
            marks.starts_with("r####\"") && marks.ends_with("\"####"),
            "{marks}"
        );
    }

    #[test]
    fn names_are_unique_identifiers() {
        let mut names = Names::default();
        for (key, expected) in [
            ("dayscore-glance", "dayscore_glance"),
            ("serverStatus.glance", "server_status_glance"),
            ("type", "type_glance"),
            ("glance", "glance_glance"),
            ("Type", "type_glance_2"),
            ("3d--_.x", "n3d_x_glance"),
            ("...", "unnamed_glance"),
            ("ünï", "n_glance"),
        ] {
            assert_eq!(names.function(key, "glance"), expected);
        }
        assert_eq!(
            names.structure("my-builds.x", "Metadata"),
            "MyBuildsXMetadata"
        );
        assert_eq!(
            names.structure("myBuilds-x", "Metadata"),
            "MyBuildsXMetadata2"
        );
    }
}
