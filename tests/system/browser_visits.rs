//! Tests how a host sends a person's browser to an add-on for an installation, and waits for its
//! return.

use std::time::Duration;

use glance_host::{Clock, Host};
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::client::Installations;
use glance_sdk::prelude::*;
use serde_json::json;

use crate::browser_install::{Journal, add_on, location};
use crate::integrations::{Browser, between, text};
use crate::log::Log;

/// Starts an add-on that is not installed yet.
async fn serve_add_on(add_on: AddOn<Journal>) -> (String, Installations) {
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let url = format!("{}/", server.base_url());
    let installations = server.add_on().installations().clone();
    tokio::spawn(server.run(std::future::pending()));
    (url, installations)
}

/// Follows the page that leads to the add-on. Returns the URL to which the add-on redirects the
/// browser.
async fn to_the_add_on(browser: &Browser, host: &Host, leave: &str) -> (String, String) {
    let go = between(leave, "url=", "\"");
    assert!(!leave.contains("installable"), "{leave}");
    let gone = browser.get(&format!("{}{go}", host.base_url())).await;
    assert_eq!(gone.status(), StatusCode::SEE_OTHER);
    assert_eq!(gone.headers()[header::REFERRER_POLICY], "no-referrer");
    assert_eq!(gone.headers()[header::CACHE_CONTROL], "no-store");
    let there = gone.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        given(&there, "redirect_url").starts_with(host.base_url()),
        "{there}"
    );
    let shown_at = given(&there, "installable_url");
    (there, shown_at)
}

/// Submits the form that the return page submits automatically.
async fn finish(host: &Host, page: &str) -> reqwest::Response {
    let action = between(page, "action=\"", "\"").replace("&#x2f;", "/");
    assert!(page.contains("/integrations/back.js\"></script>"), "{page}");
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    let request = client
        .build()
        .unwrap()
        .post(format!("{}{action}", host.base_url()));
    request.send().await.unwrap()
}

/// Returns a query parameter of a URL.
fn given(address: &str, name: &str) -> String {
    let url = reqwest::Url::parse(address).unwrap();
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.unwrap().1.into_owned()
}

