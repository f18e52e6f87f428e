//! Labels as people write them on the panel: `name=value`, as in Alertmanager's own matchers.

use std::iter::Peekable;
use std::str::Chars;

use crate::alerts::Label;

/// Parses a line. Prometheus 3 allows any name; a name with other characters than letters, digits,
/// `_`, `:`, `.`, `/` and `-` must be quoted.
pub(crate) fn parse(line: &str) -> Option<Label> {
    let mut rest = line.trim().chars().peekable();
    let name = match rest.next_if_eq(&'"') {
        Some(_) => quoted(&mut rest)?,
        None => std::iter::from_fn(|| rest.next_if(|char| is_plain(*char))).collect(),
    };
    while rest.next_if(|char| char.is_whitespace()).is_some() {}
    rest.next_if_eq(&'=')?;
    while rest.next_if(|char| char.is_whitespace()).is_some() {}
    let value = match rest.peek()? {
        // A matcher with a regular expression.
        '~' => return None,
        '"' => {
            rest.next();
            let value = quoted(&mut rest)?;
            rest.next().is_none().then_some(value)?
        }
        _ => rest.collect(),
    };
    (!name.is_empty() && !value.is_empty()).then_some((name, value))
}

/// Returns the line for this label.
pub(crate) fn print((name, value): &Label) -> String {
    let name = match !name.is_empty() && name.chars().all(is_plain) {
        true => name.clone(),
        false => quote(name),
    };
    let is_bare = !value.starts_with(['~', '"'])
        && value.trim() == value
        && !value.chars().any(char::is_control);
    match is_bare {
        true => format!("{name}={value}"),
        false => format!("{name}={}", quote(value)),
    }
}

fn is_plain(char: char) -> bool {
    char.is_alphanumeric() || "_:./-".contains(char)
}

/// Returns the text up to the closing quote.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        text.push(match rest.next()? {
            '"' => return Some(text),
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                char @ ('"' | '\\') => char,
                _ => return None,
            },
            char => char,
        });
    }
}

fn quote(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n").replace('\r', "\\r"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_parsed_leniently() {
        for (line, name, value) in [
            ("team=payments", "team", "payments"),
            ("  team = \"payments\" ", "team", "payments"),
            ("url=a=b", "url", "a=b"),
            ("service.name=żółw", "service.name", "żółw"),
            ("服务=支付", "服务", "支付"),
            (r#""my \"label\""="~x""#, "my \"label\"", "~x"),
            (r#"text=two\nlines"#, "text", r"two\nlines"),
            (r#"text="two\nlines""#, "text", "two\nlines"),
        ] {
            let label = (name.to_owned(), value.to_owned());
            assert_eq!(parse(line).as_ref(), Some(&label), "{line}");
            assert_eq!(parse(&print(&label)), Some(label), "{line}");
        }
    }

    #[test]
    fn other_matchers_are_refused() {
        for line in [
            "payments",
            "=x",
            "team=",
            "team=\"\"",
            "\"\"=x",
            "team!=payments",
            "team=~pay.*",
            "team!~pay.*",
            "<script>=1",
            "{team=\"x\"}",
            "team=\"x",
            "team=\"x\", a=\"b\"",
            "my team=x",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
