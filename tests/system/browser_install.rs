//! Tests add-ons that a person's browser installs and removes, and malicious browsers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use glance_host::Host;
use glance_host::testing::TestAddOn;
use glance_sdk::axum::Router;
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::axum::routing::get;
use glance_sdk::model::InstallationData;
use glance_sdk::prelude::*;
use reqwest::Response;
use serde_json::{Value, json};

use crate::by_hand::serve;
use crate::log::Log;

/// The calls that an add-on received.
pub(crate) type Journal = Arc<Mutex<Vec<&'static str>>>;

pub(crate) fn add_on(journal: &Journal) -> AddOn<Journal> {
    AddOn::new("com.example.browser", "Browser")
        .installs_by_browser()
        .state(journal.clone())
        .on_install(|journal: Journal, _| note(journal, "installed"))
        .on_update(|journal: Journal, _| note(journal, "updated"))
        .on_uninstall(|journal: Journal, _| note(journal, "removed"))
}

async fn note(journal: Journal, what: &'static str) -> Result<(), String> {
    journal.lock().unwrap().push(what);
    Ok(())
}

/// The part of a host that serves installation data, once per installation.
#[derive(Clone, Default)]
struct Shown {
    data: Arc<Mutex<Option<String>>>,
    fetches: Arc<AtomicU32>,
}

impl Shown {
    async fn serve(&self) -> String {
        let Self { data, fetches } = self.clone();
        let once = async move || {
            fetches.fetch_add(1, Ordering::SeqCst);
            data.lock().unwrap().take().ok_or(StatusCode::NOT_FOUND)
        };
        serve(|_| {
            let here = async || {
                (
                    StatusCode::FOUND,
                    [(header::LOCATION, "/installable/token")],
                )
            };
            Router::new()
                .route("/installable/token", get(once))
                .route("/installable/moved", get(here))
        })
        .await
    }

    fn show(&self, data: &Value) {
        *self.data.lock().unwrap() = Some(data.to_string());
    }

