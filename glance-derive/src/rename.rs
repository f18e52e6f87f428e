//! serde's `rename_all` for field names.

/// The field's name on the wire, or `None` where the rule is unknown.
pub(crate) fn field(rule: &str, name: &str) -> Option<String> {
    let words = || name.split('_').filter(|word| !word.is_empty());
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    let pascal = || words().filter_map(capitalised).collect::<String>();
    Some(match rule {
        "lowercase" | "snake_case" => name.to_owned(),
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => {
            let pascal = pascal();
            let mut letters = pascal.chars();
            letters
                .next()
                .map(|first| first.to_lowercase().chain(letters).collect())?
        }
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn names_are_those_serde_writes() {
        for (rule, expected) in [
            ("lowercase", "is_open_2"),
            ("UPPERCASE", "IS_OPEN_2"),
            ("PascalCase", "IsOpen2"),
            ("camelCase", "isOpen2"),
            ("snake_case", "is_open_2"),
            ("SCREAMING_SNAKE_CASE", "IS_OPEN_2"),
            ("kebab-case", "is-open-2"),
            ("SCREAMING-KEBAB-CASE", "IS-OPEN-2"),
        ] {
            assert_eq!(
                field(rule, "is_open_2").as_deref(),
                Some(expected),
                "{rule}"
            );
        }
        assert_eq!(field("Camel", "is_open"), None);
    }
}
