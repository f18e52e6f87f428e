//! The requests of a descriptor, and the difference that a person has to approve before an update.

use std::collections::BTreeSet;

use glance_sdk::model::{Descriptor, Scope, Webhook};
use reqwest::Url;

/// Returns the scopes that a descriptor requests.
pub(crate) fn scopes(descriptor: &Descriptor) -> &[Scope] {
    let consumer = descriptor.capabilities.hipchat_api_consumer.as_ref();
    consumer.map_or(&[], |consumer| &consumer.scopes)
}

/// The requests of a descriptor beyond the approved ones.
#[derive(Debug, PartialEq)]
pub(crate) struct More<'d> {
    pub(crate) scopes: Vec<&'d Scope>,
    /// The webhooks that the add-on would receive.
    pub(crate) webhooks: Vec<&'d Webhook>,
}

impl<'d> More<'d> {
    /// Returns the requests of `new` beyond those of `old`.
    pub(crate) fn of(new: &'d Descriptor, old: &Descriptor) -> Self {
        let before = scopes(old);
        let new_scopes = scopes(new).iter();
        let webhooks = new.capabilities.webhooks().iter();
        Self {
            scopes: new_scopes.filter(|scope| !before.contains(scope)).collect(),
            webhooks: webhooks.filter(|webhook| !was_told(old, webhook)).collect(),
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.scopes.is_empty() && self.webhooks.is_empty()
    }
}

/// Returns the origins that an update adds: they would receive the secret of the installation.
pub(crate) fn new_origins(new: (&str, &Descriptor), old: (&str, &Descriptor)) -> Vec<String> {
    let before = origins(old);
    let now = origins(new).into_iter();
    now.filter(|origin| !before.contains(origin)).collect()
}

fn origins((url, descriptor): (&str, &Descriptor)) -> BTreeSet<String> {
    let installable = descriptor.capabilities.installable.as_ref();
    let callbacks = installable.into_iter().flat_map(|one| {
        [
            one.callback_url.as_deref(),
            one.update_callback_url.as_deref(),
        ]
    });
    let parsed = [Some(url)].into_iter().chain(callbacks).flatten();
    parsed
        .filter_map(|url| Url::parse(url).ok())
        .filter(Url::has_host)
        .map(|url| url.origin().ascii_serialization())
        .collect()
}

/// Returns whether an add-on received this webhook before.
pub(crate) fn was_told(old: &Descriptor, webhook: &Webhook) -> bool {
    let mut before = old.capabilities.webhooks().iter();
    before.any(|old| old.event == webhook.event && old.pattern == webhook.pattern)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn descriptor(callback: &str, update: Option<&str>) -> Descriptor {
        from_value(json!({
            "key": "a", "name": "A", "capabilities": {
                "installable": { "callbackUrl": callback, "updateCallbackUrl": update },
            },
        }))
        .unwrap()
    }

    #[test]
    fn an_add_on_moves_where_its_secret_would_go_elsewhere() {
        let old = descriptor("https://a.example/installed", None);
        let at = "https://a.example/";
        let moved = |url, callback, update| {
            let new = descriptor(callback, update);
            new_origins((url, &new), (at, &old)).join(" ")
        };
        let own = "https://a.example:443/new";
        assert_eq!(moved("https://a.example/other", own, Some(own)), "");
        assert_eq!(moved("data:,{}", own, None), "");
        assert_eq!(moved("https://b.example/", own, None), "https://b.example");
        let plain = "http://a.example/installed";
        assert_eq!(moved(at, plain, None), "http://a.example");
        let (port, other) = ("https://a.example:8443/", "https://c.example/");
        let both = "https://a.example:8443 https://c.example";
        assert_eq!(moved(at, port, Some(other)), both);
    }
}
