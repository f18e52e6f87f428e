//! Where in a JSON text something stands.

use serde_json::value::RawValue;

/// A line and a column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// Where the value stands that a JSON pointer names; where it is missing, the object that
    /// should have it.
    pub(super) fn of(text: &str, pointer: &str) -> Self {
        let mut offset = text.len() - text.trim_start().len();
        let mut value = &text[offset..];
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            match member(value, &name) {
                Some(inner) => {
                    // A raw value is a part of the text it was read from.
                    offset += inner.as_ptr().addr() - value.as_ptr().addr();
                    value = inner;
                }
                None => break,
            }
        }
        Self::at(text, offset)
    }

    fn at(text: &str, offset: usize) -> Self {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The line with a mark under the place, as rustc shows it.
    pub(super) fn shown(self, source: &str, text: &str, note: &str) -> String {
        let Self { line, column } = self;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let content = text.lines().nth(line - 1).unwrap_or_default();
        // A minified document is one long line: the part around the place is enough.
        let start = column.saturating_sub(60);
        let part: String = content.chars().skip(start).take(100).collect();
        let part = part.replace('\t', " ");
        let mark = " ".repeat(column - 1 - start);
        format!(
            "{margin}--> {source}:{line}:{column}\n{margin} |\n{number} | {part}\n{margin} | {mark}^ {note}\n"
        )
    }
}

/// A member of an object or an entry of a list, as the text it is.
fn member<'t>(value: &'t str, name: &str) -> Option<&'t str> {
    use std::collections::HashMap;

    let members: Result<HashMap<String, &'t RawValue>, _> = serde_json::from_str(value);
    if let Ok(members) = members {
        return members.get(name).map(|member| member.get());
    }
    let entries: Vec<&'t RawValue> = serde_json::from_str(value).ok()?;
    entries
        .get(name.parse::<usize>().ok()?)
        .map(|entry| entry.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\n{\n  \"ü\": [1, {\"a/b\": true}],\n  \"c\": {}\n}\n";

    #[test]
    fn a_pointer_leads_to_its_value_or_to_where_it_is_missing() {
        for (pointer, line, column) in [
            ("", 2, 1),
            ("/ü", 3, 8),
            ("/ü/1", 3, 12),
            ("/ü/1/a~1b", 3, 20),
            ("/ü/7", 3, 8),
            ("/c", 4, 8),
            ("/c/d/e", 4, 8),
            ("/x", 2, 1),
        ] {
            assert_eq!(
                Place::of(TEXT, pointer),
                Place { line, column },
                "{pointer}"
            );
        }
    }

    #[test]
    fn the_place_is_marked() {
        assert_eq!(
            Place::of(TEXT, "/c").shown("a.json", TEXT, "/c"),
            " --> a.json:4:8\n  |\n4 |   \"c\": {}\n  |        ^ /c\n"
        );
        let long = format!("{{\"x\": \"{}\", \"y\": 1}}", "é".repeat(500));
        let shown = Place::of(&long, "/y").shown("a.json", &long, "/y");
        assert!(
            shown.lines().all(|line| line.chars().count() < 120),
            "{shown}"
        );
    }
}