#[tokio::test]
async fn host_installs_and_removes_through_browser() {
    let log = Log::record();
    let host = Host::start().await;
    let room = host.room("ops").await;
    let journal = Journal::default();
    let (url, installations) = serve_add_on(add_on(&journal)).await;
    for room_of in [Some(&room), None] {
        let browser = Browser::at(&host, room_of);
        let (status, leave) = browser.install(&url).await;
        assert_eq!(status, StatusCode::OK, "{leave}");
        let here = async || host.state().installations_in(room.room.id).await.unwrap();
        assert!(here().await.is_empty(), "not before the person is back");

        let (there, shown_at) = to_the_add_on(&browser, &host, &leave).await;
        let back = browser.get(&there).await;
        let back = location(&back).to_owned();
        assert_eq!(journal.lock().unwrap().pop(), Some("installed"));
        assert!(here().await.is_empty());
        assert_eq!(
            browser.get(&shown_at).await.status(),
            StatusCode::NOT_FOUND,
            "it was shown once"
        );
        let page = browser.get(&back).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert!(here().await.is_empty(), "a GET installs nothing");
        let list = finish(&host, &text(page).await).await;
        assert_eq!(
            list.headers()[header::LOCATION].to_str().unwrap(),
            browser.page.strip_prefix(host.base_url()).unwrap()
        );
        assert_eq!(
            browser.get(&back).await.status(),
            StatusCode::NOT_FOUND,
            "this step is over"
        );
        let installed = here().await.remove(0);
        assert_eq!(installed.room_id, room_of.map(|room| room.room.id));
        let stored = installations
            .get(&installed.oauth_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(stored.room_id(), installed.room_id);

        let (status, leave) = browser
            .post(&format!("/{}/update", installed.oauth_id), &[])
            .await;
        assert_eq!(status, StatusCode::OK, "{leave}");
        let (there, _) = to_the_add_on(&browser, &host, &leave).await;
        location(&browser.get(&there).await);
        assert_eq!(journal.lock().unwrap().pop(), Some("updated"));

        let (status, leave) = browser
            .post(&format!("/{}/remove", installed.oauth_id), &[])
            .await;
        assert_eq!(status, StatusCode::OK, "{leave}");
        assert!(here().await.is_empty(), "removed already");
        let (there, _) = to_the_add_on(&browser, &host, &leave).await;
        let back = browser.get(&there).await;
        assert_eq!(journal.lock().unwrap().pop(), Some("removed"));
        assert!(installations.list().await.unwrap().is_empty());
        assert_eq!(
            browser.get(location(&back)).await.status(),
            StatusCode::SEE_OTHER
        );

        let secret = installed.oauth_secret.expose();
        let logged = log.text();
        for private in [secret, shown_at.rsplit('/').next().unwrap()] {
            let leaks: Vec<_> = logged
                .lines()
                .filter(|line| line.contains("glance_") && line.contains(private))
                .collect();
            assert!(leaks.is_empty(), "{leaks:?}");
        }
    }
}

#[tokio::test]
async fn unfinished_browser_installation_expires() {
    let clock = Clock::standing_at(1_800_000_000);
    let host = Host::builder()
        .port(0)
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let room = host.room("ops").await;
    let (url, installations) = serve_add_on(add_on(&Journal::default())).await;
    let browser = Browser::at(&host, Some(&room));
    let here = async || host.state().installations_in(room.room.id).await.unwrap();

    let (_, leave) = browser.install(&url).await;
    let (there, _) = to_the_add_on(&browser, &host, &leave).await;
    let back = location(&browser.get(&there).await).to_owned();
    let taken = installations.list().await.unwrap().remove(0);
    let id = taken.oauth_id().clone();
    assert!(
        host.state().installation(&id).await.unwrap().is_some(),
        "it waits"
    );
    clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(
        browser.get(&back).await.status(),
        StatusCode::NOT_FOUND,
        "too late"
    );
    while host.state().installation(&id).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
    let refused = installations
        .client(&id)
        .await
        .unwrap()
        .room(room.room.id)
        .get()
        .await;
    assert_eq!(
        refused.unwrap_err().kind(),
        glance_sdk::ErrorKind::Unauthorized
    );

    let (_, leave) = browser.install(&url).await;
    let (there, shown_at) = to_the_add_on(&browser, &host, &leave).await;
    let back = browser.get(&given(&there, "redirect_url")).await;
    let answer = finish(&host, &text(back).await).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let said = text(answer).await;
    assert!(
        said.contains("Browser sent you back without taking the installation"),
        "{said}"
    );
    assert_eq!(browser.get(&shown_at).await.status(), StatusCode::NOT_FOUND);

    let (_, first) = browser.install(&url).await;
    let (_, first_shown_at) = to_the_add_on(&browser, &host, &first).await;
    let (_, second) = browser.install(&url).await;
    assert_eq!(
        browser.get(&first_shown_at).await.status(),
        StatusCode::NOT_FOUND,
        "begun anew"
    );
    let (there, shown_at) = to_the_add_on(&browser, &host, &second).await;
    let head = glance_host::testing::http_client()
        .head(&shown_at)
        .send()
        .await
        .unwrap();
    assert_eq!(
        head.status(),
        StatusCode::METHOD_NOT_ALLOWED,
        "a look does not use it up"
    );
    let back = location(&browser.get(&there).await).to_owned();
    let finished = finish(&host, &text(browser.get(&back).await).await).await;
    assert_eq!(finished.status(), StatusCode::SEE_OTHER);
    assert_eq!(here().await.len(), 1);
}

#[tokio::test]
async fn pending_room_installation_blocks_global_one() {
    let clock = Clock::standing_at(1_800_000_000);
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    let (url, _) = serve_add_on(add_on(&Journal::default())).await;
    let (in_room, everywhere) = (Browser::at(&host, Some(&room)), Browser::at(&host, None));
    let (_, leave) = in_room.install(&url).await;
    let (there, _) = to_the_add_on(&in_room, &host, &leave).await;

    let (status, html) = everywhere.install(&url).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        html.contains("is being installed already; try again"),
        "{html}"
    );
    clock.advance(Duration::from_secs(15 * 60));
    let (status, leave) = everywhere.install(&url).await;
    assert_eq!(status, StatusCode::OK, "nobody came back");
    let (everywhere_there, _) = to_the_add_on(&everywhere, &host, &leave).await;
    let late = in_room.get(&there).await;
    assert_eq!(
        late.status(),
        StatusCode::BAD_GATEWAY,
        "nothing is there to take"
    );
    let back = location(&everywhere.get(&everywhere_there).await).to_owned();
    let finished = finish(&host, &text(everywhere.get(&back).await).await).await;
    assert_eq!(finished.status(), StatusCode::SEE_OTHER);
    let here = host.state().installations_in(room.room.id).await.unwrap();
    assert_eq!(here.len(), 1);
}

#[tokio::test]
async fn update_uses_installed_url_by_default() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let page = "https://add-on.example.com/installed";
    let descriptor = json!({
        "key": "com.example.by-browser", "name": "By browser", "description": "One page.",
        "links": { "self": "https://add-on.example.com/" },
        "capabilities": { "installable": { "installedUrl": page } },
    });
    let browser = Browser::at(&host, Some(&room));
    let (_, leave) = browser.install(&format!("data:,{descriptor}")).await;
    let (there, shown_at) = to_the_add_on(&browser, &host, &leave).await;
    assert_eq!(browser.get(&shown_at).await.status(), StatusCode::OK);
    let back = browser.get(&given(&there, "redirect_url")).await;
    let finished = finish(&host, &text(back).await).await;
    assert_eq!(finished.status(), StatusCode::SEE_OTHER);

    let installed = host.state().installations_in(room.room.id).await.unwrap();
    let update = format!("/{}/update", installed[0].oauth_id);
    let (status, leave) = browser.post(&update, &[]).await;
    assert_eq!(status, StatusCode::OK, "{leave}");
    let (there, _) = to_the_add_on(&browser, &host, &leave).await;
    assert!(there.starts_with(page), "{there}");
}
