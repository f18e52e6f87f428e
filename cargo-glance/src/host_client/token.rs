//! Reads the token for scripts from a file or the environment, never from the command line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use glance_sdk::model::Secret;

use crate::error::CommandError;

/// The variable with the token.
const VARIABLE: &str = "GLANCE_HOST_TOKEN";

/// The prefix of every token.
const PREFIX: &str = "glance_admin_";

/// The size limit, which no file with a token exceeds.
const MAX_BYTES: u64 = 4096;

/// Returns the token in this file, or in the variable; `None` if there is neither.
pub(super) fn read(file: Option<&Path>) -> Result<Option<Secret>, CommandError> {
    if let Some(file) = file {
        let shown = file.display();
        let text = read_file(file).map_err(|cause| {
            let help = "set --token-file to the file with the token";
            CommandError::new("no-token", format!("cannot read {shown}: {cause}"), help)
        })?;
        return parse(&text, &format!("the file {shown}")).map(Some);
    }
    match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => parse(&value.to_string_lossy(), VARIABLE).map(Some),
    }
}

fn read_file(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(file)?
        .take(MAX_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// Parses a token. Refuses other text before it is sent anywhere, because it may be the secret of
/// another service.
fn parse(text: &str, place: &str) -> Result<Secret, CommandError> {
    let token = text.trim();
    let is_word = token
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match token.starts_with(PREFIX) && is_word {
        true => Ok(token.into()),
        false => Err(CommandError::new(
            "no-token",
            format!("{place} does not contain a host's token, which starts with {PREFIX}"),
            "copy it again, or create another one on the host's page Tokens",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_host_tokens_are_accepted() {
        let token = "glance_admin_7_abcDEF123";
        for good in [token.to_owned(), format!("  {token}\r\n")] {
            assert_eq!(parse(&good, "x").unwrap().expose(), token);
        }
        for bad in [
            "",
            "ghp_abc",
            "Glance_admin_7_a",
            "glance_admin_7_a b",
            "glance_admin_7_ä",
        ] {
            let error = parse(bad, "GLANCE_HOST_TOKEN").unwrap_err();
            assert_eq!(error.code(), "no-token");
            assert!(!error.to_string().contains("abc"), "{error}");
        }
    }
}
