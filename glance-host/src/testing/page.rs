//! Pages of add-ons, as a person opens them in a test.
#![allow(clippy::panic)]

mod forms;

use std::sync::Arc;

use glance_sdk::model::{Authentication, OauthId};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response, StatusCode, Url};
use serde::{Deserialize as _, Serialize};
use serde_json::json;

use super::{TestViewer, http_client, must};
use crate::model::access;
use crate::model::{Entry, Installed, Room, User};
use crate::service::targets::{OpenRequest, TargetError};

use forms::Form;

/// The header in which scripts of a page send its token and receive the next.
const PAGE_TOKEN: &str = "x-acpt";

impl TestViewer {
    /// Opens the panel, dialog, external page, or target of a glance with this key in an add-on of the room.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::axum::Form;
    /// use glance_sdk::axum::response::Html;
    /// use glance_sdk::prelude::*;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Swap { with: String }
    ///
    /// async fn swap(request: SignedRequest) -> Html<String> {
    ///     let token = request.page_token_field();
    ///     Html(format!("<form method='post' action='../swaps'>{token}<input name='with'></form>"))
    /// }
    ///
    /// async fn swapped(viewer: Viewer, Form(swap): Form<Swap>) -> String {
    ///     format!("user {} swaps with {}", viewer.user_id, swap.with)
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let host = Host::start().await;
    /// let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.on-call", "On call")
    ///     .web_panel("swap", "Swap", get(swap))
    ///     .route("/swaps", post(swapped));
    /// let _add_on = room.install(add_on).await;
    ///
    /// let page = room.viewer("ann").await.open("swap").await;
    /// let answer = page.submit(&[("with", "bob")]).await;
    /// assert!(answer.text().ends_with("swaps with bob"));
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if no add-on of the room has this key, several have ([`open_of`](Self::open_of) opens one of them), or
    /// the add-on cannot be called.
    pub async fn open(&self, key: &str) -> TestPage {
        let mut opened = Vec::new();
        let mut refused = Vec::new();
        for installed in self.installations().await {
            let request = json!({ "addOn": installed.descriptor.key, "key": key });
            match self.url_of(request).await {
                Ok(url) => opened.push((installed.descriptor.key, url)),
                Err(why) => refused.push(format!("{}: {why}", installed.descriptor.key)),
            }
        }
        match &opened[..] {
            [(_, url)] => TestPage::get(url).await,
            [] => panic!("nothing opens with the key {key:?}: {refused:?}"),
            several => panic!(
                "several add-ons have the key {key:?}, choose one with open_of: {:?}",
                several.iter().map(|(add_on, _)| add_on).collect::<Vec<_>>()
            ),
        }
    }

    /// Opens a module of this add-on like [`open`](Self::open). The add-on is a [`TestAddOn`](super::TestAddOn), or
    /// the result of [`install_url`](super::TestRoom::install_url).
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let panel = |text: &'static str| get(move || async move { text });
    /// let ci = AddOn::new("com.example.ci", "CI").web_panel("about", "About", panel("Builds"));
    /// let ci = room.install(ci).await;
    /// let rota = AddOn::new("com.example.rota", "Rota").web_panel("about", "About", panel("On call"));
    /// let _rota = room.install(rota).await;
    /// let ann = room.viewer("ann").await;
    /// assert_eq!(ann.open_of(&ci, "about").await.text(), "Builds");
    ///
    /// // An add-on that the test serves itself.
    /// let tasks = AddOn::new("com.example.tasks", "Tasks").web_panel("about", "About", panel("To do"));
    /// let server = tasks.listen("127.0.0.1", 0, None).await?;
    /// let descriptor = format!("{}/", server.base_url());
    /// tokio::spawn(server.run(std::future::pending()));
    /// let tasks = room.install_url(&descriptor).await?;
    /// assert_eq!(ann.open_of(&tasks, "about").await.text(), "To do");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the add-on has no such key, or cannot be called.
    pub async fn open_of(&self, add_on: &impl AsRef<Installed>, key: &str) -> TestPage {
        let request = json!({ "addOn": add_on.as_ref().descriptor.key, "key": key });
        let url = self.url_of(request).await;
        TestPage::get(&must(url, "the page cannot be opened")).await
    }

