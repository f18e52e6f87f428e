//! Finds words in every language and spelling.
//!
//! Words match as readers expect: `straße` is `STRASSE`, and `ﬁlm` is `film`. Text and words are
//! first folded to one form. A word then matches only between word boundaries: next to a character
//! that does not belong to a word, or at a boundary of the Unicode standard (UAX #29). In scripts
//! without spaces, such as Chinese or Thai, nearly every character is a boundary.

use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

/// In user-perceived characters.
pub(crate) const MAX_WORD_CHARS: usize = 40;

/// A character may have any number of combining marks.
const MAX_WORD_BYTES: usize = 800;

/// The characters that may join two parts of a word, as in `don't`, `rust-lang`, `צה"ל` or
/// `བོད་ཡིག`.
const JOINERS: [char; 8] = ['\'', '"', '-', '.', '_', '·', '・', '་'];

/// A word that a room has chosen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Word {
    /// The folded word: words with different spellings have the same key.
    key: Arc<str>,
    /// The original spelling.
    shown: String,
}

impl Word {
    /// Parses a word, with or without `#`. Returns `None` if the text is not exactly one word.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let shown: String = text.nfc().filter(|c| is_visible(*c)).collect();
        let shown = shown.trim_start_matches(['#', '＃']);
        let key = fold(shown);
        let key = key.trim_matches(JOINERS);
        let is_short =
            shown.graphemes(true).count() <= MAX_WORD_CHARS && key.len() <= MAX_WORD_BYTES;
        (is_short && is_word(key)).then(|| Self {
            key: key.into(),
            shown: shown.to_owned(),
        })
    }

    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn is_word(key: &str) -> bool {
    let mut may_join = false;
    for c in key.chars() {
        let joins = JOINERS.contains(&c);
        if joins && !may_join || !joins && !is_part(c) {
            return false;
        }
        may_join = !joins;
    }
    may_join && key.starts_with(char::is_alphanumeric)
}

/// Returns whether this is a letter, a digit or a mark on one.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Searches for several words in one pass.
#[derive(Debug)]
pub(crate) struct Finder {
    words: Vec<Arc<str>>,
    automaton: Option<AhoCorasick>,
}

impl Finder {
    pub(crate) fn new(words: impl IntoIterator<Item = Arc<str>>) -> Self {
        let words: Vec<_> = words.into_iter().collect();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(words.iter().map(|word| word.as_bytes()))
            .inspect_err(
                |cause| tracing::error!(error = %cause, "preparing the word search failed"),
            );
        Self {
            automaton: automaton.ok().filter(|_| !words.is_empty()),
            words,
        }
    }

    /// Returns the words in a text, each once.
    pub(crate) fn find(&self, text: &str) -> Vec<&Arc<str>> {
        let Some(automaton) = &self.automaton else {
            return Vec::new();
        };
        let text = fold(text);
        let mut edges = None;
        let mut found = vec![false; self.words.len()];
        for hit in automaton.find_overlapping_iter(&text) {
            let edges = edges.get_or_insert_with(|| Edges::new(&text));
            let word = hit.pattern().as_usize();
            if !found[word] && edges.contains(hit.start()) && edges.contains(hit.end()) {
                found[word] = true;
            }
        }
        let words = self.words.iter().zip(found);
        words
            .filter_map(|(word, is_found)| is_found.then_some(word))
            .collect()
    }
}

/// The word boundaries in a folded text.
struct Edges<'a> {
    text: &'a str,
    of_unicode: Vec<usize>,
}

impl<'a> Edges<'a> {
    fn new(text: &'a str) -> Self {
        let starts = text.split_word_bound_indices();
        Self {
            text,
            of_unicode: starts.map(|(start, _)| start).collect(),
        }
    }

    fn contains(&self, at: usize) -> bool {
        let (before, after) = self.text.split_at(at);
        match (before.chars().next_back(), after.chars().next()) {
            (Some(before), Some(after)) if is_part(before) && is_part(after) => {
                self.of_unicode.binary_search(&at).is_ok()
            }
            _ => true,
        }
    }
}

/// Folds text to one form for everything that reads the same: compatibility forms, upper and lower
/// case, and without invisible characters.
///
/// Case is folded like in Unicode's full case folding, through both cases: `ß` becomes `ss`, and
/// all sigmas become the same. The four letters I of Turkish become one, because a status does not
/// tell its language.
fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|c| is_visible(*c) && !is_joining(*c));
    let cased = plain
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase);
    let mut undotted = String::with_capacity(text.len());
    let mut is_on_i = false;
    for c in cased {
        if !is_combining_mark(c) {
            is_on_i = c == 'i';
        } else if is_on_i && c == '\u{307}' {
            continue;
        }
        undotted.push(c);
    }
    undotted.nfkc().map(unify).collect()
}

/// Unifies characters that are typed in several ways.
fn unify(c: char) -> char {
    match c {
        // Quotation marks and letters used as an apostrophe, and the Hebrew geresh.
        '\u{2018}' | '\u{2019}' | '\u{2bb}' | '\u{2bc}' | '\u{5f3}' => '\'',
        // Gershayim, and quotation marks used for it.
        '\u{201c}' | '\u{201d}' | '\u{5f4}' => '"',
        // Hyphens, and the Hebrew maqaf.
        '\u{2010}' | '\u{2011}' | '\u{5be}' => '-',
        c => c,
    }
}

/// Returns whether this is a zero-width joiner or non-joiner, which change the shape of letters,
/// not their identity.
fn is_joining(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Returns whether this is neither a control character nor ignorable according to the standard
/// (`Default_Ignorable`), such as soft hyphens, direction marks and variation selectors, nor
/// Arabic's tatweel. Joiners are kept, because they are part of the spelling. The zero-width space
/// ends a word.
fn is_visible(c: char) -> bool {
    !matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200e}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        && (!c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests;
