//! Tests pages of add-ons that the test kit opens, and the tokens that keep them usable.

use glance_host::Host;
use glance_sdk::auth::{PAGE_TOKEN_SECONDS, SigningKey, Token, now};
use glance_sdk::axum::Form;
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::axum::response::{Html, Redirect};
use glance_sdk::model::{Action, ActionLocation, Claims, Dialog};
use glance_sdk::prelude::*;
use reqwest::Method;
use serde::Deserialize;

#[derive(Deserialize)]
struct Swap {
    with: String,
}

#[glance(key = "on-call", name = "On call", icon = "/i.svg", target = "swap")]
async fn on_call() -> GlanceData {
    GlanceData::new(label!("ann"))
}

fn form(request: &SignedRequest) -> String {
    let token = request.page_token_field();
    format!(
        "<form method='post' action='../swaps'>{token}<input name='with' value='nobody'>\
         <button name='do' value='swap'>Swap</button></form>"
    )
}

async fn swap(request: SignedRequest, viewer: Viewer) -> Html<String> {
    Html(format!("<p>user {}</p>{}", viewer.user_id, form(&request)))
}

async fn swapped(request: SignedRequest, Form(swap): Form<Swap>) -> Html<String> {
    let user = request.user_id().unwrap();
    Html(format!(
        "<p>user {user} swaps with {}</p>{}",
        swap.with,
        form(&request)
    ))
}

async fn count(viewer: Viewer) -> String {
    viewer.user_id.to_string()
}

async fn of_message(request: SignedRequest) -> String {
    format!("message for {:?}", request.user_id())
}

fn add_on() -> AddOn {
    AddOn::new("com.example.on-call", "On call")
        .glance::<on_call>()
        .web_panel("swap", "Swap", get(swap))
        .page(
            Dialog::new("ask", "Ask", "?about={message.mid}"),
            get(of_message),
        )
        .external_page("report", "Report", get(swap))
        .configuration_page(get(swap))
        .admin_page(get(swap))
        .action(Action::new(
            "ask-about",
            "Ask",
            ActionLocation::Message,
            "ask",
        ))
        .action(Action::new(
            "swap-now",
            "Swap",
            ActionLocation::Input,
            "swap",
        ))
        .route("/swaps", post(swapped))
        .route("/count", get(count))
        .route(
            "/cached",
            get(async |viewer: Viewer| {
                let cached = [(header::CACHE_CONTROL, "public, max-age=60")];
                (cached, viewer.user_id.to_string())
            }),
        )
        .route("/open", get(async || "anybody"))
        .route("/moved", post(async || Redirect::to("/open")))
}

#[tokio::test]
async fn each_kind_of_page_opens_for_its_person() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let ann = host.user("ann", |user| user.is_admin = true).await;
    let bob = host.user("bob", |_| {}).await;
    for user in [&ann, &bob] {
        let viewer = room.viewer(&user.name).await;
        for key in ["swap", "on-call", "report"] {
            let page = viewer.open(key).await;
            assert_eq!(page.status(), StatusCode::OK);
            assert!(page.text().contains(&format!("user {}<", user.id)), "{key}");
        }
    }
    let viewer = room.viewer("ann").await;
    assert!(
        viewer
            .open_of(&add_on, "swap")
            .await
            .text()
            .contains("user")
    );
    assert!(
        viewer
            .configure(&add_on)
            .await
            .text()
            .contains(&format!("user {}<", ann.id))
    );
    assert!(
        viewer
            .administer(&add_on)
            .await
            .text()
            .contains(&format!("user {}<", ann.id))
    );
}

