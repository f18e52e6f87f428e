//! The pages of an add-on. A host opens each with a signed request.

use std::sync::Arc;

use axum::RequestPartsExt;
use axum::extract::Request;
use axum::http::header::{self, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::MethodRouter;
use tracing::Span;

use super::observe::{Kind, identify, observe, request_span};
use super::{AddOn, page_tokens};
use crate::extract::SignedRequest;
use crate::model::{
    AdminPage, Authentication, Capabilities, Configurable, Dialog, ExternalPage, Text, WebPanel,
};
use crate::validate::is_extension_key;

/// A page of any kind, the argument of [`AddOn::page`].
///
/// ```
/// use glance_sdk::addon::Page;
/// use glance_sdk::model::{Icon, WebPanel};
/// use glance_sdk::prelude::*;
///
/// let panel = WebPanel::new("builds", "Builds", "").icon(Icon::new("https://example.com/builds.svg"));
/// let add_on = AddOn::new("com.example.builds", "Builds")
///     .page(Page::from(panel), get(|| async { "All is well" }));
/// # add_on.build("https://builds.example.com").unwrap();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Page {
    /// A page in the sidebar.
    WebPanel(WebPanel),
    /// A page in a window over the chat.
    Dialog(Box<Dialog>),
    /// A page in a separate window.
    ExternalPage(ExternalPage),
    /// The page on which people configure the add-on.
    Configuration(Configurable),
    /// The page on which administrators of the group manage the add-on.
    Administration(AdminPage),
}

impl From<WebPanel> for Page {
    fn from(page: WebPanel) -> Self {
        Self::WebPanel(page)
    }
}

impl From<Dialog> for Page {
    fn from(page: Dialog) -> Self {
        Self::Dialog(Box::new(page))
    }
}

impl From<ExternalPage> for Page {
    fn from(page: ExternalPage) -> Self {
        Self::ExternalPage(page)
    }
}

impl From<Configurable> for Page {
    fn from(page: Configurable) -> Self {
        Self::Configuration(page)
    }
}

impl From<AdminPage> for Page {
    fn from(page: AdminPage) -> Self {
        Self::Administration(page)
    }
}

