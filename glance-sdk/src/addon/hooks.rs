//! What an author wants to do when the add-on is installed, updated or removed, and who may do it.

use std::fmt;
use std::pin::Pin;

use super::unfinished::Unfinished;
use crate::client::Client;
use crate::egress::is_loopback;
use crate::store::{Installation, origin};

type Task = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Hook<T> = Box<dyn Fn(T) -> Task + Send + Sync>;

#[derive(Default)]
pub(super) struct Hooks {
    pub(super) on_install: Option<Hook<Client>>,
    pub(super) on_update: Option<Hook<Client>>,
    pub(super) on_uninstall: Option<Hook<Installation>>,
    /// Origins of hosts that may install; any where there is none.
    pub(super) hosts: Vec<String>,
    /// Whether installations come by a person's browser instead of a post.
    pub(super) by_browser: bool,
    /// New installations that are not known to be stored.
    pub(super) unfinished: Unfinished,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// A hook with the add-on's state at hand.
pub(super) fn hook<S, T, F, Fut, E>(state: S, run: F) -> Hook<T>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(S, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display,
{
    Box::new(move |of| {
        let running = run(state.clone(), of);
        Box::pin(async move { running.await.map_err(|error| format!("{error:#}")) })
    })
}

impl Hooks {
    pub(super) async fn run<T>(hook: Option<&Hook<T>>, of: T) -> Result<(), String> {
        match hook {
            Some(hook) => hook(of).await,
            None => Ok(()),
        }
    }

    /// Whether the add-on names the host at this address as one that may install.
    pub(super) fn is_named(&self, url: &str) -> bool {
        origin(url).is_some_and(|origin| self.hosts.contains(&origin))
    }

    /// Whether the host whose capabilities stand at this address may install.
    pub(super) fn may_install(&self, capabilities_url: &str) -> bool {
        self.hosts.is_empty() || self.is_named(capabilities_url)
    }

    /// Whether this host may install only because the add-on names none, which deserves a warning. A host of
    /// this machine, as in development, deserves none.
    pub(super) fn may_install_unnamed(&self, capabilities_url: &str) -> bool {
        let is_here = reqwest::Url::parse(capabilities_url).is_ok_and(|url| is_loopback(&url));
        self.hosts.is_empty() && !is_here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_by_origin() {
        let hooks = Hooks {
            hosts: vec![origin("https://chat.example.com/").unwrap()],
            ..Hooks::default()
        };
        assert!(hooks.may_install("https://chat.example.com/v2/capabilities"));
        for same in [
            "HTTPS://CHAT.example.com:443/x",
            "https://chat.example.com",
            "https://chat.example.com/a/../b?c#d",
            "https://ch%61t.example.com/",
        ] {
            assert!(hooks.may_install(same), "{same}");
        }
        for other in [
            "http://chat.example.com/v2/capabilities",
            "https://chat.example.com:8443/",
            "https://chat.example.com./",
            "http://chat.example.com:443/",
            "//chat.example.com/",
            "https://chat.example.com.evil.example/",
            "https://chat.example.com@evil.example/",
            "https://evil.example/https://chat.example.com/",
            "nonsense",
        ] {
            assert!(!hooks.may_install(other), "{other}");
        }
        assert_eq!(origin("http://[0:0::1]:80/"), origin("http://[::1]"));
        assert!(Hooks::default().may_install("https://any.example/"));
    }

    #[test]
    fn unnamed_hosts_deserve_a_warning_unless_they_are_of_this_machine() {
        let names_none = Hooks::default();
        assert!(names_none.may_install_unnamed("https://chat.example.com/v2/capabilities"));
        for here in [
            "http://127.0.0.1:7000/v2/capabilities",
            "http://localhost:7000/",
            "http://[::1]/",
        ] {
            assert!(!names_none.may_install_unnamed(here), "{here}");
        }
        let names_one = Hooks {
            hosts: vec![origin("https://chat.example.com/").unwrap()],
            ..Hooks::default()
        };
        assert!(!names_one.may_install_unnamed("https://chat.example.com/"));
    }
}
