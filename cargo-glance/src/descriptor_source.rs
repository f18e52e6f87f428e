//! Reads a descriptor from a file, which may be a template, from a URL, or from standard input.

mod template;

use std::io::Read as _;

use glance_sdk::json;
use glance_sdk::printable::printable;

use crate::error::CommandError;
use crate::fetch;
use crate::print;

/// The size limit, which no descriptor exceeds.
const MAX_BYTES: usize = 1024 * 1024;

/// The default base URL of a descriptor template.
pub(crate) const PLACEHOLDER_BASE_URL: &str = "https://add-on.example";

pub(crate) fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// Reads a file, a URL, or standard input if `source` is `-`.
pub(crate) async fn read(source: &str) -> Result<Vec<u8>, CommandError> {
    if is_url(source) {
        return fetch::get(source, "application/json", MAX_BYTES).await;
    }
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let read = match source {
        "-" => std::io::stdin().lock().take(limit).read_to_end(&mut bytes),
        _ => std::fs::File::open(source).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    read.map_err(|cause| {
        let source = match source {
            "-" => "standard input",
            file => file,
        };
        let help = "name a file, an http or https URL, or - for standard input";
        CommandError::new("no-file", format!("cannot read {source}: {cause}"), help)
    })?;
    match bytes.len() > MAX_BYTES {
        true => Err(fetch::too_large(source, MAX_BYTES)),
        false => Ok(bytes),
    }
}

/// Fills in the placeholders of a template. Lists them on standard error with the word `done`, such
/// as `checked`. Returns whether one of them is now [`PLACEHOLDER_BASE_URL`].
pub(crate) fn fill(bytes: Vec<u8>, base_url: &str, done: &str) -> (Vec<u8>, bool) {
    let filled = template::fill(&json::decode(&bytes), base_url);
    if filled.placeholders.is_empty() {
        return (bytes, false);
    }
    for (placeholder, value) in &filled.placeholders {
        let (placeholder, value) = (printable(placeholder), printable(value));
        print::error(format_args!("note: {placeholder} is {done} as {value}"));
    }
    let has_stand_in = filled
        .placeholders
        .values()
        .any(|value| value == PLACEHOLDER_BASE_URL);
    (filled.text.into_bytes(), has_stand_in)
}
