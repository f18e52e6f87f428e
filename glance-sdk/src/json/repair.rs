//! Rewrites JSON that only browsers accept into JSON that serde_json accepts.

/// A part of the text that serde_json would refuse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) with: &'static str,
}

/// U+FFFD in place of half a surrogate pair.
pub(super) const REPLACEMENT: &str = "\\ufffd";

/// The largest finite numbers.
pub(super) const GREATEST: &str = "1.7976931348623157e308";
pub(super) const LEAST: &str = "-1.7976931348623157e308";

/// Text without the parts that serde_json refuses.
pub(super) struct Repaired {
    pub(super) text: String,
    /// The offset after each edit: in this text, and in the original.
    resumed: Vec<(usize, usize)>,
}

pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> Repaired {
    // Dropping a member is a single edit, which contains the edits of its parts.
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
    /// Returns the original offset of an offset in this text.
    pub(super) fn original(&self, offset: usize) -> usize {
        let before = self.resumed.partition_point(|(here, _)| *here <= offset);
        match before.checked_sub(1).map(|last| self.resumed[last]) {
            Some((here, there)) => there + (offset - here),
            None => offset,
        }
    }
}
