//! Translates Python's regular expressions to the syntax of this host's engine.

use std::iter::Peekable;
use std::str::Chars;

/// Writes Python's syntax as that of the crate `regex`, where the two differ.
pub(super) fn translate(pattern: &str) -> String {
    let mut written = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest, &mut written, false),
            '[' => class(&mut rest, &mut written),
            '{' => repetition(&mut rest, &mut written),
            '(' => group(&mut rest, &mut written),
            _ => written.push(c),
        }
    }
    written
}

type Rest<'p> = Peekable<Chars<'p>>;

/// Translates an escape. In Python a backslash makes most letters and all punctuation literal.
fn escape(rest: &mut Rest<'_>, written: &mut String, in_class: bool) {
    match rest.next() {
        Some('b') if in_class => written.push_str(r"\x08"),
        Some('Z') if !in_class => written.push_str(r"\z"),
        Some('0') => {
            let mut code = 0;
            for _ in 0..2 {
                let Some(digit) = rest.peek().and_then(|c| c.to_digit(8)) else {
                    break;
                };
                code = code * 8 + digit;
                rest.next();
            }
            written.push_str(&format!(r"\x{{{code:x}}}"));
        }
        // From Perl: one framework writes `\uXXXX` so.
        Some('x') if rest.peek() == Some(&'{') => {
            written.push_str(r"\x");
            for c in rest.by_ref() {
                written.push(c);
                if c == '}' {
                    break;
                }
            }
        }
        // A letter with a meaning, a digit that refers back (which is refused), or the end.
        Some(c @ ('a' | 'd' | 'f' | 'n' | 'r' | 's' | 't' | 'v' | 'w' | 'x' | 'u' | 'U'))
        | Some(c @ ('A' | 'B' | 'D' | 'S' | 'W' | 'b' | 'z' | '1'..='9')) => {
            written.push('\\');
            written.push(c);
        }
        Some(c) => literal(c, written),
        None => written.push('\\'),
    }
}

fn literal(c: char, written: &mut String) {
    written.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// Translates a character class: Python's has no nested classes, and no operators but `-`.
fn class(rest: &mut Rest<'_>, written: &mut String) {
    written.push('[');
    if rest.next_if_eq(&'^').is_some() {
        written.push('^');
    }
    let mut is_first = rest.next_if_eq(&']').is_none();
    if !is_first {
        written.push_str(r"\]");
    }
    while let Some(c) = rest.next() {
        match c {
            ']' => {
                written.push(']');
                return;
            }
            '\\' => escape(rest, written, true),
            '[' | '&' | '~' => {
                written.push('\\');
                written.push(c);
            }
            // The first character is literal at the beginning; elsewhere the second ends a range.
            '-' if is_first => written.push_str(r"\-"),
            '-' if rest.next_if_eq(&'-').is_some() => written.push_str(r"-\-"),
            _ => written.push(c),
        }
        is_first = false;
    }
}

/// Translates `{`, which begins a repetition only if a valid one follows; otherwise it is literal.
fn repetition(rest: &mut Rest<'_>, written: &mut String) {
    let mut ahead = rest.clone();
    let inside: String = ahead.by_ref().take_while(|c| *c != '}').collect();
    let is_closed = rest.clone().any(|c| c == '}');
    let number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let repeats = match inside.split_once(',') {
        Some((from, to)) => number(from) && number(to),
        None => !inside.is_empty() && number(&inside),
    };
    if !is_closed || !repeats {
        written.push_str(r"\{");
        return;
    }
    written.push('{');
    if inside.starts_with(',') {
        written.push('0');
    }
    written.push_str(&inside);
    written.push('}');
    *rest = ahead;
}

/// Drops comments, and flags about character sets, because all characters count anyway.
fn group(rest: &mut Rest<'_>, written: &mut String) {
    let mut ahead = rest.clone();
    if ahead.next() != Some('?') {
        written.push('(');
        return;
    }
    if ahead.next_if_eq(&'#').is_some() {
        *rest = ahead;
        rest.by_ref().take_while(|c| *c != ')').for_each(drop);
        return;
    }
    let mut flags = String::new();
    while let Some(flag) =
        ahead.next_if(|c| matches!(c, 'a' | 'i' | 'L' | 'm' | 's' | 'u' | 'x' | '-'))
    {
        flags.push(flag);
    }
    if !flags.is_empty() && matches!(ahead.peek(), Some(')' | ':')) {
        flags.retain(|flag| !matches!(flag, 'a' | 'L'));
        written.push_str("(?");
        written.push_str(flags.trim_end_matches('-'));
        *rest = ahead;
        if flags.is_empty() && rest.next_if_eq(&')').is_some() {
            written.push_str(":)");
        }
        return;
    }
    written.push('(');
}
