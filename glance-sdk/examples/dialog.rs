//! A dialog with options: a glance opens it, and its form changes what the glance shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glance_sdk::axum::response::Html;
use glance_sdk::model::{Dialog, DialogAction, DialogOptions, NamedSize};
use glance_sdk::prelude::*;

/// How many people have voted for cake.
#[derive(Clone, Default)]
struct Votes(Arc<AtomicU32>);

fn data(votes: &Votes) -> GlanceData {
    GlanceData::new(label!(
        "<b>{}</b> for cake",
        votes.0.load(Ordering::Relaxed)
    ))
}

#[glance(
    key = "votes",
    name = "Votes",
    icon = "/votes.svg",
    target = "vote",
    audience = "room"
)]
async fn votes(State(votes): State<Votes>) -> GlanceData {
    data(&votes)
}

/// The page in the dialog. Its script asks the host for a token and posts when "Vote" is pressed.
async fn page(request: SignedRequest) -> Result<Html<String>, Failure> {
    let script = request.client().await?.installation().script_url();
    let script = glance_sdk::label::Escaped(&script);
    Ok(Html(format!(
        r#"<!doctype html><title>Vote</title><p>Cake?<script src="{script}"></script>
        <script src="/vote.js"></script>"#
    )))
}

const SCRIPT: &str = r#"HipChat.register({
  "dialog-button-click": (event, closeDialog) => HipChat.auth.withToken((error, token) => {
    if (error) return closeDialog(false);
    fetch("/dialog/vote", { method: "POST", headers: { Authorization: `JWT ${token}` } })
      .then((answer) => closeDialog(answer.ok));
  }),
});"#;

async fn vote(
    request: SignedRequest,
    State(votes): State<Votes>,
    pusher: Pusher,
) -> Result<&'static str, Failure> {
    votes.0.fetch_add(1, Ordering::Relaxed);
    if let Some(room) = request.room_id() {
        pusher.push::<self::votes>(request.oauth_id(), To::Room(room), data(&votes))?;
    }
    Ok("thank you")
}

fn add_on() -> AddOn<Votes> {
    let options = DialogOptions::default()
        .size(NamedSize::Small)
        .primary_action(DialogAction::new("Vote"))
        .hint("Once per lunch, please.");
    AddOn::new("com.example.votes", "Votes")
        .state(Votes::default())
        .glance::<votes>()
        .page(
            Dialog::new("vote", "Vote", "").options(options),
            get(page).post(vote),
        )
        .asset("/vote.js", "text/javascript", SCRIPT)
        .asset(
            "/votes.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
}

#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    let server = add_on().listen_from_env().await?;
    server.run(glance_sdk::addon::interrupted()).await
}

#[cfg(test)]
mod tests {
    use glance_host::Host;
    use glance_sdk::model::{Claims, Context};

    use super::*;

    #[tokio::test]
    async fn a_vote_changes_the_glance() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let add_on = room.install(add_on()).await;
        let mut viewer = room.viewer("ann").await;
        viewer.label("votes", "0 for cake").await;

        let installed = add_on.installed();
        let options = installed.descriptor.dialog("vote").unwrap().options.clone();
        assert_eq!(options.unwrap().primary_action.unwrap().name.value, "Vote");
        let key = glance_sdk::auth::SigningKey::new(&installed.oauth_secret);
        let now = glance_sdk::auth::now();
        let mut claims = Claims::new(add_on.oauth_id().clone(), now, now + 60);
        let mut context = Context::default();
        context.room_id = Some(room.room.id);
        claims.context = Some(context);
        let url = format!("{}/dialog/vote", add_on.base_url());
        let vote = glance_host::testing::http_client().post(url);
        let vote = vote.header("authorization", format!("JWT {}", key.sign(&claims)));
        assert_eq!(
            vote.send().await.unwrap().text().await.unwrap(),
            "thank you"
        );
        viewer.label("votes", "1 for cake").await;
    }
}
