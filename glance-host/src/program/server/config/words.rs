//! Describes invalid values in the words of the settings.

/// The messages of the parsers, and their replacements.
const WORDS: [(&str, &str); 11] = [
    ("unknown field", "unknown setting"),
    ("unknown variant", "unknown value"),
    (
        "invalid socket address syntax",
        "this is no address with a port; give one like 127.0.0.1:4400",
    ),
    (
        "expected socket address",
        "expected an address with a port, such as \"127.0.0.1:4400\"",
    ),
    (
        "expected a nonzero u32",
        "expected a whole number from 1 to 4294967295",
    ),
    // Of the settings that are one, none may be 0.
    (
        "expected u32",
        "expected a whole number from 1 to 4294967295",
    ),
    ("expected u64", "expected a whole number from 0"),
    ("expected a sequence", "expected a list, such as [\"...\"]"),
    ("expected a string", "expected text in quotes"),
    ("expected path string", "expected text in quotes"),
    ("wanted string or table", "expected text in quotes"),
];

/// How it begins where a text has no quotes, and is read as whatever its first letter can begin.
const UNQUOTED: [&str; 4] = [
    "string values must be quoted",
    "invalid float",
    "invalid boolean",
    "invalid date",
];

pub(in crate::program::server) fn describe_error(problem: &str) -> String {
    if UNQUOTED.iter().any(|begin| problem.starts_with(begin)) {
        return "this is neither a number nor true or false, and text needs quotes, as in \"...\""
            .to_owned();
    }
    let problem = WORDS
        .iter()
        .fold(problem.to_owned(), |said, (parsers, own)| {
            said.replace(parsers, own)
        });
    match problem.split_once("expected struct ") {
        Some((before, _)) => format!("{before}expected a section with settings of its own"),
        None => problem,
    }
}