    /// Opens the configuration page of an add-on: a [`TestAddOn`](super::TestAddOn) or the result of
    /// [`install_url`](super::TestRoom::install_url).
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let settings = get(|viewer: Viewer| async move { format!("for user {}", viewer.user_id) });
    /// let add_on = AddOn::new("com.example.ci", "CI").configuration_page(settings);
    /// let add_on = room.install(add_on).await;
    /// let admin = host.user("ann", |user| user.is_admin = true).await;
    /// let page = room.viewer("ann").await.configure(&add_on).await;
    /// assert_eq!(page.text(), format!("for user {}", admin.id));
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the add-on has none, this person may not open it, or the add-on cannot be called.
    pub async fn configure(&self, add_on: &impl AsRef<Installed>) -> TestPage {
        let installed = self.installed(&add_on.as_ref().oauth_id).await;
        let Some(page) = &installed.descriptor.capabilities.configurable else {
            panic!("{} has no configuration page", installed.descriptor.key);
        };
        let (room, user) = (self.room().await, self.user().await);
        let is_open_to_rooms =
            installed.room_id.is_some() || page.allow_access_to_room_admins == Some(true);
        let may_open = user.is_admin || is_open_to_rooms && access::manages(&user, &room);
        assert!(
            may_open,
            "{} may not set up {}",
            user.name, installed.descriptor.key
        );
        self.get_signed(&installed, &page.url, page.authentication(), &room, &user)
            .await
    }

    /// Opens the admin page of an add-on.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.ci", "CI").admin_page(get(|| async { "All rooms" }));
    /// let add_on = host.install_everywhere(add_on).await;
    /// host.user("ann", |user| user.is_admin = true).await;
    /// assert_eq!(room.viewer("ann").await.administer(&add_on).await.text(), "All rooms");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the add-on has none, this person is no admin, or the add-on cannot be called.
    pub async fn administer(&self, add_on: &impl AsRef<Installed>) -> TestPage {
        let installed = self.installed(&add_on.as_ref().oauth_id).await;
        let Some(page) = &installed.descriptor.capabilities.admin_page else {
            panic!(
                "{} has no page for administrators",
                installed.descriptor.key
            );
        };
        let (room, user) = (self.room().await, self.user().await);
        assert!(user.is_admin, "{} is no administrator", user.name);
        self.get_signed(&installed, &page.url, &Authentication::Jwt, &room, &user)
            .await
    }

