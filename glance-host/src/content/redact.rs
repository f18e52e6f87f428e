//! Replaces secrets and tokens in text by placeholders.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// Replaces an installation's secret.
pub(crate) const SECRET: &str = "{{secret}}";
/// Replaces an access token.
pub(crate) const TOKEN: &str = "{{token}}";
/// Replaces a signed request.
pub(crate) const SIGNED: &str = "{{signed}}";

/// Matches a signed request of any signer.
static JWT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]{5,}").ok());

/// Matches a token in a URL, known or not.
static IN_QUERY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(auth_token|signed_request)=[^&"\s\\]+"#).ok());

/// The shortest masked text, in bytes: shorter text may be a word.
const SHORTEST: usize = 16;

/// The known secrets.
#[derive(Default)]
pub(crate) struct Masks {
    secrets: BTreeMap<String, &'static str>,
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masks").finish_non_exhaustive()
    }
}

impl Masks {
    /// Masks an installation's secret from now on.
    pub(crate) fn learn_secret(&mut self, secret: &str) {
        self.learn(secret, SECRET);
    }

    /// Masks this text by this placeholder from now on.
    pub(crate) fn learn(&mut self, text: &str, placeholder: &'static str) {
        if text.len() >= SHORTEST {
            self.secrets.insert(text.to_owned(), placeholder);
        }
    }

    /// Returns the text with placeholders for secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = match &*IN_QUERY {
            Some(in_query) => in_query.replace_all(text, |found: &regex::Captures<'_>| {
                let name = &found[1];
                let placeholder = if name == "auth_token" { TOKEN } else { SIGNED };
                format!("{name}={placeholder}")
            }),
            None => text.into(),
        }
        .into_owned();
        if let Some(jwt) = &*JWT {
            text = jwt.replace_all(&text, SIGNED).into_owned();
        }
        for (secret, placeholder) in &self.secrets {
            text = text.replace(secret, placeholder);
        }
        text
    }
}
