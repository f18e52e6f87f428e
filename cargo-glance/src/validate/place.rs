//! Shows a position in a JSON text like rustc.

use glance_sdk::json::Place;
use glance_sdk::printable::printable;

/// Returns the line with a mark under the position.
pub(super) fn shown(place: Place, source: &str, text: &str, note: &str) -> String {
    let Place { line, column, .. } = place;
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let content = text.lines().nth(line - 1).unwrap_or_default();
    // A minified document is one long line, so only the part around the position is shown.
    let start = column.saturating_sub(60);
    let before = visible(content.chars().skip(start).take(column - 1 - start));
    let after = visible(
        content
            .chars()
            .skip(column - 1)
            .take(100 - (column - 1 - start)),
    );
    let mark = " ".repeat(before.chars().count());
    let (source, note) = (printable(source), printable(note));
    format!(
        "{margin}--> {source}:{line}:{column}\n{margin} |\n{number} | {before}{after}\n{margin} | {mark}^ {note}\n"
    )
}

fn visible(part: impl Iterator<Item = char>) -> String {
    let part: String = part.map(|it| if it == '\t' { ' ' } else { it }).collect();
    printable(&part).to_string()
}

#[cfg(test)]
mod tests {
    use glance_sdk::json::Document;

    use super::*;

    fn mark(text: &str, pointer: &str) -> String {
        let document = Document::read(text.as_bytes()).unwrap();
        shown(document.place(pointer), "a.json", text, pointer)
    }

    #[test]
    fn position_is_marked() {
        assert_eq!(
            mark(
                "\n{\n  \"ü\": [1, {\"a/b\": true}],\n  \"c\": {}\n}\n",
                "/c"
            ),
            " --> a.json:4:8\n  |\n4 |   \"c\": {}\n  |        ^ /c\n"
        );
        let long = format!("{{\"x\": \"{}\", \"y\": 1}}", "é".repeat(500));
        let shown = mark(&long, "/y");
        assert!(
            shown.lines().all(|line| line.chars().count() < 120),
            "{shown}"
        );
    }

    #[test]
    fn control_characters_are_escaped() {
        let shown = mark("{\t\"a\u{202e}\": \"b\u{7f}\"}", "/a\u{202e}");
        assert_eq!(
            shown,
            " --> a.json:1:9\n  |\n1 | { \"a\\u{202e}\": \"b\\u{7f}\"}\n  |                ^ /a\\u{202e}\n"
        );
    }
}