impl<S: Clone + Send + Sync + 'static> AddOn<S> {
    /// Adds a page in the sidebar, which a glance or an action opens as its `target`. The add-on
    /// refuses unsigned requests to the page, whatever their method; handlers read the claims with
    /// [`SignedRequest`]. For an icon, a weight or conditions use [`page`](Self::page).
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// async fn panel(request: SignedRequest) -> String {
    ///     format!("The builds of room {:?}", request.room_id())
    /// }
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .web_panel("builds", "Builds", get(panel))
    ///     .build("https://builds.example.com")?;
    /// let panel = built.descriptor().web_panel("builds").unwrap();
    /// assert_eq!(panel.url, "https://builds.example.com/panel/builds");
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn web_panel(
        self,
        key: impl Into<String>,
        name: impl Into<Text>,
        pages: MethodRouter<S>,
    ) -> Self {
        self.page(WebPanel::new(key, name, ""), pages)
    }

    /// Adds a page in a window over the chat: medium-sized, with a button that closes it. For other
    /// options use [`page`](Self::page). Requests must be signed, as for a
    /// [`web_panel`](Self::web_panel).
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// let built = AddOn::new("com.example.reminder", "Reminder")
    ///     .dialog("remind", "Remind me", get(|| async { "When?" }))
    ///     .build("https://reminder.example.com")?;
    /// let dialog = built.descriptor().dialog("remind").unwrap();
    /// assert_eq!(dialog.url, "https://reminder.example.com/dialog/remind");
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn dialog(
        self,
        key: impl Into<String>,
        title: impl Into<Text>,
        pages: MethodRouter<S>,
    ) -> Self {
        self.page(Dialog::new(key, title, ""), pages)
    }

    /// Adds a page that opens in a separate window. Requests must be signed, as for a
    /// [`web_panel`](Self::web_panel).
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .external_page("report", "Report", get(|| async { "All builds of this year" }))
    ///     .build("https://builds.example.com")?;
    /// let page = &built.descriptor().capabilities.external_pages()[0];
    /// assert_eq!(page.url, "https://builds.example.com/page/report");
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn external_page(
        self,
        key: impl Into<String>,
        name: impl Into<Text>,
        pages: MethodRouter<S>,
    ) -> Self {
        let mut page = ExternalPage::new(key, "");
        page.name = Some(name.into());
        self.page(page, pages)
    }

    /// Adds the page on which people configure the add-on. Requests must be signed, as for a
    /// [`web_panel`](Self::web_panel); they name no room if the whole group has installed the
    /// add-on.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// async fn settings(viewer: Viewer) -> String {
    ///     format!("Which builds does room {:?} watch?", viewer.room_id)
    /// }
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .configuration_page(get(settings))
    ///     .build("https://builds.example.com")?;
    /// let page = built.descriptor().capabilities.configurable.as_ref().unwrap();
    /// assert_eq!(page.url, "https://builds.example.com/configuration");
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn configuration_page(self, pages: MethodRouter<S>) -> Self {
        self.page(Configurable::new(""), pages)
    }

    /// Adds the page on which administrators of the group manage the add-on. Requests must be
    /// signed, as for a [`web_panel`](Self::web_panel).
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .admin_page(get(|| async { "Which rooms watch builds" }))
    ///     .build("https://builds.example.com")?;
    /// let page = built.descriptor().capabilities.admin_page.as_ref().unwrap();
    /// assert_eq!(page.url, "https://builds.example.com/administration");
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn admin_page(self, pages: MethodRouter<S>) -> Self {
        self.page(AdminPage::new(""), pages)
    }

    /// Adds a page with all options of its descriptor entry. The add-on fills in the `url`: leave
    /// it empty, or set a query with variables that the host fills in.
    ///
    /// ```
    /// use glance_sdk::model::{Action, ActionLocation, Dialog, DialogOptions, NamedSize};
    /// use glance_sdk::prelude::*;
    ///
    /// async fn remind(request: SignedRequest) -> String {
    ///     format!("Remind {:?} of it", request.user_id())
    /// }
    ///
    /// let dialog = Dialog::new("remind", "Remind me", "?message={message.mid}")
    ///     .options(DialogOptions::default().size(NamedSize::Small));
    ///
    /// let built = AddOn::new("com.example.reminder", "Reminder")
    ///     .page(dialog, get(remind))
    ///     .action(Action::new("remind-me", "Remind me", ActionLocation::Message, "remind"))
    ///     .build("https://reminder.example.com")?;
    /// assert_eq!(
    ///     built.descriptor().dialog("remind").unwrap().url,
    ///     "https://reminder.example.com/dialog/remind?message={message.mid}"
    /// );
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn page(mut self, page: impl Into<Page>, pages: MethodRouter<S>) -> Self {
        let mut page = page.into();
        let path = page.path();
        let what = page.what();
        if self.pages.iter().any(|other| other.path() == path) {
            let twice =
                format!("the {what} is declared twice; give one another key, or remove one");
            self.problems.push(twice);
        } else if page.key().is_none_or(is_extension_key) {
            let route: Arc<str> = path.as_str().into();
            let pages = pages.layer(from_fn(move |request: Request, next: Next| {
                answer(Arc::clone(&route), request, next)
            }));
            self = self.route(&path, pages);
        }
        if page.is_unsigned() {
            self.problems.push(format!(
                "the {what} is declared with `authentication` none, but its handlers need signed \
                 requests; remove it, or serve a URL of your own with `route`"
            ));
        }
        let url = page.url();
        match url.as_str() {
            "" => *url = path,
            query if query.starts_with('?') => *url = path + query,
            other => self.problems.push(format!(
                "the {what} has the `url` \"{other}\", but the add-on fills it in; leave it empty, \
                 or set a query such as ?message={{message.mid}}"
            )),
        }
        self.pages.push(page);
        self
    }
}

impl Page {
    fn path(&self) -> String {
        match self {
            Self::WebPanel(page) => format!("/panel/{}", page.key),
            Self::Dialog(page) => format!("/dialog/{}", page.key),
            Self::ExternalPage(page) => format!("/page/{}", page.key),
            Self::Configuration(_) => "/configuration".to_owned(),
            Self::Administration(_) => "/administration".to_owned(),
        }
    }

    fn what(&self) -> String {
        match self {
            Self::WebPanel(page) => format!("web panel `{}`", page.key),
            Self::Dialog(page) => format!("dialog `{}`", page.key),
            Self::ExternalPage(page) => format!("external page `{}`", page.key),
            Self::Configuration(_) => "configuration page".to_owned(),
            Self::Administration(_) => "admin page".to_owned(),
        }
    }

    fn key(&self) -> Option<&str> {
        match self {
            Self::WebPanel(page) => Some(&page.key),
            Self::Dialog(page) => Some(&page.key),
            Self::ExternalPage(page) => Some(&page.key),
            Self::Configuration(_) | Self::Administration(_) => None,
        }
    }

    fn url(&mut self) -> &mut String {
        match self {
            Self::WebPanel(page) => &mut page.url,
            Self::Dialog(page) => &mut page.url,
            Self::ExternalPage(page) => &mut page.url,
            Self::Configuration(page) => &mut page.url,
            Self::Administration(page) => &mut page.url,
        }
    }

    fn is_unsigned(&self) -> bool {
        let authentication = match self {
            Self::WebPanel(page) => page.authentication(),
            Self::Dialog(page) => page.authentication(),
            Self::Configuration(page) => page.authentication(),
            Self::ExternalPage(_) | Self::Administration(_) => return false,
        };
        *authentication == Authentication::None
    }

