//! The requests of a descriptor, and the difference that a person has to approve before an update.

use std::collections::BTreeSet;

use glance_sdk::model::{Descriptor, Scope, Webhook};
use reqwest::Url;

use crate::model::Installed;

/// Returns the scopes that a descriptor requests.
pub(crate) fn scopes(descriptor: &Descriptor) -> &[Scope] {
    let consumer = descriptor.capabilities.hipchat_api_consumer.as_ref();
    consumer.map_or(&[], |consumer| &consumer.scopes)
}

/// The requests that a person approves with a descriptor.
#[derive(Debug, PartialEq)]
pub(crate) struct Approval {
    pub(crate) scopes: Vec<Scope>,
    /// The webhooks that the add-on would receive.
    pub(crate) webhooks: Vec<Webhook>,
    /// The origins that an update adds: they would receive the secret of the installation.
    pub(crate) origins: Vec<String>,
}

impl Approval {
    /// Returns the requests of a first installation.
    pub(crate) fn of_new(descriptor: &Descriptor) -> Self {
        Self {
            scopes: scopes(descriptor).to_vec(),
            webhooks: descriptor.capabilities.webhooks().to_vec(),
            origins: Vec::new(),
        }
    }

    /// Returns what a person has to approve before an installation gets this descriptor: the requests beyond those of
    /// the old one. Returns `None` if there are none, or if the descriptor is that of another add-on, which every
    /// update refuses.
    pub(crate) fn needed(
        (url, descriptor): (&str, &Descriptor),
        installed: &Installed,
    ) -> Option<Self> {
        let old = &installed.descriptor;
        let before = scopes(old);
        let origins_before = origins((&installed.descriptor_url, old));
        let mut approval = Self::of_new(descriptor);
        approval.scopes.retain(|scope| !before.contains(scope));
        approval.webhooks.retain(|webhook| !was_told(old, webhook));
        let added = origins((url, descriptor)).into_iter();
        approval.origins = added
            .filter(|origin| !origins_before.contains(origin))
            .collect();
        let is_empty = approval.scopes.is_empty()
            && approval.webhooks.is_empty()
            && approval.origins.is_empty();
        (descriptor.key == old.key && !is_empty).then_some(approval)
    }
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

    fn installed(descriptor: Descriptor) -> Installed {
        Installed {
            oauth_id: "id".into(),
            oauth_secret: "secret".into(),
            room_id: None,
            descriptor_url: "https://a.example/".to_owned(),
            descriptor,
        }
    }

    #[test]
    fn approval_covers_only_additional_requests() {
        let with = |scopes: &[&str], pattern: &str| -> Descriptor {
            from_value(json!({
                "key": "a", "name": "A", "capabilities": {
                    "hipchatApiConsumer": { "scopes": scopes },
                    "webhook": [{ "event": "room_message", "pattern": pattern, "url": "https://a.example/" }],
                },
            }))
            .unwrap()
        };
        let url = "https://a.example/";
        let installed = installed(with(&["view_room", "view_group"], "^a"));
        let fewer = with(&["view_room"], "^a");
        assert_eq!(Approval::needed((url, &fewer), &installed), None);
        let more = with(&["view_room", "admin_room"], "^b");
        let needed = Approval::needed((url, &more), &installed).unwrap();
        assert_eq!(needed.scopes, [Scope::AdminRoom]);
        assert_eq!(needed.webhooks, more.capabilities.webhooks());
        let mut other = more.clone();
        other.key = "b".to_owned();
        assert_eq!(Approval::needed((url, &other), &installed), None);
    }

    #[test]
    fn an_add_on_moves_where_its_secret_would_go_elsewhere() {
        let installed = installed(descriptor("https://a.example/installed", None));
        let at = "https://a.example/";
        let moved = |url, callback, update| {
            let new = descriptor(callback, update);
            let needed = Approval::needed((url, &new), &installed);
            needed.map_or_else(String::new, |approval| approval.origins.join(" "))
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