    fn fetches(&self) -> u32 {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn data(host: &Host, add_on: &TestAddOn) -> Value {
    let installed = add_on.installed();
    let mut data = InstallationData::new(
        installed.oauth_id.clone(),
        installed.oauth_secret.clone(),
        format!("{}/v2/capabilities", host.base_url()),
        1.into(),
    );
    data.room_id = installed.room_id;
    serde_json::to_value(data).unwrap()
}

async fn visit(url: &str, query: &[(&str, &str)]) -> Response {
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    browser.get(url).query(query).send().await.unwrap()
}

/// Returns the target of a redirect, which must not reveal the current page.
pub(crate) fn location(response: &Response) -> &str {
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
    response.headers()[header::LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn browser_installs_updates_and_removes_add_on() {
    let log = Log::record();
    let host = Host::start().await;
    let room = host.room("ops").await;
    let journal = Journal::default();
    let shown = Shown::default();
    let shown_at = shown.serve().await;
    let add_on = room
        .install(add_on(&journal).allow_hosts([host.base_url(), shown_at.as_str()]))
        .await;
    let (base, id) = (add_on.base_url(), add_on.oauth_id());

    let installable = add_on
        .installed()
        .descriptor
        .capabilities
        .installable
        .clone()
        .unwrap();
    assert_eq!(installable.callback_url, None);
    let [installed, updated, removed] = [
        installable.installed_url,
        installable.updated_url,
        installable.uninstalled_url,
    ]
    .map(Option::unwrap);
    assert!(installed.starts_with(base), "{installed}");

    let back = format!("{}/rooms/1?done=1", host.base_url());
    let installable_url = format!("{shown_at}/installable/token");
    let query = [
        ("installable_url", installable_url.as_str()),
        ("redirect_url", &back),
    ];
    for (url, noted) in [(&installed, "installed"), (&updated, "updated")] {
        shown.show(&data(&host, &add_on));
        assert_eq!(location(&visit(url, &query).await), back);
        assert_eq!(journal.lock().unwrap().pop(), Some(noted));
    }
    assert_eq!(shown.fetches(), 2, "it is shown once");
    let stored = add_on.installations().get(id).await.unwrap().unwrap();
    assert_eq!(stored.room_id(), Some(room.room.id));

    let gone = visit(&installed, &query).await;
    assert_eq!(gone.status(), StatusCode::BAD_GATEWAY);
    let said = gone.text().await.unwrap();
    assert!(
        said.contains("Remove the add-on on the host and install it again."),
        "{said}"
    );
    assert!(!said.contains("token"), "{said}");

    let mut forged = data(&host, &add_on);
    forged["oauthSecret"] = json!("guessed");
    shown.show(&forged);
    let refused = visit(&removed, &query).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.text().await.unwrap().contains("not removed"));
    assert!(add_on.installations().get(id).await.unwrap().is_some());

    for nth in ["the removal", "one that is gone already"] {
        shown.show(&data(&host, &add_on));
        assert_eq!(location(&visit(&removed, &query).await), back, "{nth}");
        assert!(add_on.installations().get(id).await.unwrap().is_none());
    }
    assert_eq!(*journal.lock().unwrap(), ["removed"]);

    let logged = log.text();
    assert!(
        logged.contains("fetching an installation failed"),
        "{logged}"
    );
    let secret = add_on.installed().oauth_secret.expose();
    for private in [secret, "installable/token"] {
        let lines = logged.lines().filter(|line| line.contains("glance_sdk"));
        let leaks: Vec<_> = lines.filter(|line| line.contains(private)).collect();
        assert!(leaks.is_empty(), "{leaks:?}");
    }

    let posted = glance_host::testing::http_client()
        .post(&installed)
        .json(&data(&host, &add_on))
        .send()
        .await;
    assert_eq!(posted.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn host_that_is_not_allowed_is_not_called() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let shown = Shown::default();
    let shown_at = shown.serve().await;
    let listed = add_on(&Journal::default()).allow_hosts([host.base_url()]);
    let add_on = room.install(listed).await;
    shown.show(&data(&host, &add_on));

    let there = format!("{shown_at}/installable/token");
    for (installable, redirect) in [(there.as_str(), host.base_url()), (host.base_url(), &there)] {
        for path in ["installed", "uninstalled"] {
            let url = format!("{}/{path}", add_on.base_url());
            let query = [("installable_url", installable), ("redirect_url", redirect)];
            let refused = visit(&url, &query).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path} {query:?}");
            assert!(refused.headers().get(header::LOCATION).is_none());
        }
    }
    assert_eq!(shown.fetches(), 0);
    assert!(add_on.installations().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn browser_is_redirected_to_host_only() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let shown = Shown::default();
    let shown_at = shown.serve().await;
    let add_on = room.install(add_on(&Journal::default())).await;
    let installable = format!("{shown_at}/installable/token");
    let installed = format!("{}/installed", add_on.base_url());
    let removed = format!("{}/uninstalled", add_on.base_url());

    for query in [
        vec![],
        vec![("installable_url", installable.as_str())],
        vec![("redirect_url", host.base_url())],
        vec![
            ("installable_url", "file:///etc/passwd"),
            ("redirect_url", host.base_url()),
        ],
        vec![
            ("installable_url", "/installable"),
            ("redirect_url", host.base_url()),
        ],
        vec![
            ("installable_url", &installable),
            ("redirect_url", "javascript:alert(1)"),
        ],
        vec![
            ("installable_url", &installable),
            ("redirect_url", "//evil.example"),
        ],
    ] {
        for url in [&installed, &removed] {
            let refused = visit(url, &query).await;
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{query:?}");
            assert_eq!(
                refused.headers()[header::CONTENT_TYPE],
                "text/plain; charset=utf-8"
            );
        }
    }
    assert_eq!(
        shown.fetches(),
        0,
        "nothing is fetched for a browser that lacks something"
    );

    for elsewhere in [
        "https://evil.example/",
        &format!("{}@evil.example/", host.base_url()),
    ] {
        for url in [&installed, &removed] {
            shown.show(&data(&host, &add_on));
            let query = [
                ("installable_url", installable.as_str()),
                ("redirect_url", elsewhere),
            ];
            let refused = visit(url, &query).await;
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{elsewhere}");
            assert!(refused.headers().get(header::LOCATION).is_none());
        }
    }
    assert!(add_on.installations().list().await.unwrap().is_empty());

    for own in [host.base_url(), &shown_at] {
        shown.show(&data(&host, &add_on));
        let query = [
            ("installable_url", installable.as_str()),
            ("redirect_url", own),
        ];
        assert_eq!(
            location(&visit(&installed, &query).await),
            format!("{own}/")
        );
    }
}

#[tokio::test]
async fn fetched_data_must_be_installation_of_its_host() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let shown = Shown::default();
    let shown_at = shown.serve().await;
    let add_on = room.install(add_on(&Journal::default())).await;
    let installable = format!("{shown_at}/installable/token");
    let elsewhere = serve(|_| {
        let to = installable.clone();
        let redirect = async move || (StatusCode::FOUND, [(header::LOCATION, to)]);
        let huge = async || "x".repeat(5 << 20);
        Router::new()
            .route("/redirect", get(redirect))
            .route("/huge", get(huge))
    })
    .await;
    let installed = format!("{}/installed", add_on.base_url());
    let ask = async |installable: &str| {
        let query = [
            ("installable_url", installable),
            ("redirect_url", host.base_url()),
        ];
        visit(&installed, &query).await.status()
    };

    let mut guessed = data(&host, &add_on);
    guessed["oauthSecret"] = json!("guessed");
    for (body, status) in [
        (json!("text"), StatusCode::BAD_GATEWAY),
        (json!({"oauthId": "a"}), StatusCode::BAD_GATEWAY),
        (guessed, StatusCode::FORBIDDEN),
    ] {
        shown.show(&body);
        // The redirect leads to the server of the data, because data without a host allows no
        // other.
        let query = [
            ("installable_url", installable.as_str()),
            ("redirect_url", shown_at.as_str()),
        ];
        assert_eq!(visit(&installed, &query).await.status(), status, "{body}");
    }
    let fetches = shown.fetches();
    shown.show(&data(&host, &add_on));
    assert_eq!(
        ask(&format!("{elsewhere}/redirect")).await,
        StatusCode::BAD_GATEWAY
    );
    assert_eq!(
        shown.fetches(),
        fetches,
        "another origin is not followed to"
    );
    assert_eq!(
        ask(&format!("{elsewhere}/huge")).await,
        StatusCode::BAD_GATEWAY
    );
    assert!(add_on.installations().list().await.unwrap().is_empty());
    let moved = format!("{shown_at}/installable/moved");
    assert_eq!(ask(&moved).await, StatusCode::FOUND, "its own origin is");
    assert_eq!(add_on.installations().list().await.unwrap().len(), 1);
}
