//! What a comparison did that its two values do not show: texts compared as text, numbers rounded,
//! texts that are no numbers, and where two texts differ.

use serde_json::Value;

use super::entry::Operator;
use super::javascript::{as_text, to_number};
use super::sentence::{MAX_CHARS, short};
use crate::printable::acts;

/// The notes on a comparison of a value that was found, each with a comma before it.
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
                    notes.push(format!("and {} is no number", short(value)));
                }
                notes.extend(rounded(value));
            }
        }
    }
    notes.iter().map(|note| format!(", {note}")).collect()
}

/// A whole number that JavaScript cannot hold.
fn rounded(value: &Value) -> Option<String> {
    let number: i128 = match value {
        Value::Number(_) => value.to_string().parse().ok()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let counts_as = number as f64 as i128;
    (counts_as != number).then(|| format!("where {number} counts as {counts_as}"))
}

/// Where two texts differ, if that is hard to see: what is shown of them is cut, they differ in
/// blanks or in what is not shown, or in letters beyond ASCII.
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

/// The letters of a text that somebody can see.
fn visible(text: &str) -> impl Iterator<Item = char> {
    let is_blank =
        |it: &char| it.is_whitespace() || acts(*it) || ('\u{200b}'..='\u{200d}').contains(it);
    text.chars().filter(move |it| !is_blank(it))
}
