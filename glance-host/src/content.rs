//! Parses, sanitizes and renders content. Keeps no state and does no I/O.

pub(crate) mod age;
pub(crate) mod card;
pub(crate) mod html;
pub(crate) mod image_urls;
pub(crate) mod label;
pub(crate) mod notification;
pub(crate) mod pattern;
pub(crate) mod query_answer;
pub(crate) mod redact;
#[cfg(test)]
mod skipped;
pub(crate) mod token_parts;
pub(crate) mod wire;
