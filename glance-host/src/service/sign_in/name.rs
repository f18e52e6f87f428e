//! The rules for the names of people, for all sign-in methods.

use glance_sdk::printable::acts;

/// The longest name, in characters.
pub(crate) const MAX_NAME: usize = 50;

/// The longest email address or subject from a proxy or provider, in characters.
const MAX_TEXT: usize = 255;

/// Returns the name that somebody typed, with single spaces, if it is allowed.
pub(crate) fn typed(name: &str) -> Option<String> {
    let name = single_spaced(name);
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(acts);
    fits.then_some(name)
}

/// Returns the name that a proxy or provider sends: truncated, and without control and bidirectional characters.
/// Returns `None` if nothing remains.
pub(super) fn from_provider(name: &str) -> Option<String> {
    let shown: String = name
        .chars()
        .map(|it| if it.is_whitespace() { ' ' } else { it })
        .filter(|it| !acts(*it))
        .collect();
    let name: String = single_spaced(&shown).chars().take(MAX_NAME).collect();
    let name = name.trim_end().to_owned();
    (!name.is_empty()).then_some(name)
}

/// Returns an email address or a subject from a proxy or provider, if it can be stored.
pub(super) fn check_stored(text: String) -> Option<String> {
    let fits = text.chars().count() <= MAX_TEXT && !text.chars().any(acts);
    fits.then_some(text)
}

fn single_spaced(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_names_are_refused_and_names_of_providers_are_cut() {
        let long = "x".repeat(51);
        for (name, as_typed, as_provided) in [
            ("Ann  Lee ", Some("Ann Lee"), Some("Ann Lee")),
            ("हिन्दी", Some("हिन्दी"), Some("हिन्दी")),
            ("", None, None),
            (" \t", None, None),
            ("a\u{1b}[31m", None, Some("a[31m")),
            ("a\u{202e}b", None, Some("ab")),
            ("\u{202e}\u{7f}", None, None),
            (&long, None, Some(&long[..50])),
        ] {
            assert_eq!(typed(name).as_deref(), as_typed, "{name:?}");
            assert_eq!(from_provider(name).as_deref(), as_provided, "{name:?}");
        }
    }
}
