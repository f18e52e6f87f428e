//! Installations that take long, and those that a person completes in a browser.

use std::time::Duration;

use glance_sdk::model::{Glance, Icon};

use super::*;
use crate::service::install::browser_handoff::{NextStep, Outcome};

/// In seconds.
const DAY: i64 = 24 * 3600;

const URL: &str = "https://a.example/";

impl Services {
    /// Begins the installation of an add-on that a person completes in a browser. Returns the name of the hand-off.
    async fn begin_in_browser(&self) -> String {
        let mut descriptor = Descriptor::new("com.example.a", "A", URL);
        let mut installable = Installable::default();
        installable.installed_url = Some("https://a.example/page".to_owned());
        installable.allow_global = Some(true);
        descriptor.capabilities.installable = Some(installable);
        let glance = Glance::new("a", "A", Icon::new("https://a.example/i.png"));
        descriptor.capabilities.glance = Some(vec![glance]);
        self.add_ons
            .answer_with(&serde_json::to_string(&descriptor).unwrap());
        let read = self.installer.read(URL).await.unwrap();
        let (_, handoff) = self.installer.install_approved(read, None).await.unwrap();
        handoff.unwrap()
    }

    /// Fetches the installation data as the add-on does. Returns whether there is some.
    async fn fetch(&self, handoff: &str) -> bool {
        let url = self.installer.handoff_url(handoff, "/back").await.unwrap();
        let url = url.unwrap();
        let (_, shown_at) = url
            .query_pairs()
            .find(|(name, _)| name == "installable_url")
            .unwrap();
        let (_, name) = shown_at.rsplit_once('/').unwrap();
        let data = self.installer.take_handoff_data(name).await;
        data.unwrap().is_some()
    }

    async fn installations(&self) -> u64 {
        self.storage.count_installations().await.unwrap()
    }
}

#[tokio::test]
async fn returning_person_completes_installation_once() {
    let services = Services::new();
    let handoff = services.begin_in_browser().await;
    assert!(services.fetch(&handoff).await);
    assert!(!services.fetch(&handoff).await);
    let next = services.installer.return_from_handoff(&handoff).await;
    assert_eq!(next.unwrap(), Some(NextStep::Install("A".to_owned())));
    assert_eq!(services.installations().await, 0);
    for expected in [Some(Outcome::Done), None] {
        let outcome = services.installer.finish_handoff(&handoff).await;
        assert_eq!(outcome.unwrap(), expected);
        assert_eq!(services.installations().await, 1);
    }
}

#[tokio::test]
async fn installation_whose_data_was_not_fetched_is_removed() {
    let services = Services::new();
    let handoff = services.begin_in_browser().await;
    let outcome = services.installer.finish_handoff(&handoff).await;
    assert_eq!(outcome.unwrap(), Some(Outcome::NotFetched("A".to_owned())));
    services.begin_in_browser().await;
}

#[tokio::test]
async fn handoff_expires_with_its_installation() {
    let services = Services::new();
    let handoff = services.begin_in_browser().await;
    services.fetch(&handoff).await;
    services.clock.advance(Duration::from_secs(15 * 60 - 1));
    services.removals.leave_unfinished().await.unwrap();
    let url = services.installer.handoff_url(&handoff, "/back").await;
    assert!(url.unwrap().is_some());
    services.clock.advance(Duration::from_secs(1));
    let outcome = services.installer.finish_handoff(&handoff).await;
    assert_eq!(outcome.unwrap(), None);
    services.removals.leave_unfinished().await.unwrap();
    services.begin_in_browser().await;
}

#[tokio::test]
async fn add_on_is_told_of_installation_that_was_not_finished() {
    let services = Services::new();
    let mut descriptor = Descriptor::new("a", "A", URL);
    descriptor.capabilities.installable = Some(Installable::new("https://a.example/installed"));
    let installed = Installed {
        oauth_id: "id".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: URL.to_owned(),
        descriptor,
    };
    let now = services.clock.now();
    let began = services.storage.begin_installation(&installed, now).await;
    assert!(began.unwrap());
    services.clock.advance(Duration::from_secs(2 * 60));
    services.removals.leave_unfinished().await.unwrap();
    let found = services.storage.installation(&installed.oauth_id).await;
    assert!(found.unwrap().is_some(), "it may be finished still");

    services.clock.advance(Duration::from_secs(1));
    services.removals.leave_unfinished().await.unwrap();
    let found = services.storage.installation(&installed.oauth_id).await;
    assert!(found.unwrap().is_none());
    services.add_ons.requested(1).await;
    let requests = services.add_ons.requests.lock();
    let url = requests[0].url.as_str();
    assert_eq!(url, "https://a.example/installed/id");
}

#[tokio::test]
async fn handoff_is_completed_after_the_clock_was_set_back() {
    let services = Services::new();
    let handoff = services.begin_in_browser().await;
    services.clock.set(services.clock.now() - DAY);
    services.removals.leave_unfinished().await.unwrap();
    assert!(services.fetch(&handoff).await);
    let outcome = services.installer.finish_handoff(&handoff).await;
    assert_eq!(outcome.unwrap(), Some(Outcome::Done));
    // A finished installation stays, whatever the clock says.
    for days in [-1, 1, 2] {
        services.clock.set(services.clock.now() + days * DAY);
        services.removals.leave_unfinished().await.unwrap();
        assert_eq!(services.installations().await, 1);
    }
}

#[tokio::test]
async fn handoff_expires_when_the_clock_is_set_forward() {
    let services = Services::new();
    let handoff = services.begin_in_browser().await;
    services.fetch(&handoff).await;
    services.clock.set(services.clock.now() + DAY);
    let outcome = services.installer.finish_handoff(&handoff).await;
    assert_eq!(outcome.unwrap(), None);
    services.removals.leave_unfinished().await.unwrap();
    let handoff = services.begin_in_browser().await;
    services.fetch(&handoff).await;
    let outcome = services.installer.finish_handoff(&handoff).await;
    assert_eq!(outcome.unwrap(), Some(Outcome::Done));
}
