//! Rewrites what only browsers accept into JSON that serde_json accepts.

/// A part of the text that serde_json would refuse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) with: &'static str,
}

/// U+FFFD in place of half a surrogate pair.
pub(super) const REPLACEMENT: &str = "\\ufffd";

/// The largest numbers that are finite.
pub(super) const GREATEST: &str = "1.7976931348623157e308";
pub(super) const LEAST: &str = "-1.7976931348623157e308";

/// Text without what serde_json refuses.
pub(super) struct Repaired {
    pub(super) text: String,
    /// Where the text goes on after each edit: the offset here, and the one in the original.
    resumed: Vec<(usize, usize)>,
}

pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> Repaired {
    // A member that is dropped is one edit, and contains those of its parts.
    edits.sort_by_key(|edit| (edit.start, std::cmp::Reverse(edit.end)));
    let mut repaired = Repaired {
        text: String::with_capacity(text.len()),
        resumed: Vec::with_capacity(edits.len()),
    };
    let mut copied = 0;
    for Edit { start, end, with } in edits {
        if start < copied {
            continue;
        }
        repaired.text += &text[copied..start];
        repaired.text += with;
        repaired.resumed.push((repaired.text.len(), end));
        copied = end;
    }
    repaired.text += &text[copied..];
    repaired
}

impl Repaired {
    /// The offset in the original text that an offset in this one came from.
    pub(super) fn original(&self, offset: usize) -> usize {
        let before = self.resumed.partition_point(|(here, _)| *here <= offset);
        match before.checked_sub(1).map(|last| self.resumed[last]) {
            Some((here, there)) => there + (offset - here),
            None => offset,
        }
    }
}
