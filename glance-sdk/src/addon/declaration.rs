//! Rare settings of a descriptor: who may install the add-on, the sender's name, and edits for
//! everything without a method of its own.

use std::fmt;

use super::AddOn;
use crate::model::Descriptor;

type Edit = Box<dyn FnOnce(&mut Descriptor) + Send + Sync>;

#[derive(Default)]
pub(super) struct Declaration {
    pub(super) from_name: Option<String>,
    pub(super) allow_room: Option<bool>,
    pub(super) allow_global: Option<bool>,
    edits: Vec<Edit>,
}

impl fmt::Debug for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declaration").finish_non_exhaustive()
    }
}

impl Declaration {
    /// Applies the edits in the order of their declaration.
    pub(super) fn edit(&mut self, descriptor: &mut Descriptor) {
        for edit in std::mem::take(&mut self.edits) {
            edit(descriptor);
        }
    }
}

impl<S> AddOn<S> {
    /// Sets the sender's name on the add-on's messages. The default is the add-on's name.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds for all teams")
    ///     .from_name("Builds")
    ///     .build("https://builds.example.com")?;
    /// let consumer = built.descriptor().capabilities.hipchat_api_consumer.as_ref().unwrap();
    /// assert_eq!(consumer.from_name.as_deref(), Some("Builds"));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn from_name(mut self, name: impl Into<String>) -> Self {
        self.declaration.from_name = Some(name.into());
        self
    }

    /// Sets whether a single room may install the add-on. The default is `true`.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// let built = AddOn::new("com.example.audit", "Audit")
    ///     .allow_room(false)
    ///     .build("https://audit.example.com")?;
    /// let installable = built.descriptor().capabilities.installable.as_ref().unwrap();
    /// assert!(installable.for_groups() && !installable.for_rooms());
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn allow_room(mut self, is_allowed: bool) -> Self {
        self.declaration.allow_room = Some(is_allowed);
        self
    }

    /// Sets whether the whole group may install the add-on. The default is `true`.
    #[must_use]
    pub fn allow_global(mut self, is_allowed: bool) -> Self {
        self.declaration.allow_global = Some(is_allowed);
        self
    }

    /// Edits the descriptor before it is checked and served. Use it for properties without a method
    /// of their own, such as capabilities that this version does not know. Several edits run in the
    /// order of their declaration.
    ///
    /// At this point the add-on's own URLs are still paths, such as `/glance/builds`. Paths that an
    /// edit writes are completed in the same way, and [`route`](Self::route) serves them. An edit
    /// changes only the descriptor: it adds no handler and does not change the SDK's handlers. For
    /// example, the SDK refuses unsigned calls of a webhook even if an edit declares it unsigned.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .route("/bye", get(async || "Builds was removed."))
    ///     .edit_descriptor(|descriptor| {
    ///         descriptor.api_version = Some("1:1".to_owned());
    ///         if let Some(installable) = &mut descriptor.capabilities.installable {
    ///             installable.uninstalled_url = Some("/bye".to_owned());
    ///         }
    ///     })
    ///     .build("https://builds.example.com")?;
    /// let installable = built.descriptor().capabilities.installable.as_ref().unwrap();
    /// assert_eq!(installable.uninstalled_url.as_deref(), Some("https://builds.example.com/bye"));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn edit_descriptor(
        mut self,
        edit: impl FnOnce(&mut Descriptor) + Send + Sync + 'static,
    ) -> Self {
        self.declaration.edits.push(Box::new(edit));
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{HipchatApiConsumer, Icon, Picture, WebPanel, Webhooks};

    fn built(add_on: AddOn) -> Value {
        let built = add_on.build("https://add-on.example.com/sub").unwrap();
        serde_json::to_value(built.descriptor()).unwrap()
    }

    #[test]
    fn unset_declarations_are_absent_from_descriptor() {
        let add_on = || AddOn::new("com.example.said", "Said");
        let silent = built(add_on());
        let capabilities = &silent["capabilities"];
        assert_eq!(capabilities["hipchatApiConsumer"].get("fromName"), None);
        assert_eq!(capabilities["installable"].get("allowRoom"), None);
        assert_eq!(capabilities["installable"].get("allowGlobal"), None);
        let said = built(
            add_on()
                .from_name("Robot")
                .allow_room(true)
                .allow_global(false),
        );
        let capabilities = &said["capabilities"];
        assert_eq!(capabilities["hipchatApiConsumer"]["fromName"], "Robot");
        assert_eq!(capabilities["installable"]["allowRoom"], true);
        assert_eq!(capabilities["installable"]["allowGlobal"], false);
    }

    #[test]
    fn edits_run_in_order_and_paths_are_completed() {
        let descriptor = built(
            AddOn::new("com.example.edited", "Edited")
                .edit_descriptor(|descriptor| {
                    assert_eq!(descriptor.vendor, None);
                    descriptor.extra.insert("version".to_owned(), json!("1"));
                    let capabilities = &mut descriptor.capabilities;
                    let mut panel = WebPanel::new("own", "Own", "/own");
                    panel.icon = Some(Icon::new("/own.svg"));
                    capabilities.web_panel = Some(vec![panel]);
                    let mut consumer = HipchatApiConsumer::new([]);
                    consumer.avatar = Some(Picture::from("/face.png"));
                    capabilities.hipchat_api_consumer = Some(consumer);
                    capabilities.webhook = Some(Webhooks::from(Vec::new()));
                })
                .edit_descriptor(|descriptor| {
                    descriptor.extra.insert("version".to_owned(), json!("2"));
                    let installable = descriptor.capabilities.installable.as_mut().unwrap();
                    assert_eq!(installable.callback_url.as_deref(), Some("/installed"));
                    installable.updated_url = Some("/changed".to_owned());
                }),
        );
        assert_eq!(descriptor["version"], "2");
        let capabilities = &descriptor["capabilities"];
        for (pointer, expected) in [
            ("/installable/callbackUrl", "/installed"),
            ("/installable/updatedUrl", "/changed"),
            ("/webPanel/0/url", "/own"),
            ("/webPanel/0/icon/url", "/own.svg"),
            ("/webPanel/0/icon/url@2x", "/own.svg"),
            ("/hipchatApiConsumer/avatar", "/face.png"),
        ] {
            let url = capabilities.pointer(pointer).and_then(Value::as_str);
            let expected = format!("https://add-on.example.com/sub{expected}");
            assert_eq!(url, Some(expected.as_str()), "{pointer}");
        }
    }

    #[test]
    fn edited_descriptor_is_checked() {
        let error = AddOn::new("com.example.edited", "Edited")
            .edit_descriptor(|descriptor| descriptor.name.clear())
            .build("https://add-on.example.com")
            .unwrap_err();
        assert!(error.to_string().contains("/name"), "{error}");
    }
}