    /// Returns the keys of the actions beside the input field, in their order.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::model::{Action, ActionLocation};
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.ci", "CI")
    ///     .dialog("build", "Build", get(|| async { "Which branch?" }))
    ///     .action(Action::new("start", "Start a build", ActionLocation::Input, "build"));
    /// let _add_on = room.install(add_on).await;
    /// let viewer = room.viewer("ann").await;
    /// assert_eq!(viewer.actions().await, ["start"]);
    /// assert_eq!(viewer.act("start").await.text(), "Which branch?");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn actions(&self) -> Vec<String> {
        self.offered(None).await
    }

    /// Returns the keys of the actions in the menu of a message, in their order.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::model::{Action, ActionLocation};
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.reminder", "Reminder")
    ///     .dialog("remind", "Remind me", get(|| async { "When?" }))
    ///     .action(Action::new("remind-me", "Remind me", ActionLocation::Message, "remind"));
    /// let _add_on = room.install(add_on).await;
    /// let message = room.says("bob", "Let us deploy on Friday.").await;
    /// let viewer = room.viewer("ann").await;
    /// assert_eq!(viewer.actions_on(&message).await, ["remind-me"]);
    /// assert_eq!(viewer.act_on(&message, "remind-me").await.text(), "When?");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the message is not in the room, or the database fails.
    pub async fn actions_on(&self, message: &Entry) -> Vec<String> {
        self.offered(Some(&message.id)).await
    }

    /// Runs an action beside the input field and opens its target.
    ///
    /// # Panics
    ///
    /// Panics if it is not offered, or the add-on cannot be called.
    pub async fn act(&self, action: &str) -> TestPage {
        self.run_action(None, action).await
    }

    /// Runs an action in the menu of a message and opens its target.
    ///
    /// # Panics
    ///
    /// Panics if it is not offered, or the add-on cannot be called.
    pub async fn act_on(&self, message: &Entry, action: &str) -> TestPage {
        self.run_action(Some(&message.id), action).await
    }

    async fn run_action(&self, message: Option<&str>, action: &str) -> TestPage {
        let (room, user) = (self.room().await, self.user().await);
        let offered = self.offered_actions(&room, &user, message).await;
        let Some((add_on, _)) = offered.iter().find(|(_, key)| key == action) else {
            panic!("the action {action:?} is not offered; there are {offered:?}");
        };
        let request = json!({ "addOn": add_on, "action": action, "message": message });
        let url = self.url_of(request).await;
        TestPage::get(&must(url, "the action opens nothing")).await
    }

    async fn offered(&self, message: Option<&str>) -> Vec<String> {
        let (room, user) = (self.room().await, self.user().await);
        let offered = self.offered_actions(&room, &user, message).await;
        offered.into_iter().map(|(_, key)| key).collect()
    }

    /// Returns the add-ons and keys of the actions that are offered, by weight: on the message with this id, or
    /// beside the input field without one.
    async fn offered_actions(
        &self,
        room: &Room,
        user: &User,
        message: Option<&str>,
    ) -> Vec<(String, String)> {
        let offered = async {
            let message = match message {
                Some(id) => {
                    let found = self.app.actions.find_message(room, id).await?;
                    Some(Arc::new(found.ok_or(TargetError::NoMessage)?))
                }
                None => None,
            };
            let offered = self.app.actions.offered(room, user, message.as_ref());
            Ok::<_, TargetError>(offered.await?)
        };
        let offered = offered.await.map_err(|error| error.to_string());
        let names = must(offered, "no actions").into_iter().map(|offered| {
            let add_on = offered.installed.descriptor.key.clone();
            (add_on, offered.action.key)
        });
        names.collect()
    }

    /// Returns the URL that the room page would open, signed for this person.
    async fn url_of(&self, request: serde_json::Value) -> Result<String, String> {
        let (room, user) = (self.room().await, self.user().await);
        let request = OpenRequest::deserialize(request).map_err(|cause| cause.to_string())?;
        let opened = self.app.targets.open(&room, &user, request, false).await;
        let opened = opened.map_err(|error| error.to_string())?;
        Ok(opened["url"].as_str().unwrap_or_default().to_owned())
    }

    async fn get_signed(
        &self,
        installed: &Installed,
        url: &str,
        authentication: &Authentication,
        room: &Room,
        user: &User,
    ) -> TestPage {
        let room = installed.room_id.is_some().then_some(room.id);
        let url = self
            .app
            .addon_calls
            .page_url(installed, url, authentication, room, user);
        TestPage::get(must(url, "the page cannot be opened").as_str()).await
    }

    async fn installed(&self, oauth_id: &OauthId) -> Installed {
        match must(
            self.app.storage.installation(oauth_id).await,
            "no installation",
        ) {
            Some(installed) => Arc::unwrap_or_clone(installed),
            None => panic!("the add-on is no longer installed"),
        }
    }

    async fn installations(&self) -> Vec<Installed> {
        must(
            self.app.storage.installations_in(self.room).await,
            "no installations",
        )
    }

    async fn room(&self) -> Room {
        match must(self.app.storage.room(self.room).await, "no room") {
            Some(room) => room,
            None => panic!("the room is gone"),
        }
    }

    async fn user(&self) -> User {
        match must(self.app.storage.user(self.user).await, "no user") {
            Some(user) => user,
            None => panic!("the person was removed"),
        }
    }
}

/// A page of an add-on that a person opened in a test, or the response to what they did there.
///
/// ```
/// use glance_host::Host;
/// use glance_sdk::prelude::*;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// let add_on = AddOn::new("com.example.ci", "CI").web_panel("builds", "Builds", get(|| async { "2 broken" }));
/// let _add_on = room.install(add_on).await;
/// let page = room.viewer("ann").await.open("builds").await;
/// assert_eq!(page.status(), 200);
/// assert_eq!(page.text(), "2 broken");
/// # });
/// ```
#[derive(Debug)]
pub struct TestPage {
    url: Url,
    status: StatusCode,
    content_type: String,
    text: String,
    token: Option<String>,
}

