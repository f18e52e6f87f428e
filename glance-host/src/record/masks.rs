//! Puts placeholders where secrets are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use glance_sdk::model::OauthId;
use regex::Regex;

use super::{Exchange, SECRET, SIGNED, TOKEN};

/// A signed request, whoever signed it.
static JWT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]{5,}").ok());

/// A token in an address, whether it is known or not.
static IN_QUERY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(auth_token|signed_request)=[^&"\s\\]+"#).ok());

/// What is shorter may be a word.
const SHORTEST: usize = 16;

/// The secrets that were seen so far.
#[derive(Default)]
pub(crate) struct Masks {
    secrets: BTreeMap<String, &'static str>,
    tokens: BTreeMap<String, OauthId>,
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masks").finish_non_exhaustive()
    }
}

impl Masks {
    pub(crate) fn learn_secret(&mut self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.secrets.insert(secret.to_owned(), SECRET);
        }
    }

    pub(crate) fn learn_token(&mut self, token: &str, of: OauthId) {
        if token.len() >= SHORTEST {
            self.secrets.insert(token.to_owned(), TOKEN);
        }
        self.tokens.insert(token.to_owned(), of);
    }

    /// Whose token it is.
    pub(crate) fn owner(&self, token: &str) -> Option<&OauthId> {
        self.tokens.get(token)
    }

    /// The exchange without what must not be kept.
    pub(crate) fn mask(&self, exchange: &Exchange) -> Option<Exchange> {
        let text = serde_json::to_string(exchange).ok()?;
        serde_json::from_str(&self.text(&text)).ok()
    }

    fn text(&self, text: &str) -> String {
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
