//! The allowed names of add-ons.

use crate::error::CommandError;

pub(super) const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The dependencies of a new crate, and the crates of Rust itself.
const CRATES: [&str; 15] = [
    "alloc",
    "aws-lc-rs",
    "core",
    "glance-host",
    "glance-sdk",
    "hex",
    "reqwest",
    "rusqlite",
    "serde",
    "serde-json",
    "std",
    "test",
    "tokio",
    "tracing",
    "tracing-subscriber",
];

/// Checks a name, which becomes a crate, a folder and, with `-panel` appended, a panel's key.
///
/// # Errors
///
/// Returns an error if the name is not allowed.
pub(super) fn check(name: &str) -> Result<(), CommandError> {
    let is_good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 34
        && !name.contains("--")
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_good {
        return Err(CommandError::new(
            "bad-name",
            format!("{name:?} cannot be the name of a crate and of a glance"),
            "use up to 34 lower-case letters, digits and single dashes, a letter first",
        ));
    }
    if KEYWORDS.contains(&name) || CRATES.contains(&name) {
        return Err(CommandError::new(
            "bad-name",
            format!("{name:?} is reserved in Rust"),
            "choose another name",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_not_build_are_refused() {
        for good in ["standup", "pull-requests", "a1", "x"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "", "-x", "x-", "1x", "X", "a b", "a_b", "a--b", "../x", "ünï", "type", "test", "serde",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"x".repeat(35)).is_err());
    }
}