impl TestPage {
    async fn get(url: &str) -> Self {
        let answer = http_client().get(url).send().await;
        Self::read(must(answer, "the add-on cannot be called"), None).await
    }

    async fn read(answer: Response, token: Option<&str>) -> Self {
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        Self {
            url: answer.url().clone(),
            status: answer.status(),
            content_type: header(CONTENT_TYPE.as_str()).unwrap_or_default(),
            token: header(PAGE_TOKEN).or_else(|| token.map(ToOwned::to_owned)),
            text: must(answer.text().await, "the answer cannot be read"),
        }
    }

    /// Returns the URL of the page, with the signed request.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the body: HTML for most pages.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the body as JSON.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::axum::Json;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let data = get(|| async { Json(serde_json::json!({ "broken": 2 })) });
    /// let _add_on = room.install(AddOn::new("com.example.ci", "CI").web_panel("data", "Data", data)).await;
    /// assert_eq!(room.viewer("ann").await.open("data").await.json()["broken"], 2);
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the body is not JSON of this type.
    pub fn json(&self) -> serde_json::Value {
        let read = serde_json::from_str(&self.text);
        must(read, &format!("{:?} is no JSON", self.text))
    }

    /// Returns the token that the page's scripts send in the header `x-acpt`, from the latest response.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Submits the form that has fields with all these names, like a browser: other fields keep the values of the
    /// page. Without names it submits the first form.
    ///
    /// # Panics
    ///
    /// Panics if the page is not HTML or has no such form, or the add-on cannot be called.
    pub async fn submit(&self, fields: &[(&str, &str)]) -> Self {
        assert!(
            self.content_type.starts_with("text/html"),
            "a page of {:?} has no forms: {}",
            self.content_type,
            self.text
        );
        let forms = Form::all(&self.text);
        let Some(form) = forms.iter().find(|form| form.has(fields)) else {
            panic!(
                "no form has the fields {fields:?}; there are {forms:#?} in {}",
                self.text
            );
        };
        let url = match form.action.as_str() {
            "" => Ok(self.url.clone()),
            action => self.url.join(action),
        };
        let mut url = must(url, "the form has no address");
        let values = form.fill(fields);
        let request = match form.is_post {
            true => http_client().post(url).form(&values),
            false => {
                url.query_pairs_mut().clear().extend_pairs(values);
                http_client().get(url)
            }
        };
        let answer = request.send().await;
        Self::read(must(answer, "the add-on cannot be called"), self.token()).await
    }

    /// Requests a path of the add-on like the page's scripts, with its token in the header `x-acpt`.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_host::testing::TestPage;
    /// use glance_sdk::axum::http::Method;
    /// use glance_sdk::axum::response::Html;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// async fn panel(request: SignedRequest) -> Html<String> {
    ///     Html(format!("<meta name='token' content='{}'>", request.page_token()))
    /// }
    ///
    /// async fn vote(viewer: Viewer) -> String {
    ///     format!("user {} voted", viewer.user_id)
    /// }
    ///
    /// let add_on = AddOn::new("com.example.votes", "Votes")
    ///     .web_panel("votes", "Votes", get(panel))
    ///     .route("/votes", post(vote));
    /// let _add_on = room.install(add_on).await;
    /// let page = room.viewer("ann").await.open("votes").await;
    /// let answer: TestPage = page.fetch(Method::POST, "/votes").await;
    /// assert!(answer.text().ends_with("voted"));
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the page has no token, or the add-on cannot be called.
    pub async fn fetch(&self, method: Method, path: &str) -> Self {
        self.send(method, path, None::<&()>).await
    }

    /// Sends JSON to a path of the add-on like the page's scripts, see [`fetch`](Self::fetch).
    ///
    /// # Panics
    ///
    /// Panics like [`fetch`](Self::fetch).
    pub async fn fetch_json(&self, method: Method, path: &str, body: &impl Serialize) -> Self {
        self.send(method, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Self {
        let Some(token) = self.token() else {
            panic!("the page at {} brought no token", self.url.path());
        };
        let url = must(self.url.join(path), "this is no path");
        let mut request = http_client().request(method, url).header(PAGE_TOKEN, token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = must(request.send().await, "the add-on cannot be called");
        Self::read(answer, Some(token)).await
    }
}
