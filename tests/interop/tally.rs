//! The add-on that is written on each framework: a count per room, which `/tally 4` sets.

use std::process::Command;

use glance_host::Host;
use glance_host::model::Installed;
use glance_host::model::{Delivery, Outcome};
use glance_host::testing::TestRoom;
use glance_host::webhooks::RoomEvent;
use glance_sdk::auth::{SigningKey, now};
use glance_sdk::model::{Claims, Color, Context, Event};
use reqwest::{Response, Url};

use crate::program::{self, Served};
use crate::secure::Secure;

/// What is particular of one framework.
pub(crate) struct Tally {
    pub(crate) folder: &'static str,
    /// The path of its descriptor.
    pub(crate) descriptor: &'static str,
    pub(crate) forgers: Forgers,
    /// Whether a webhook's answer can be a message.
    pub(crate) answers_webhooks: bool,
    /// Whether it creates webhooks at run time, and does so while it is being installed.
    pub(crate) creates_webhooks: bool,
    /// Whether it checks, while it is told of its removal, that the host refuses its credentials.
    pub(crate) checks_credentials: bool,
}

/// What becomes of those who hold a token that its installation did not sign, or not lately.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgers {
    Refused,
    /// It fails, and tells them nothing.
    Fail,
    /// It never answers a wrong signature.
    Unanswered,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            folder: "",
            descriptor: "/",
            forgers: Forgers::Refused,
            answers_webhooks: true,
            creates_webhooks: false,
            checks_credentials: false,
        }
    }
}

impl Tally {
    /// All that an add-on does on a host, from its installation to its end, in the clear and by HTTPS.
    pub(crate) async fn comes_and_goes(&self) {
        let Some(command) = program::command(self.folder) else {
            return;
        };
        let host = Host::start().await;
        self.lives_on(&host, command).await;

        let mut command = program::command(self.folder).unwrap();
        let secure = Secure::start().await;
        secure.introduce(&mut command);
        self.lives_on(&secure.host, command).await;
    }

    async fn lives_on(&self, host: &Host, command: Command) {
        let room = host.room("ops").await;
        let add_on = Served::start(command);
        let descriptor = format!("{}{}", add_on.url, self.descriptor);
        let installed = room.install_url(&descriptor).await.unwrap();

        let mut viewer = room.viewer("member").await;
        let shown = viewer.label("tally", "0 open").await;
        let line = shown.line("tally").unwrap();
        assert_eq!(line.lozenge(), Some(("success", "CLEAR")));
        assert_eq!(line.target.as_ref().unwrap().key, "tally-panel");

        self.takes_a_command(&room).await;
        if self.creates_webhooks {
            room.notification("Listening").await;
            let by = host.user("member", |_| {}).await;
            let topic = "Deploys".to_owned();
            room.emit(RoomEvent::TopicChanged { topic, by }).await;
            room.notification("The topic is Deploys").await;
        }
        let shown = viewer.label("tally", "4 open").await;
        assert_eq!(
            shown.line("tally").unwrap().lozenge(),
            Some(("error", "OPEN"))
        );
        let mut late = room.viewer("late").await;
        late.label("tally", "4 open").await;

        let opened = self.opens_for_the_host_only(host, &room, &installed).await;
        assert!(host.uninstall(&installed.oauth_id).await.unwrap());
        // It has answered: a host that keeps nothing for later was content.
        assert!(host.state().leaving(None, 1).await.unwrap().is_empty());
        if self.checks_credentials {
            let removals = glance_host::testing::http_client()
                .get(format!("{}/removals", add_on.url))
                .send()
                .await
                .unwrap();
            let removals: Vec<String> = removals.json().await.unwrap();
            assert_eq!(removals, ["refused"]);
        }
        viewer.wait_for(|shown| shown.lines.is_empty()).await;
        let gone = glance_host::testing::http_client()
            .get(opened)
            .send()
            .await
            .unwrap();
        assert_refused("a token of what is removed", gone).await;
    }

