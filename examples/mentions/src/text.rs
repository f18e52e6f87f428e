//! The words of a status, whose content is HTML.

use std::collections::HashSet;

/// The words in it, in lower case, each once. Tags and entities end a word.
pub(crate) fn words(html: &str) -> HashSet<String> {
    let mut text = String::with_capacity(html.len());
    for (index, piece) in html.split('<').enumerate() {
        let after_tag = piece.split_once('>').map_or("", |(_, after)| after);
        text.push_str(if index == 0 { piece } else { after_tag });
        text.push(' ');
    }
    let mut words = HashSet::new();
    for (index, piece) in text.split('&').enumerate() {
        let after_entity = match piece.split_once(';') {
            Some((name, after)) if index > 0 && is_entity(name) => after,
            _ => piece,
        };
        let found = after_entity.split(|c: char| !c.is_alphanumeric());
        words.extend(found.filter(|word| !word.is_empty()).map(str::to_lowercase));
    }
    words
}

fn is_entity(name: &str) -> bool {
    name.len() <= 8 && name.bytes().all(|b| b == b'#' || b.is_ascii_alphanumeric())
}

/// The word as it is counted; `None` where it is not one word.
pub(crate) fn as_word(text: &str) -> Option<String> {
    let word = text.trim_start_matches('#').to_lowercase();
    let is_word = !word.is_empty() && word.chars().all(char::is_alphanumeric);
    is_word.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_a_reader_sees_them() {
        for (html, expected) in [
            ("<p>Rust, rust &amp; RUST!</p>", &["rust"][..]),
            (
                r##"<p>I like <a href="https://example.com/cargo" class="mention">#<span>Rust</span></a><br />daily</p>"##,
                &["i", "like", "rust", "daily"],
            ),
            ("don&#39;t &lt;b&gt;", &["don", "t", "b"]),
            ("AT&T; R&D", &["at", "r", "d"]),
            ("Größe 東京", &["größe", "東京"]),
            ("cut <a href=\"off", &["cut"]),
            ("", &[]),
        ] {
            let expected = expected.iter().map(|word| (*word).to_owned());
            assert_eq!(words(html), expected.collect::<HashSet<_>>(), "{html}");
        }
    }

    #[test]
    fn a_chosen_word_is_one_that_can_be_found() {
        for (text, word) in [
            ("Rust", Some("rust")),
            ("#rust", Some("rust")),
            ("straße", Some("straße")),
            ("rust-lang", None),
            ("#", None),
            ("<b>", None),
        ] {
            assert_eq!(as_word(text).as_deref(), word);
            if let Some(word) = word {
                assert!(words(text).contains(word), "{text}");
            }
        }
    }
}