    /// Adds the page to the descriptor.
    pub(super) fn declare(self, capabilities: &mut Capabilities) {
        match self {
            Self::WebPanel(page) => capabilities.web_panel.get_or_insert_default().push(page),
            Self::Dialog(page) => capabilities.dialog.get_or_insert_default().push(*page),
            Self::ExternalPage(page) => {
                capabilities
                    .external_page
                    .get_or_insert_default()
                    .push(page);
            }
            Self::Configuration(page) => capabilities.configurable = Some(page),
            Self::Administration(page) => capabilities.admin_page = Some(page),
        }
    }
}

async fn answer(route: Arc<str>, request: Request, next: Next) -> Response {
    let method = request.method();
    let span = request_span!("glance.page", method.as_str(), http.route = &*route);
    let in_span = span.clone();
    observe(
        Kind::Page,
        &route,
        span,
        require_signature(request, next, &in_span),
    )
    .await
}

/// Lets only signed requests through. The response is private to one person; the page's scripts
/// read the token for their next request from it.
async fn require_signature(request: Request, next: Next, span: &Span) -> Response {
    let (mut parts, body) = request.into_parts();
    let signed: SignedRequest = match parts.extract().await {
        Ok(signed) => signed,
        Err(rejection) => return rejection,
    };
    identify(span, &signed);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let referrers = response.headers_mut().entry(header::REFERRER_POLICY);
    referrers.or_insert(HeaderValue::from_static("no-referrer"));
    page_tokens::add(&mut response, &signed);
    response
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use serde_json::json;

    use super::*;
    use crate::model::{Action, ActionLocation, Condition, ConditionName, Icon};

    fn add_on() -> AddOn {
        AddOn::new("com.example.pages", "Pages")
    }

    #[test]
    fn each_kind_of_page_is_declared_in_descriptor() {
        let mut panel = WebPanel::new("list", "List", "");
        panel.icon = Some(Icon::new("/list.svg"));
        panel.weight = Some(7);
        panel.conditions = Some(vec![Condition::named(ConditionName::UserIsAdmin)]);
        let mut configuration = Configurable::new("?for=room");
        configuration.allow_access_to_room_admins = Some(true);
        let built = add_on()
            .avatar("/face.png")
            .page(panel, get(|| async {}))
            .dialog("assign", "Assign", get(|| async {}))
            .external_page("report", "Report", get(|| async {}))
            .page(configuration, get(|| async {}))
            .admin_page(get(|| async {}))
            .action(Action::new("do", "Do", ActionLocation::Input, "assign"))
            .build("https://add-on.example.com")
            .unwrap();
        let mut written = serde_json::to_value(&built.descriptor().capabilities).unwrap();
        let written = written.as_object_mut().unwrap();
        written.remove("installable");
        assert_eq!(
            json!(written),
            json!({
                "hipchatApiConsumer": {
                    "scopes": ["send_notification", "view_group", "view_room"],
                    "avatar": "https://add-on.example.com/face.png",
                },
                "webPanel": [{
                    "key": "list", "name": { "value": "List" },
                    "url": "https://add-on.example.com/panel/list",
                    "location": "hipchat.sidebar.right",
                    "icon": {
                        "url": "https://add-on.example.com/list.svg",
                        "url@2x": "https://add-on.example.com/list.svg",
                    },
                    "weight": 7,
                    "conditions": [{ "condition": "user_is_admin" }],
                }],
                "dialog": [{
                    "key": "assign", "title": { "value": "Assign" },
                    "url": "https://add-on.example.com/dialog/assign",
                }],
                "externalPage": [{
                    "key": "report", "name": { "value": "Report" },
                    "url": "https://add-on.example.com/page/report",
                }],
                "configurable": {
                    "url": "https://add-on.example.com/configuration?for=room",
                    "allowAccessToRoomAdmins": true,
                },
                "adminPage": { "url": "https://add-on.example.com/administration" },
                "action": [{
                    "key": "do", "name": { "value": "Do" }, "location": "hipchat.input.action",
                    "target": "assign",
                }],
            })
        );
    }

    #[test]
    fn page_mistakes_are_reported_together() {
        let mut unsigned = Dialog::new("open", "Open", "");
        unsigned.authentication = Some(Authentication::None);
        let said = add_on()
            .dialog("twice", "Once", get(|| async {}))
            .dialog("twice", "Again", get(|| async {}))
            .admin_page(get(|| async {}))
            .admin_page(get(|| async {}))
            .web_panel("shared", "One", get(|| async {}))
            .external_page("shared", "Other", get(|| async {}))
            .page(unsigned, get(|| async {}))
            .page(WebPanel::new("own", "Own", "/own"), get(|| async {}))
            .dialog("a b", "Space", get(|| async {}))
            .action(Action::new("do", "Do", ActionLocation::Message, "nothing"))
            .build("https://add-on.example.com")
            .unwrap_err()
            .to_string();
        for words in [
            "the dialog `twice` is declared twice",
            "the admin page is declared twice",
            "`shared`",
            "the dialog `open` is declared with `authentication` none",
            "the web panel `own` has the `url` \"/own\"",
            "the key `a b` may have only",
            "/capabilities/action/0/target",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}
