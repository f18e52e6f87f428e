//! Converts the HTML content of a status to its visible text.

use std::cell::{Cell, RefCell};

use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// The elements within words. Mastodon and related servers keep these in statuses.
const INLINE: [&str; 23] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark",
    "q", "ruby", "s", "small", "span", "strong", "sub", "sup", "u",
];

/// Pronunciation annotations, which are above the word, not in it.
const ANNOTATIONS: [&str; 2] = ["rp", "rt"];

/// Parses HTML like a browser: decodes every entity, and drops comments. A text that ends within a
/// tag ends before it.
pub(crate) fn text(html: &str) -> String {
    let sink = Text::default();
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(html.into());
    // The tokenizer pauses only after scripts, of which this sink never reports any.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.text.into_inner()
}

#[derive(Default)]
struct Text {
    text: RefCell<String>,
    /// The number of surrounding annotations.
    annotations: Cell<usize>,
}

impl TokenSink for Text {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut text = self.text.borrow_mut();
        match token {
            Token::CharacterTokens(piece) if self.annotations.get() == 0 => text.push_str(&piece),
            Token::TagToken(tag) => {
                let name = &*tag.name;
                if ANNOTATIONS.contains(&name) {
                    let depth = self.annotations.get();
                    self.annotations.set(match tag.kind {
                        TagKind::StartTag => 1,
                        TagKind::EndTag => depth.saturating_sub(1),
                    });
                } else if !INLINE.contains(&name) && name != "wbr" {
                    self.annotations.set(0);
                    text.push('\n');
                } else if name == "ruby" {
                    self.annotations.set(0);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_visible_text() {
        for (html, expected) in [
            ("<p>a &amp; b</p><p>c</p>", "\na & b\n\nc\n"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<b>R</b>u<wbr>st", "Rust"),
            (r#"#<span title="a > b">R&uuml;st</span>"#, "#Rüst"),
            ("&#2361;&#x93F;&#39;&#x80;&nbsp;", "हि'\u{20ac}\u{a0}"),
            ("AT&T; R&D", "AT&T; R&D"),
            ("a<!-- b -->c", "ac"),
            (
                "<ruby>東<rp>(</rp><rt>とう</rt>京<rt>きょう</ruby>へ",
                "東京へ",
            ),
            ("cut <a href=\"off", "cut "),
            ("\0", ""),
        ] {
            assert_eq!(text(html), expected, "{html}");
        }
    }
}
