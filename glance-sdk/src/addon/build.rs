//! Turns an [`AddOn`] into its descriptor and router. Reports all mistakes at once.

use std::sync::Arc;

use axum::extract::rejection::NestedPathRejection;
use axum::extract::{DefaultBodyLimit, NestedPath};
use axum::http::HeaderValue;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::Value;

use super::check_urls::Icons;
use super::{AddOn, Page, RemovalChecks, install, missing};
use crate::base_url::BaseUrl;
use crate::client::{Installations, Pusher};
use crate::egress::EgressPolicy;
use crate::extract::{Background, Services};
use crate::glance::entry;
use crate::metadata::Test;
use crate::model::{Descriptor, Glance, HipchatApiConsumer, Target};
use crate::printable::printable;
use crate::store::MemoryStore;
use crate::validate::{self, Severity};
use crate::{Error, ErrorKind, Result};

/// The size limit of installation data, in bytes: the sender is not authenticated yet.
const MAX_INSTALLATION_BYTES: usize = 16 * 1024;

/// An add-on that is ready to serve: its descriptor and its router.
///
/// ```
/// use glance_sdk::AddOn;
///
/// let built = AddOn::new("com.example.builds", "Builds").build("https://example.com/builds/")?;
/// assert_eq!(built.base_url().as_str(), "https://example.com/builds");
/// let installable = built.descriptor().capabilities.installable.as_ref().unwrap();
/// assert_eq!(installable.callback_url.as_deref(), Some("https://example.com/builds/installed"));
/// # Ok::<(), glance_sdk::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Built {
    base_url: BaseUrl,
    descriptor: Descriptor,
    warnings: Vec<String>,
    installations: Installations,
    pusher: Pusher,
    pub(super) removal_checks: Arc<RemovalChecks>,
    router: Router,
}

impl Built {
    /// Returns the descriptor, with absolute URLs.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Returns the base URL, at which hosts reach the add-on.
    pub fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// Returns warnings about things that look wrong but may be right, one sentence each. The log
    /// contains them too. Currently these are icons that no route of the add-on serves: a larger
    /// application may serve them.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
    /// async fn builds() -> GlanceData {
    ///     GlanceData::new(label!("<b>2</b> broken builds"))
    /// }
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let built = add_on.build("https://builds.example.com")?;
    /// assert!(built.warnings()[0].contains("/builds.svg"));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the installations, for tasks outside handlers.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let built = AddOn::new("com.example.builds", "Builds").build("https://builds.example.com")?;
    /// let installations = built.installations().clone();
    /// let report = tokio::spawn(async move { installations.list().await });
    /// assert!(report.await.unwrap()?.is_empty());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn installations(&self) -> &Installations {
        &self.installations
    }

    /// Returns the pusher that handlers extract, for tasks outside handlers.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use glance_sdk::addon::{Built, interrupted};
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "/i.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("x")) }
    /// # async fn broken_builds() -> u32 { 2 }
    /// async fn watch(add_on: Built) -> glance_sdk::Result<()> {
    ///     loop {
    ///         let broken = broken_builds().await;
    ///         for installation in add_on.installations().list().await? {
    ///             let data = GlanceData::new(label!("<b>{broken}</b> broken builds"));
    ///             add_on.pusher().push::<builds>(installation.oauth_id(), To::Group, data)?;
    ///         }
    ///         tokio::time::sleep(Duration::from_secs(60)).await;
    ///     }
    /// }
    ///
    /// # async fn example() -> glance_sdk::Result<()> {
    /// let server = AddOn::new("com.example.builds", "Builds").glance::<builds>().listen_from_env().await?;
    /// tokio::spawn(watch(server.add_on().clone()));
    /// server.run(interrupted()).await
    /// # }
    /// ```
    pub fn pusher(&self) -> &Pusher {
        &self.pusher
    }

    /// Returns the router, to nest it in another router or to serve it yourself.
    ///
    /// Nest it at the path of the base URL. [`Router::nest_service`] serves the descriptor with and
    /// without a trailing slash, [`Router::nest`] only without; the descriptor contains the URL
    /// that works with both.
    ///
    /// ```
    /// use glance_sdk::axum::Router;
    /// use glance_sdk::prelude::*;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds").build("https://example.com/builds")?;
    /// let app: Router = Router::new().nest_service("/builds", built.into_router());
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    ///
    /// The router alone lacks the protections that [`Server::run`](super::Server::run) adds. Serve
    /// it with [`HttpServer`](crate::serve::HttpServer) and
    /// [`limit_bodies`](crate::serve::limit_bodies), as in the example there, to get:
    ///
    /// - timeouts for the head and the body of a request, for idle connections, and for clients
    ///   that do not read: with `axum::serve`, a client that stops within a head keeps its
    ///   connection until it leaves;
    /// - limits on the number of connections and on the memory of concurrent requests;
    /// - the response 400 to a request with two `Host` headers, or with another host in its target
    ///   than in its header;
    /// - handlers that run to completion after the client has disconnected.
    ///
    /// After the server has ended, call [`Pusher::shutdown`], which sends the last pushes; take the
    /// [pusher](Self::pusher) before you call this method.
    ///
    /// Hosts send their tokens in the query of the URL, as `signed_request`, so do not log queries.
    /// `TraceLayer` of tower-http records the whole URL in its span; give it `make_span_with` and a
    /// span that contains only `request.uri().path()`.
    ///
    /// The first signed request starts the add-on's background tasks, for example the one that asks
    /// hosts about unproven removals.
    pub fn into_router(self) -> Router {
        self.router
    }

    /// Returns the same add-on with a changed router.
    pub(super) fn map_router(self, change: impl FnOnce(Router) -> Router) -> Self {
        Self {
            router: change(self.router),
            ..self
        }
    }
}

