//! A page token: the script of a panel asks the add-on's own route as the person who opened the panel.

use glance_sdk::axum::response::Html;
use glance_sdk::prelude::*;

/// The panel. The token in it is signed for this person, room and installation.
async fn panel(request: SignedRequest) -> Html<String> {
    let token = request.page_token();
    Html(format!(
        "<!doctype html><title>Who am I?</title><meta name='token' content='{token}'>
        <p id='answer'></p><script src='/panel.js'></script>"
    ))
}

/// Each answer of a signed page has a newer token in `x-acpt`, so that an open panel stays in use.
const SCRIPT: &str = r#"const token = document.querySelector("meta[name=token]").content;
fetch("/me", { headers: { "x-acpt": token } })
  .then((answer) => answer.text())
  .then((text) => { document.getElementById("answer").textContent = text; });"#;

/// A route of the add-on's own: the extractor verifies the token.
async fn me(request: SignedRequest) -> String {
    match request.user_id() {
        Some(user) => format!("You are user {user}."),
        None => "You have no account.".to_owned(),
    }
}

fn add_on() -> AddOn {
    AddOn::new("com.example.me", "Who am I?")
        .web_panel("me", "Who am I?", get(panel))
        .route("/me", get(me))
        .asset("/panel.js", "text/javascript", SCRIPT)
}

#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    let server = add_on().listen_from_env().await?;
    server.run(glance_sdk::addon::interrupted()).await
}

#[cfg(test)]
mod tests {
    use glance_host::Host;

    use super::*;

    #[tokio::test]
    async fn the_script_asks_as_the_person_who_opened_the_panel() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let add_on = room.install(add_on()).await;
        let http = glance_host::testing::http_client();
        let panel = host
            .panel_url(&room.room, add_on.installed(), "me")
            .await
            .unwrap();
        let page = http.get(panel).send().await.unwrap().text().await.unwrap();
        let token = page
            .split_once("content='")
            .unwrap()
            .1
            .split_once('\'')
            .unwrap()
            .0;
        let url = format!("{}/me", add_on.base_url());
        let answer = http.get(&url).header("x-acpt", token).send().await.unwrap();
        let owner = room.room.owner;
        assert_eq!(
            answer.text().await.unwrap(),
            format!("You are user {owner}.")
        );
        assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
    }
}
