//! serde's `rename_all`, which changes ASCII letters only.

/// Returns the field's name in JSON, or `None` if the rule is unknown.
pub(crate) fn field(rule: &str, name: &str) -> Option<String> {
    let pascal = || name.split('_').map(capitalised).collect::<String>();
    Some(match rule {
        "lowercase" | "snake_case" => name.to_owned(),
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => uncapitalised(&pascal()),
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        _ => return None,
    })
}

/// Returns the variant's name in JSON, or `None` if the rule is unknown.
pub(crate) fn variant(rule: &str, name: &str) -> Option<String> {
    Some(match rule {
        "PascalCase" => name.to_owned(),
        "lowercase" => name.to_ascii_lowercase(),
        "UPPERCASE" => name.to_ascii_uppercase(),
        "camelCase" => uncapitalised(name),
        "snake_case" => snake(name),
        "SCREAMING_SNAKE_CASE" => snake(name).to_ascii_uppercase(),
        "kebab-case" => snake(name).replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => snake(name).to_ascii_uppercase().replace('_', "-"),
        _ => return None,
    })
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn uncapitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::{field, variant};

    fn written(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    macro_rules! as_serde_does {
        ($($rule:literal)*) => { $( {
            #[derive(Default, Serialize)]
            #[allow(non_snake_case)]
            #[serde(rename_all = $rule)]
            struct Fields {
                is_open_2: u8,
                _led: u8,
                two__lines: u8,
                r#type: u8,
                noël_été: u8,
            }
            let expected: Vec<_> = ["is_open_2", "_led", "two__lines", "type", "noël_été"]
                .into_iter()
                .map(|name| format!("{:?}:0", field($rule, name).unwrap()))
                .collect();
            assert_eq!(written(&Fields::default()), format!("{{{}}}", expected.join(",")), $rule);

            #[derive(Serialize)]
            #[serde(rename_all = $rule)]
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Variants {
                OnFire2,
                HTTP,
                In_Review,
                calm,
                NoËl,
            }
            for (value, name) in [
                (Variants::OnFire2, "OnFire2"),
                (Variants::HTTP, "HTTP"),
                (Variants::In_Review, "In_Review"),
                (Variants::calm, "calm"),
                (Variants::NoËl, "NoËl"),
            ] {
                assert_eq!(written(&value), format!("{:?}", variant($rule, name).unwrap()), $rule);
            }
        } )* };
    }

    #[test]
    fn names_match_serde() {
        as_serde_does! {
            "lowercase" "UPPERCASE" "PascalCase" "camelCase" "snake_case" "SCREAMING_SNAKE_CASE"
            "kebab-case" "SCREAMING-KEBAB-CASE"
        }
        assert_eq!(field("Camel", "is_open"), None);
        assert_eq!(variant("Camel", "IsOpen"), None);
    }
}
