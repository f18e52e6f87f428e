//! The secrets and tokens that a host has exchanged with its add-ons.

use std::collections::BTreeMap;
use std::fmt;

use glance_sdk::model::OauthId;

use super::Exchange;
use crate::content::redact::{Masks, TOKEN};

/// The secrets and tokens seen so far, and the installation that each token belongs to.
#[derive(Default)]
pub(crate) struct Secrets {
    masks: Masks,
    owners: BTreeMap<String, OauthId>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    pub(crate) fn learn_secret(&mut self, secret: &str) {
        self.masks.learn_secret(secret);
    }

    pub(super) fn learn_token(&mut self, token: &str, owner: OauthId) {
        self.masks.learn(token, TOKEN);
        self.owners.insert(token.to_owned(), owner);
    }

    /// Returns the installation that a token belongs to.
    pub(super) fn owner(&self, token: &str) -> Option<&OauthId> {
        self.owners.get(token)
    }

    /// Returns the exchange without secrets and tokens, or `None` if it cannot be written as JSON.
    pub(crate) fn mask(&self, exchange: &Exchange) -> Option<Exchange> {
        let text = serde_json::to_string(exchange).ok()?;
        serde_json::from_str(&self.masks.text(&text)).ok()
    }
}