impl<S> AddOn<S> {
    fn check_icons(&mut self, icons: &mut Icons) {
        for (glance, _) in self.glances.iter_mut().chain(&mut self.runtime_glances) {
            let what = format!("the icon of the glance `{}`", glance.key);
            icons.check(&what, &mut glance.icon);
        }
        for page in &mut self.pages {
            if let Page::WebPanel(page) = page {
                let what = format!("the icon of the web panel `{}`", page.key);
                icons.check(&what, &mut page.icon);
            }
        }
        icons.check("the avatar", &mut self.avatar);
    }
}

impl<S: Clone + Send + Sync + 'static> AddOn<S> {
    /// Checks the add-on, writes its descriptor and creates its router. Hosts reach it at
    /// `base_url`, for example `https://add-on.example.com`.
    ///
    /// ```
    /// use glance_sdk::{AddOn, ErrorKind};
    ///
    /// let error = AddOn::new("two words", "").build("builds.example.com").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Configuration);
    /// for problem in error.to_string().lines() {
    ///     println!("{problem}");
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] with a list of all mistakes.
    pub fn build(mut self, base_url: &str) -> Result<Built> {
        let mut problems = std::mem::take(&mut self.problems);
        let base_url = BaseUrl::new(base_url).unwrap_or_else(|error| {
            problems.push(error.to_string());
            BaseUrl::stand_in()
        });
        let paths = std::mem::take(&mut self.paths);
        let mut icons = Icons::new(&paths);
        self.check_icons(&mut icons);
        let warnings = icons.finish(&mut problems);
        let descriptor = self.write_descriptor(&base_url, &mut problems);
        let runtime_glances = std::mem::take(&mut self.runtime_glances);
        let mut runtime_glances = write_glances(runtime_glances, &mut problems);
        base_url.join_all(&mut runtime_glances);
        let document = write(&descriptor)?;
        let nested_document = write(&without_slash(&descriptor))?;
        let everything = everything(&descriptor, &runtime_glances)?;
        for problem in validate::descriptor(&everything) {
            // Hosts tolerate these in old add-ons, but in a new add-on they are mistakes.
            if problem.severity == Severity::Error || problem.code == "dangling-target" {
                let key = key_of(&everything, &problem.pointer);
                problems.push(match key {
                    Some(key) => format!("`{}` at {problem}", printable(key)),
                    None => problem.to_string(),
                });
            }
        }
        if !problems.is_empty() {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "the add-on {} is not complete:\n  {}",
                    self.key,
                    problems.join("\n  ")
                ),
            ));
        }
        let store = self
            .store
            .unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let policy = EgressPolicy::internet()
            .setting(self.networks_setting)
            .allow_networks(self.networks)
            .allow_loopback_for(base_url.as_str());
        let mut installations = Installations::offering(store, Some(runtime_glances), policy)?
            .with_hosts(self.hooks.hosts.clone())?
            .with_base_url(base_url.clone());
        if let Some(headers) = self.call_headers {
            installations = installations.with_headers(headers);
        }
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let pusher = Pusher::new(installations.clone());
        let hooks = Arc::new(self.hooks);
        let removal_checks = RemovalChecks::new(installations.clone(), Arc::clone(&hooks));
        self.services.fill(Services {
            base_url: base_url.clone(),
            installations: installations.clone(),
            pusher: pusher.clone(),
            background: Background::new({
                let removal_checks = Arc::clone(&removal_checks);
                move || removal_checks.start()
            }),
            #[cfg(feature = "replay-cache")]
            replays: self.refuses_replays.then(Arc::default),
        });
        let router = self
            .router
            .route(
                "/",
                get(
                    move |nested: Result<NestedPath, NestedPathRejection>| async move {
                        Json(match nested {
                            Ok(_) => nested_document,
                            Err(_) => document,
                        })
                    },
                ),
            )
            .merge(
                install::routes(hooks, Arc::clone(&removal_checks))
                    .layer(DefaultBodyLimit::max(MAX_INSTALLATION_BYTES))
                    .layer(Extension(self.services)),
            )
            .merge(missing::routes())
            .layer(map_response(async |mut response: Response| {
                let headers = response.headers_mut();
                let nosniff = HeaderValue::from_static("nosniff");
                headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(nosniff);
                response
            }))
            .with_state(self.state);
        Ok(Built {
            base_url,
            descriptor,
            warnings,
            installations,
            pusher,
            removal_checks,
            router,
        })
    }

    fn write_descriptor(&mut self, base_url: &BaseUrl, problems: &mut Vec<String>) -> Descriptor {
        let mut descriptor =
            Descriptor::new(self.key.clone(), self.name.clone(), format!("{base_url}/"));
        descriptor.description = Some(self.description.take().unwrap_or_else(|| self.name.clone()));
        descriptor.vendor = self.vendor.take();
        if let Some(links) = &mut descriptor.links {
            links.homepage = self.homepage.take();
        }
        let mut installable = install::declare(&self.hooks);
        installable.allow_room = self.declaration.allow_room;
        installable.allow_global = self.declaration.allow_global;
        let mut consumer = HipchatApiConsumer::new(std::mem::take(&mut self.scopes));
        consumer.from_name = self.declaration.from_name.take();
        consumer.avatar = self.avatar.take();

        let capabilities = &mut descriptor.capabilities;
        capabilities.installable = Some(installable);
        capabilities.hipchat_api_consumer = Some(consumer);
        let glances = write_glances(std::mem::take(&mut self.glances), problems);
        capabilities.glance = (!glances.is_empty()).then_some(glances);
        for page in std::mem::take(&mut self.pages) {
            page.declare(capabilities);
        }
        if !self.actions.is_empty() {
            capabilities.action = Some(std::mem::take(&mut self.actions));
        }
        let webhooks = std::mem::take(&mut self.webhooks);
        capabilities.webhook = (!webhooks.is_empty()).then(|| webhooks.into());
        // Edits see paths, and write paths.
        self.declaration.edit(&mut descriptor);
        base_url.join_all(&mut descriptor);
        descriptor
    }
}

