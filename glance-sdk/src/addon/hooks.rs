//! The hooks that run when the add-on is installed, updated or removed, and the hosts that may
//! install it.

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
    /// The origins of the hosts that may install the add-on. If empty, every host may.
    pub(super) hosts: Vec<String>,
    /// Whether installations arrive through a person's browser instead of a `POST`.
    pub(super) by_browser: bool,
    /// New installations that the store may not contain.
    pub(super) unfinished: Unfinished,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// Creates a hook that passes the add-on's state to `run`.
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

    /// Returns whether the add-on names the host with this URL as allowed.
    pub(super) fn is_named(&self, url: &str) -> bool {
        origin(url).is_some_and(|origin| self.hosts.contains(&origin))
    }

    /// Returns whether the host with this capabilities URL may install the add-on.
    pub(super) fn may_install(&self, capabilities_url: &str) -> bool {
        self.hosts.is_empty() || self.is_named(capabilities_url)
    }

    /// Returns whether this host may install the add-on only because the add-on names no hosts; the
    /// caller logs a warning. Hosts on this machine, as in development, are exempt.
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
    fn may_install_unnamed_excludes_loopback_hosts() {
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