#[tokio::test]
async fn actions_are_listed_and_run() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let _add_on = room.install(add_on()).await;
    let message = room.says("bob", "the build is red").await;
    let viewer = room.viewer("ann").await;
    assert_eq!(viewer.actions().await, ["swap-now"]);
    assert_eq!(viewer.actions_on(&message).await, ["ask-about"]);
    assert!(viewer.act("swap-now").await.text().contains("<form"));
    let dialog = viewer.act_on(&message, "ask-about").await;
    assert!(dialog.text().starts_with("message for Some"));
    let about = dialog.url().query_pairs().find(|(name, _)| name == "about");
    assert_eq!(about.unwrap().1, message.id);
}

#[tokio::test]
async fn plain_forms_send_page_token() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let _add_on = room.install(add_on()).await;
    let ann = host.user("ann", |_| {}).await;
    let page = room.viewer("ann").await.open("swap").await;
    let answer = page.submit(&[("with", "bob")]).await;
    let expected = format!("user {} swaps with bob", ann.id);
    assert!(answer.text().contains(&expected), "{}", answer.text());
    // The form in the response contains a new token, so the next one works too.
    let again = answer.submit(&[("do", "swap")]).await;
    assert!(
        again.text().contains("swaps with nobody"),
        "{}",
        again.text()
    );

    // A form does not accept a host's own token, and a form without a token is not signed.
    let url = page.url().join("/swaps").unwrap();
    for form in [
        vec![("with", "bob")],
        vec![("with", "bob"), ("x-acpt", "a.b.c")],
    ] {
        let refused = glance_host::testing::http_client()
            .post(url.clone())
            .form(&form);
        assert_eq!(
            refused.send().await.unwrap().status(),
            StatusCode::UNAUTHORIZED
        );
    }
}

/// Returns a page token of this age.
fn aged(token: &str, key: &SigningKey, age: i64) -> String {
    let mut claims: Claims = Token::parse(token).unwrap().verify(key, now()).unwrap();
    claims.iat = claims.iat.map(|iat| iat - age);
    claims.exp = claims.exp.map(|exp| exp - age);
    key.sign(&claims)
}

#[tokio::test]
async fn every_response_renews_page_token() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let page = room.viewer("ann").await.open("swap").await;
    let key = SigningKey::new(&add_on.installed().oauth_secret);
    let end = |token: &str| {
        Token::parse(token)
            .unwrap()
            .verify(&key, now())
            .unwrap()
            .exp
            .unwrap()
    };
    let old = aged(page.token().unwrap(), &key, PAGE_TOKEN_SECONDS - 60);
    let ask = |method: Method, path: &str, header: &str, token: &str| {
        let url = page.url().join(path).unwrap();
        glance_host::testing::http_client()
            .request(method, url)
            .header(header, token)
    };
    let in_authorization = format!("JWT {old}");
    for (request, what) in [
        (
            ask(Method::GET, "/count", "x-acpt", &old),
            "a route of its own",
        ),
        (
            ask(Method::GET, "/count", "authorization", &in_authorization),
            "the other header",
        ),
        (
            ask(Method::GET, "/open", "x-acpt", &old),
            "a route without a signature",
        ),
        (ask(Method::GET, "/panel/swap", "x-acpt", &old), "a page"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{what}");
        let renewed = answer.headers()["x-acpt"].to_str().unwrap();
        assert!(end(renewed) > end(&old) + 600, "{what}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{what}");
    }
    // People who get the same response from a cache must not receive the token.
    let cached = ask(Method::GET, "/cached", "x-acpt", &old)
        .send()
        .await
        .unwrap();
    assert!(cached.status().is_success() && !cached.headers().contains_key("x-acpt"));
    // An expired token is not renewed, and a request without one gets none.
    let ended = aged(&old, &key, 200);
    for token in [ended.as_str(), "x"] {
        let answer = ask(Method::GET, "/open", "x-acpt", token)
            .send()
            .await
            .unwrap();
        assert!(!answer.headers().contains_key("x-acpt"), "{token}");
    }
    // The test kit uses the renewed token.
    let first = page.fetch(Method::GET, "/count").await;
    assert_eq!(
        first.fetch(Method::GET, "/count").await.status(),
        StatusCode::OK
    );
}
