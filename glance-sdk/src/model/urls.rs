//! Finds the URLs in the data that an add-on sends. Authors may write paths of the add-on, which
//! are completed before sending.

use serde_json::Value;

use super::notification::{Attribute, AttributeValue, Card};
use super::{
    Action, Descriptor, Glance, GlanceData, Icon, Installable, Notification, Picture, Status,
    Webhook,
};

/// A type that contains URLs.
pub(crate) trait Urls {
    /// Calls `visit` with each URL, which it may change.
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String));
}

impl<T: Urls> Urls for Option<T> {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        if let Some(inner) = self {
            inner.visit_urls(visit);
        }
    }
}

impl<T: Urls> Urls for Vec<T> {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        for inner in self {
            inner.visit_urls(visit);
        }
    }
}

impl Urls for String {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(self);
    }
}

impl Urls for Icon {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.url.visit_urls(visit);
        self.url_2x.visit_urls(visit);
    }
}

impl Urls for Picture {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Url(url) => visit(url),
            Self::Icon(icon) => icon.visit_urls(visit),
            Self::Other(_) => {}
        }
    }
}

impl<M> Urls for GlanceData<M> {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match &mut self.status {
            Some(Status::Icon(icon)) => icon.visit_urls(visit),
            Some(Status::Other(status)) => visit_status(status, visit),
            Some(Status::Lozenge(_)) | None => {}
        }
    }
}

/// Visits the URLs in glance data as JSON.
impl Urls for Value {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        if let Some(status) = self.get_mut("status") {
            visit_status(status, visit);
        }
    }
}

fn visit_status(status: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    if status.get("type").is_none_or(|kind| kind != "icon") {
        return;
    }
    let Some(icon) = status.get_mut("value").and_then(Value::as_object_mut) else {
        return;
    };
    for name in ["url", "url@2x"] {
        if let Some(Value::String(url)) = icon.get_mut(name) {
            visit(url);
        }
    }
}

impl Urls for Notification {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.card.visit_urls(visit);
    }
}

impl Urls for Card {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.url.visit_urls(visit);
        if let Some(thumbnail) = &mut self.thumbnail {
            thumbnail.url.visit_urls(visit);
            thumbnail.url_2x.visit_urls(visit);
        }
        self.icon.visit_urls(visit);
        if let Some(activity) = &mut self.activity {
            activity.icon.visit_urls(visit);
        }
        self.attributes.visit_urls(visit);
    }
}

impl Urls for Attribute {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        let AttributeValue { url, icon, .. } = &mut self.value;
        url.visit_urls(visit);
        icon.visit_urls(visit);
    }
}

impl Urls for Glance {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.icon.visit_urls(visit);
        self.query_url.visit_urls(visit);
    }
}

impl Urls for Webhook {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.url);
    }
}

impl Urls for Installable {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        for url in [
            &mut self.callback_url,
            &mut self.update_callback_url,
            &mut self.installed_url,
            &mut self.uninstalled_url,
            &mut self.updated_url,
        ] {
            url.visit_urls(visit);
        }
    }
}

/// Visits all URLs except those of the descriptor itself and of the vendor.
impl Urls for Descriptor {
    fn visit_urls(&mut self, visit: &mut dyn FnMut(&mut String)) {
        if let Some(links) = &mut self.links {
            links.homepage.visit_urls(visit);
        }
        let capabilities = &mut self.capabilities;
        capabilities.installable.visit_urls(visit);
        if let Some(consumer) = &mut capabilities.hipchat_api_consumer {
            consumer.avatar.visit_urls(visit);
        }
        if let Some(page) = &mut capabilities.configurable {
            visit(&mut page.url);
        }
        if let Some(page) = &mut capabilities.admin_page {
            visit(&mut page.url);
        }
        capabilities.glance.visit_urls(visit);
        for panel in capabilities.web_panel.iter_mut().flatten() {
            visit(&mut panel.url);
            panel.icon.visit_urls(visit);
        }
        for dialog in capabilities.dialog.iter_mut().flatten() {
            visit(&mut dialog.url);
        }
        for page in capabilities.external_page.iter_mut().flatten() {
            visit(&mut page.url);
        }
        for webhook in capabilities.webhooks_mut() {
            webhook.visit_urls(visit);
        }
    }
}

impl Urls for Action {
    /// An action names the key of a page.
    fn visit_urls(&mut self, _: &mut dyn FnMut(&mut String)) {}
}
