//! Notes on a comparison that its two values do not explain: strings compared as strings, rounded
//! numbers, strings that are not numbers, and the place where two strings differ.

use serde_json::Value;

use super::entry::Operator;
use super::javascript::{as_text, to_number};
use super::quote::{MAX_CHARS, quote_value};
use crate::printable::acts;

/// Returns the notes on a comparison of a found value, each with a comma before it.
pub(super) fn notes(found: &Value, operator: Operator, operand: &Value) -> String {
    let mut notes = Vec::new();
    match operator {
        Operator::Eq => {
            if operand.is_array() || operand.is_object() {
                notes.push("which nothing equals".to_owned());
            }
            if let (Value::String(found), Value::String(operand)) = (found, operand) {
                notes.extend(difference(found, operand));
            }
            notes.extend([found, operand].into_iter().filter_map(rounded));
        }
        Operator::Lt | Operator::Gt if as_text(found).and(as_text(operand)).is_some() => {
            notes.push("compared as text".to_owned());
        }
        Operator::Lt | Operator::Gt => {
            for value in [found, operand] {
                if to_number(value).is_nan() {
                    notes.push(format!("and {} is no number", quote_value(value)));
                }
                notes.extend(rounded(value));
            }
        }
    }
    notes.iter().map(|note| format!(", {note}")).collect()
}

/// Returns a note if JavaScript rounds this whole number.
fn rounded(value: &Value) -> Option<String> {
    let number: i128 = match value {
        Value::Number(_) => value.to_string().parse().ok()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let counts_as = number as f64 as i128;
    (counts_as != number).then(|| format!("where {number} counts as {counts_as}"))
}

/// Returns a note on the place where two strings differ, if readers would not see it: beyond the cut,
/// in blanks or invisible characters, or in letters beyond ASCII.
fn difference(found: &str, operand: &str) -> Option<String> {
    let at = found
        .chars()
        .zip(operand.chars())
        .take_while(|(one, other)| one == other)
        .count();
    let letters = [found, operand].map(|text| text.chars().nth(at));
    let is_long = [found, operand]
        .iter()
        .any(|text| text.chars().nth(MAX_CHARS).is_some());
    let looks_alike = letters.iter().flatten().any(|letter| !letter.is_ascii())
        || visible(found).eq(visible(operand));
    if letters == [None, None] || !(is_long || looks_alike) {
        return None;
    }
    let [one, other] = letters.map(|letter| match letter {
        Some(letter) => format!("U+{:04X}", u32::from(letter)),
        None => "the end".to_owned(),
    });
    Some(format!(
        "which differ at character {}: {one} and {other}",
        at + 1
    ))
}

/// Returns the visible letters of a string.
fn visible(text: &str) -> impl Iterator<Item = char> {
    let is_blank =
        |it: &char| it.is_whitespace() || acts(*it) || ('\u{200b}'..='\u{200d}').contains(it);
    text.chars().filter(move |it| !is_blank(it))
}
