//! The time zone of a person, from their browser or their provider.

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// Returns whether a text can be the name of a time zone; add-ons receive it unchanged.
pub(crate) fn is_name(said: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+/".contains(&byte);
    (1..=LONGEST).contains(&said.len()) && said.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_letters_digits_and_few_signs() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/Port-au-Prince",
            "America/New_York",
            "Etc/GMT+5",
            &"x".repeat(64),
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "Europe Berlin",
            "UTC\n",
            "Zürich",
            "<b>",
            &"x".repeat(65),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
