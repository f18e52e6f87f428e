//! The pages of an add-on, as a host and as others ask for them.

use glance_host::Host;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::auth::{SigningKey, now};
use glance_sdk::model::{Action, ActionLocation, Claims, Context};
use glance_sdk::prelude::*;
use reqwest::StatusCode;

async fn who(request: SignedRequest) -> String {
    format!("{:?}", request.user_id())
}

fn add_on() -> AddOn {
    AddOn::new("com.example.pages", "Pages")
        .web_panel("panel", "Panel", get(who))
        .dialog("dialog", "Dialog", get(who))
        .external_page("page", "Page", get(who))
        .configuration_page(get(who).post(who))
        .admin_page(get(who))
        .action(Action::new("do", "Do", ActionLocation::Message, "dialog"))
}

/// A token as a host makes it.
fn signed(room: &TestRoom, add_on: &TestAddOn) -> String {
    let mut claims = Claims::new(add_on.oauth_id().clone(), now(), now() + 3600);
    claims.sub = Some("7".to_owned());
    let mut context = Context::default();
    context.room_id = Some(room.room.id);
    context.user_tz = Some("Europe/Berlin".to_owned());
    claims.context = Some(context);
    SigningKey::new(&add_on.installed().oauth_secret).sign(&claims)
}

#[tokio::test]
async fn every_page_is_for_signed_requests_only() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let capabilities = &add_on.installed().descriptor.capabilities;
    let urls = [
        &capabilities.web_panels()[0].url,
        &capabilities.dialogs()[0].url,
        &capabilities.external_pages()[0].url,
        &capabilities.configurable.as_ref().unwrap().url,
        &capabilities.admin_page.as_ref().unwrap().url,
    ];
    assert_eq!(capabilities.actions()[0].target.key(), Some("dialog"));

    let client = reqwest::Client::new();
    for url in urls {
        for request in [client.get(url), client.post(url), client.delete(url)] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{url}");
        }
        let token = signed(&room, &add_on);
        let answer = client
            .get(url)
            .query(&[("signed_request", token)])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        assert_eq!(answer.text().await.unwrap(), "Some(UserId(7))", "{url}");
    }
}
