//! The time zone of a person, from their browser or their provider.

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// Returns whether a text can be the name of a time zone; add-ons receive it unchanged.
pub(crate) fn is_name(said: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+/".contains(&byte);
    (1..=LONGEST).contains(&said.len()) && said.bytes().all(is_part)
}
