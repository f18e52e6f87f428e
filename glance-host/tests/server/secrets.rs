//! The log of a whole installation, with everything there is to log: no secret is in it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::add_on::AddOn;
use crate::process::Server;

const IN_ADDRESS: &str = "hidden-in-the-address";
const OF_METRICS: &str = "the-token-of-metrics";

#[tokio::test]
async fn no_secret_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "[log]\nfilter = \"trace\"\n[metrics]\nlisten = \"127.0.0.1:0\"\ntoken = \"{OF_METRICS}\""
    );
    let mut server = Server::start(folder.path(), &settings).await;
    let add_on = AddOn::serve().await;
    let mut secrets = vec![IN_ADDRESS.to_owned(), OF_METRICS.to_owned()];

    let with_secret = |name| format!("{}?key={IN_ADDRESS}", add_on.url(name));
    for name in ["one", "two"] {
        let installed = server.install(&with_secret(name)).await.unwrap();
        assert_eq!(installed, StatusCode::OK);
    }
    let missing = with_secret("one").replace("/one/", "/one/missing");
    let refused = server.install(&missing).await.unwrap();
    assert_eq!(refused, StatusCode::UNPROCESSABLE_ENTITY);

    let mut tokens = Vec::new();
    for name in ["one", "two"] {
        let (id, secret) = add_on.installation(name);
        tokens.push(server.token(&id, &secret).await.unwrap());
        let wrong = server.token(&id, "not-the-secret").await;
        assert!(wrong.is_err());
        secrets.extend([secret, "not-the-secret".to_owned()]);
    }
    secrets.extend(tokens.clone());
    let path = format!("/v2/room/1?auth_token={}", tokens[0]);
    let answer = server.client.get(server.url(&path)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let path = format!("/v2/oauth/token/{}", tokens[0]);
    server.get(&tokens[0], &path).await.unwrap();

    let events = server.client.get(server.url("/rooms/1/events"));
    let mut page = events.send().await.unwrap();
    let mut shown = String::new();
    while !shown.contains("things") {
        shown += str::from_utf8(&page.chunk().await.unwrap().unwrap()).unwrap();
    }
    server.notify(&tokens[1], "hello").await.unwrap();
    add_on.called(1).await;
    let glance = json!({
        "key": "created",
        "name": { "value": "Created" },
        "icon": { "url": "https://example.com/i.png", "url@2x": "https://example.com/i.png" },
        "queryUrl": format!("{}query?key={IN_ADDRESS}", add_on.url("one")),
    });
    let path = "/v2/room/1/extension/glance/created";
    let created = server.send(Method::PUT, &tokens[0], path, &glance).await;
    created.unwrap();
    let push = json!({
        "glance": [{ "key": "created", "content": { "label": { "type": "html", "value": "5" } } }],
    });
    let pushed = server.send(Method::POST, &tokens[0], "/v2/addon/ui/room/1", &push);
    pushed.await.unwrap();
    let ask = async |path: &str, wanted: Value| {
        let request = server.client.post(server.url(path)).json(&wanted);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    };
    let module = json!({ "addOn": "com.example.one", "module": "panel" });
    let token: Value = serde_json::from_str(&ask("/rooms/1/frames/token", module).await).unwrap();
    secrets.push(token["token"].as_str().unwrap().to_owned());
    let panel = json!({ "addOn": "com.example.one", "key": "panel" });
    let panel = ask("/rooms/1/open", panel).await;
    let (_, signed) = panel.split_once("signed_request=").unwrap();
    let is_of_token = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    secrets.push(signed.chars().take_while(is_of_token).collect());

    let path = format!("/v2/oauth/token/{}", tokens[1]);
    let ended = server.send(Method::DELETE, &tokens[1], &path, &Value::Null);
    ended.await.unwrap();
    let (id, _) = add_on.installation("one");
    let path = format!("/rooms/1/integrations/{id}/remove");
    let (removed, _) = server.browser().post(&path, &[]).await.unwrap();
    assert_eq!(removed, StatusCode::OK);
    server.signal("TERM").await;
    server.ended().await;

    let signed = add_on.signed();
    assert!(!signed.is_empty());
    secrets.extend(signed);
    let log = server.log();
    assert!(log.iter().any(|line| line.contains("\"TRACE\"")));
    for secret in &secrets {
        // Of a signed token its last part is what makes it one.
        let secret = secret.rsplit('.').next().unwrap();
        assert!(secret.len() >= 10, "{secret}");
        let found: Vec<_> = log.iter().filter(|line| line.contains(secret)).collect();
        assert!(found.is_empty(), "{secret} is in {found:#?}");
    }
}

#[tokio::test]
async fn no_token_for_scripts_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[sign_in]\nway = \"name\"\n[log]\nfilter = \"trace\"";
    let mut server = Server::start(folder.path(), settings).await;
    let mut browser = server.browser();
    browser.say_name("Ann").await;
    let form = [("name", "deploy"), ("days", "90")];
    let (created, page) = browser.post("/tokens", &form).await.unwrap();
    assert_eq!(created, StatusCode::CREATED);
    let (_, token) = page.split_once("value=\"glance_admin_").unwrap();
    let token = format!("glance_admin_{}", token.split_once('"').unwrap().0);
    let list = "/admin/v1/installations";
    let listed = server.get(&token, list).await.unwrap();
    assert_eq!(listed["installations"], json!([]));
    let guessed = format!("glance_admin_1_{}", "guessed1".repeat(5));
    server.get(&guessed, list).await.unwrap_err();
    let body = json!({ "url": format!("https://ann:{IN_ADDRESS}@localhost:1/?key={IN_ADDRESS}") });
    let refused = server.send(Method::POST, &token, list, &body).await;
    assert!(refused.is_err());
    server.signal("TERM").await;
    server.ended().await;

    let log = server.log();
    let has = |text: &str| log.iter().any(|line| line.contains(text));
    assert!(has("token for scripts created") && has("a token for scripts was refused"));
    for token in [&token, &guessed] {
        let secret = token.rsplit_once('_').unwrap().1;
        assert!(!has(secret), "{log:#?}");
    }
    assert!(!has(IN_ADDRESS), "{log:#?}");
}
