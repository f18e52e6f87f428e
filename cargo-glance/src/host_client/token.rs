//! The token for scripts: in a file or in the environment, never on the command line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use glance_sdk::model::Secret;

use crate::error::CommandError;

/// The variable with the token.
const VARIABLE: &str = "GLANCE_HOST_TOKEN";

/// How every token begins.
const PREFIX: &str = "glance_admin_";

/// More than any file with a token has.
const MAX_BYTES: u64 = 4096;

/// The token in this file, or in the variable; `None` where there is neither.
pub(super) fn read(file: Option<&Path>) -> Result<Option<Secret>, CommandError> {
    if let Some(file) = file {
        let shown = file.display();
        let text = read_file(file).map_err(|cause| {
            let help = "name the file with the token in --token-file";
            CommandError::new("no-token", format!("{shown} cannot be read: {cause}"), help)
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

/// Reads a token. Refuses text of another form before it is sent anywhere: it may be the secret of another
/// service.
fn parse(text: &str, place: &str) -> Result<Secret, CommandError> {
    let token = text.trim();
    let is_word = token
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match token.starts_with(PREFIX) && is_word {
        true => Ok(token.into()),
        false => Err(CommandError::new(
            "no-token",
            format!("{place} has no token of a host: one begins with {PREFIX}"),
            "copy it again, or create another one on the host's page Tokens",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_of_a_host_is_taken() {
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