fn write_glances(entries: Vec<(Glance, Option<Test>)>, problems: &mut Vec<String>) -> Vec<Glance> {
    let write = |(glance, when): (Glance, _)| {
        let glance = entry(glance.clone(), when).unwrap_or_else(|problem| {
            problems.push(problem);
            glance
        });
        // A target is a key, never a URL.
        debug_assert!(!matches!(glance.target, Some(Target::Other(_))));
        glance
    };
    entries.into_iter().map(write).collect()
}

/// Returns the descriptor for a nested router: `Router::nest` does not serve the URL with a
/// trailing slash.
fn without_slash(descriptor: &Descriptor) -> Descriptor {
    let mut nested = descriptor.clone();
    if let Some(links) = &mut nested.links {
        links.self_url = links.self_url.trim_end_matches('/').to_owned();
    }
    nested
}

fn write(descriptor: &Descriptor) -> Result<Value> {
    serde_json::to_value(descriptor).map_err(|cause| {
        Error::new(ErrorKind::Configuration, "the descriptor cannot be written").with_source(cause)
    })
}

/// Returns the key of the glance, page or other capability that a pointer such as
/// `/capabilities/glance/0/target` leads into.
fn key_of<'a>(descriptor: &'a Value, pointer: &str) -> Option<&'a str> {
    let mut parts = pointer.strip_prefix("/capabilities/")?.split('/');
    let one = format!("/capabilities/{}/{}", parts.next()?, parts.next()?);
    descriptor.pointer(&one)?.get("key")?.as_str()
}

/// Returns the descriptor with the runtime glances added, to which the same rules apply.
fn everything(descriptor: &Descriptor, runtime_glances: &[Glance]) -> Result<Value> {
    let mut everything = descriptor.clone();
    let glances = everything.capabilities.glance.get_or_insert_default();
    glances.extend_from_slice(runtime_glances);
    write(&everything)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn key_of_finds_key_of_capability() {
        let descriptor = json!({ "capabilities": {
            "glance": [{ "key": "builds" }, { "key": "on-call", "target": "rota" }],
            "configurable": { "url": "https://ops.example.com/settings" },
        } });
        let key = |pointer| key_of(&descriptor, pointer);
        assert_eq!(key("/capabilities/glance/1/target"), Some("on-call"));
        assert_eq!(key("/capabilities/glance/0"), Some("builds"));
        for none in [
            "",
            "/key",
            "/capabilities/glance/2",
            "/capabilities/configurable/url",
        ] {
            assert_eq!(key(none), None, "{none}");
        }
    }
}