    /// The webhook: it is called for what its pattern fits, pushes, and writes.
    async fn takes_a_command(&self, room: &TestRoom) {
        room.says("member", "what is the /tally 7 of today?").await;
        room.says("member", "/tally 4").await;
        let is_message = |delivery: &Delivery| delivery.event == Event::RoomMessage;
        let delivery = room.delivery(is_message).await;
        assert_eq!(delivery.body["item"]["message"]["message"], "/tally 4");
        assert_accepted(&delivery, self.answers_webhooks);

        room.notification("The tally is 4").await;
        if self.answers_webhooks {
            let answer = room.notification("Noted").await;
            assert_eq!(answer.color.unwrap_or(Color::Yellow), Color::Yellow);
        }
        let deliveries = room.deliveries().into_iter();
        let messages = deliveries.filter(|delivery| is_message(delivery)).count();
        assert_eq!(messages, 1, "nothing else fits the pattern");
    }

    /// The panel: it opens for what the host signed, and for nothing else. Answers with its address.
    async fn opens_for_the_host_only(
        &self,
        host: &Host,
        room: &TestRoom,
        installed: &Installed,
    ) -> Url {
        let opened = host.panel_url(&room.room, installed, "tally-panel").await;
        let opened: Url = opened.unwrap().parse().unwrap();
        let page = glance_host::testing::http_client()
            .get(opened.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(page.status(), 200);
        let text = page.text().await.unwrap();
        let expected = format!("The tally of room {} for person 1", room.room.id);
        assert_eq!(text, expected);

        let ask = |secret: &str, iss: &str, age: i64| {
            let issued = now() - age;
            let mut claims = Claims::new(iss.into(), issued, issued + 3600);
            claims.sub = Some("1".to_owned());
            let mut context = Context::default();
            context.room_id = Some(room.room.id);
            claims.context = Some(context);
            let token = SigningKey::new(&secret.into()).sign(&claims);
            let mut url = opened.clone();
            url.set_query(None);
            glance_host::testing::http_client()
                .get(url)
                .query(&[("signed_request", token)])
                .send()
        };
        let own = installed.oauth_id.to_string();
        let secret = installed.oauth_secret.expose();
        assert_eq!(ask(secret, &own, 0).await.unwrap().status(), 200);
        let expired = ask(secret, &own, 7200).await.unwrap();
        self.assert_no_forger("an expired token", expired).await;
        let stranger = ask(secret, "nobody", 0).await.unwrap();
        assert_refused("a token of no installation", stranger).await;
        let mut unsigned = opened.clone();
        unsigned.set_query(None);
        let unsigned = glance_host::testing::http_client()
            .get(unsigned)
            .send()
            .await
            .unwrap();
        assert_refused("no token", unsigned).await;

        let forged = ask("another secret", &own, 0);
        if self.forgers == Forgers::Unanswered {
            tokio::select! {
                biased;
                answer = forged => panic!("it answers forgers now: {answer:?}"),
                later = glance_host::testing::http_client().get(opened.clone()).send() => assert_eq!(later.unwrap().status(), 200),
            }
        } else {
            self.assert_no_forger("a forged token", forged.await.unwrap())
                .await;
        }
        opened
    }

    async fn assert_no_forger(&self, what: &str, answer: Response) {
        if self.forgers == Forgers::Fail {
            assert_eq!(answer.status(), 500, "{what}");
            assert!(
                !answer.text().await.unwrap().contains("The tally"),
                "{what}"
            );
        } else {
            assert_refused(what, answer).await;
        }
    }
}

fn assert_accepted(delivery: &Delivery, with_entry: bool) {
    match &delivery.outcome {
        Outcome::Answered {
            status: 200..=299,
            entry,
            problem: None,
            ..
        } => assert_eq!(entry.is_some(), with_entry),
        other => panic!("{other:?}"),
    }
}

async fn assert_refused(what: &str, answer: Response) {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_client_error(), "{what}: {status} {text}");
    assert!(!text.contains("The tally"), "{what}: {text}");
}
