//! Tests deliveries with GitHub's signatures, with a viewer of the room.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../tests/skipped.rs"]
mod skipped;

use std::path::Path;

use ::pull_requests::{add_on, pull_requests, set_up};
use aws_lc_rs::hmac;
use glance_host::Host;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::glance::Glance;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use skipped::skipped;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

const SECRET: &str = "It's a Secret to Everybody";

struct Setting {
    host: Host,
    room: TestRoom,
    add_on: TestAddOn,
    client: Client,
    data: tempfile::TempDir,
}

impl Setting {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let host = Host::start().await;
        let owner = host.user("owner", |_| {}).await;
        let mut room = host.room("widgets").await;
        room.change(|room| room.owner = owner.id).await;
        let add_on = room.install(add_on(data.path(), SECRET).unwrap()).await;
        Self {
            host,
            room,
            add_on,
            client: glance_host::testing::http_client(),
            data,
        }
    }

    async fn choosing(repositories: &str) -> Self {
        let setting = Self::new().await;
        assert_eq!(setting.choose(repositories, "7").await.0, StatusCode::OK);
        setting
    }

    /// Submits the panel's form, like a person.
    async fn choose(&self, repositories: &str, stale_days: &str) -> (StatusCode, String) {
        self.submit(&[("repositories", repositories), ("stale_days", stale_days)])
            .await
    }

    async fn submit(&self, form: &[(&str, &str)]) -> (StatusCode, String) {
        let answer = self
            .client
            .post(self.panel().await)
            .form(form)
            .send()
            .await
            .unwrap();
        self.add_on.pusher().flush().await;
        (answer.status(), answer.text().await.unwrap())
    }

    async fn panel(&self) -> String {
        let installed = self.add_on.installed();
        self.host
            .panel_url(&self.room.room, installed, "pull-requests-panel")
            .await
            .unwrap()
    }

    async fn page(&self) -> String {
        let answer = glance_host::testing::http_client()
            .get(self.panel().await)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    }

    async fn deliver(&self, event: &str, body: &Value) -> StatusCode {
        self.send(event, &sign(SECRET, &body.to_string()), body)
            .await
    }

    /// Delivers in GitHub's default format: JSON in a field of a form.
    async fn deliver_form(&self, event: &str, body: &Value) -> (StatusCode, String) {
        let form = self
            .client
            .post(self.hook())
            .form(&[("payload", body.to_string())]);
        let form = form.build().unwrap();
        let form = form.body().unwrap().as_bytes().unwrap();
        let signature = sign(SECRET, std::str::from_utf8(form).unwrap());
        let answer = self
            .request(event, &signature)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form.to_vec());
        let answer = answer.send().await.unwrap();
        self.add_on.pusher().flush().await;
        (answer.status(), answer.text().await.unwrap())
    }

    fn hook(&self) -> String {
        format!("{}/hooks/github", self.add_on.base_url())
    }

    fn request(&self, event: &str, signature: &str) -> RequestBuilder {
        self.client
            .post(self.hook())
            .header("X-GitHub-Event", event)
            .header("X-Hub-Signature-256", signature)
    }

    /// Sends a delivery, and waits until the add-on's pushes for it were sent.
    async fn send(&self, event: &str, signature: &str, body: &Value) -> StatusCode {
        let answer = self.request(event, signature).body(body.to_string());
        let answer = answer.send().await.unwrap();
        self.add_on.pusher().flush().await;
        answer.status()
    }
}

fn sign(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body.as_bytes())))
}

/// Returns a pull request according to GitHub's documentation, with the relevant members.
fn pull_request(
    number: u32,
    state: &str,
    draft: bool,
    opened_days_ago: i64,
    updated_secs: i64,
) -> Value {
    let now = OffsetDateTime::now_utc();
    let date = |at: OffsetDateTime| at.format(&Rfc3339).unwrap();
    json!({
        "action": "edited",
        "pull_request": {
            "number": number,
            "title": format!("Change <b>{number}</b>"),
            "html_url": format!("https://github.com/example/widgets/pull/{number}"),
            "state": state,
            "draft": draft,
            "created_at": date(now - Duration::days(opened_days_ago)),
            "updated_at": date(now + Duration::seconds(updated_secs)),
        },
        "repository": repository("example/widgets"),
    })
}

fn repository(full_name: &str) -> Value {
    json!({ "id": 186_853_261, "full_name": full_name, "archived": false })
}

#[tokio::test]
async fn count_follows_deliveries() {
    let setting = Setting::choosing("Example/Widgets").await;
    let mut viewer = setting.room.viewer("member").await;
    assert!(
        viewer.settled().await.lines.is_empty(),
        "nothing open, nothing shown"
    );

    for (number, state, draft, at, shown) in [
        (1, "open", false, 0, "1 open pull request"),
        (2, "open", false, 0, "2 open pull requests"),
        (3, "open", true, 0, "2 open pull requests"),
        (3, "open", false, 1, "3 open pull requests"),
        (1, "open", true, 1, "2 open pull requests"),
        (2, "closed", false, 1, "1 open pull request"),
        (2, "open", false, 2, "2 open pull requests"),
    ] {
        let delivery = pull_request(number, state, draft, 1, at);
        assert_eq!(
            setting.deliver("pull_request", &delivery).await,
            StatusCode::NO_CONTENT
        );
        viewer.label("pull-requests", shown).await;
    }
    let line = viewer.glance::<pull_requests>().await;
    assert_eq!(line.lozenge(), Some(("current", "REVIEW")));

    for number in [2, 3] {
        setting
            .deliver("pull_request", &pull_request(number, "closed", false, 1, 9))
            .await;
    }
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn duplicate_and_late_deliveries_change_nothing() {
    let setting = Setting::choosing("example/widgets").await;
    let mut viewer = setting.room.viewer("member").await;
    let opened = pull_request(1, "open", false, 1, 0);
    for delivery in [&opened, &opened, &pull_request(1, "closed", false, 1, -60)] {
        assert_eq!(
            setting.deliver("pull_request", delivery).await,
            StatusCode::NO_CONTENT
        );
    }
    viewer.label("pull-requests", "1 open pull request").await;
    let mut second = setting.room.viewer("other").await;
    assert_eq!(
        second.glance::<pull_requests>().await.label_text(),
        "1 open pull request"
    );
}

#[tokio::test]
async fn late_delivery_of_same_second_does_not_reopen() {
    let setting = Setting::choosing("example/widgets").await;
    let mut viewer = setting.room.viewer("member").await;
    let closed = pull_request(1, "closed", false, 1, 5);
    let late = pull_request(1, "open", false, 1, 5);
    let other = pull_request(2, "open", false, 1, 5);
    for delivery in [&closed, &late, &other] {
        let status = setting.deliver("pull_request", delivery).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    viewer.label("pull-requests", "1 open pull request").await;
}

/// Another process is changing the database. GitHub lists the delivery as failed, for redelivery.
#[tokio::test]
async fn locked_database_causes_503() {
    let setting = Setting::choosing("example/widgets").await;
    let file = setting.data.path().join("pull-requests.sqlite");
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let opened = pull_request(1, "open", false, 0, 0);
    let status = setting.deliver("pull_request", &opened).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    other.execute_batch("COMMIT").unwrap();
    let status = setting.deliver("pull_request", &opened).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let mut viewer = setting.room.viewer("member").await;
    viewer
        .label(pull_requests::KEY, "1 open pull request")
        .await;
}

#[tokio::test]
async fn form_deliveries_count() {
    let setting = Setting::choosing("example/widgets").await;
    let mut viewer = setting.room.viewer("member").await;
    let mut opened = pull_request(1, "open", false, 1, 0);
    opened["pull_request"]["title"] = json!("50% & 1+1=2 größer");
    let answer = setting.deliver_form("pull_request", &opened).await;
    assert_eq!(answer, (StatusCode::NO_CONTENT, String::new()));
    viewer.label("pull-requests", "1 open pull request").await;
    let page = setting.page().await;
    assert!(page.contains("50% &amp; 1+1=2 größer"), "{page}");

    let ping = json!({ "hook": { "events": ["push"] }, "repository": repository("a/b") });
    let (status, said) = setting.deliver_form("ping", &ping).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(said.contains("does not send pull requests"), "{said}");
}

#[tokio::test]
async fn glance_follows_repository_until_deletion() {
    let setting = Setting::choosing("example/widgets").await;
    let mut viewer = setting.room.viewer("member").await;
    let opened = |number, name: &str| {
        let mut delivery = pull_request(number, "open", false, 1, 0);
        delivery["repository"] = repository(name);
        delivery
    };
    let of_repository = |action: &str, name: &str| {
        let mut repository = repository(name);
        repository["archived"] = json!(action == "archived");
        json!({ "action": action, "repository": repository, "changes": {} })
    };
    setting
        .deliver("pull_request", &opened(1, "example/widgets"))
        .await;
    viewer.label("pull-requests", "1 open pull request").await;
    setting
        .deliver("repository", &of_repository("renamed", "example/gears"))
        .await;
    setting
        .deliver("pull_request", &opened(2, "example/gears"))
        .await;
    viewer.label("pull-requests", "2 open pull requests").await;
    setting
        .deliver("pull_request", &opened(3, "elsewhere/gears"))
        .await;
    viewer.label("pull-requests", "3 open pull requests").await;
    let page = setting.page().await;
    assert!(page.contains(">elsewhere/gears</textarea>"), "{page}");

    for (action, shown) in [
        ("publicized", 1),
        ("archived", 0),
        ("unarchived", 1),
        ("deleted", 0),
    ] {
        let status = setting
            .deliver("repository", &of_repository(action, "elsewhere/gears"))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{action}");
        viewer
            .wait_for(|sidebar| sidebar.lines.len() == shown)
            .await;
    }
    let page = setting.page().await;
    assert!(
        page.contains("elsewhere/gears: deleted on GitHub"),
        "{page}"
    );
}

#[tokio::test]
async fn removal_in_room_compensates_lost_delivery() {
    let setting = Setting::choosing("example/widgets").await;
    for number in [1, 2] {
        let opened = pull_request(number, "open", false, 1, 0);
        setting.deliver("pull_request", &opened).await;
    }
    let mut viewer = setting.room.viewer("member").await;
    viewer.label("pull-requests", "2 open pull requests").await;
    let page = setting.page().await;
    let key = page.split(r#"name="remove" value=""#).nth(1).unwrap();
    let key = key.split('"').next().unwrap();

    // Only a request that the host signed changes data.
    let address = setting.panel().await;
    let unsigned = address.split('?').next().unwrap();
    let answer = glance_host::testing::http_client()
        .post(unsigned)
        .form(&[("remove", key)]);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);

    let (status, page) = setting.submit(&[("remove", key)]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("1 removed."), "{page}");
    viewer.label("pull-requests", "1 open pull request").await;
    setting.submit(&[("remove", "")]).await;
    viewer.label("pull-requests", "2 open pull requests").await;
    for nonsense in ["x", "1/x", "99/99", "-1/-1"] {
        let (status, _) = setting.submit(&[("remove", nonsense)]).await;
        assert_eq!(status, StatusCode::OK, "{nonsense}");
    }
    setting.submit(&[("remove", key)]).await;
    viewer.label("pull-requests", "1 open pull request").await;
    let again = pull_request(1, "open", false, 1, 1);
    setting.deliver("pull_request", &again).await;
    viewer.label("pull-requests", "2 open pull requests").await;
}

#[tokio::test]
async fn owner_is_asked_to_choose_repositories() {
    let setting = Setting::new().await;
    let mut owner = setting.room.viewer("owner").await;
    owner.label(set_up::KEY, "Choose GitHub repositories").await;
    let mut member = setting.room.viewer("member").await;
    assert!(member.settled().await.lines.is_empty());
    setting.choose("example/widgets", "7").await;
    owner.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    setting.choose("", "7").await;
    owner.label(set_up::KEY, "Choose GitHub repositories").await;
}

#[tokio::test]
async fn panel_shows_webhook_url_and_last_delivery() {
    let setting = Setting::new().await;
    let page = setting.page().await;
    assert!(
        page.contains(&format!("<code>{}</code>", setting.hook())),
        "{page}"
    );
    assert!(page.contains("No delivery yet."), "{page}");
    setting
        .choose("example/widgets, example/gadgets", "7")
        .await;
    let star = json!({ "repository": repository("example/widgets") });
    setting.deliver("star", &star).await;
    let page = setting.page().await;
    for words in [
        "Last delivery: <time datetime=",
        "example/widgets: <time datetime=",
        "example/gadgets: no delivery yet",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn oldest_pull_request_decides_staleness() {
    let setting = Setting::choosing("example/widgets").await;
    setting
        .deliver("pull_request", &pull_request(1, "open", false, 7, 0))
        .await;
    let mut viewer = setting.room.viewer("member").await;
    assert_eq!(
        viewer.glance::<pull_requests>().await.lozenge(),
        Some(("current", "REVIEW"))
    );

    assert_eq!(
        setting.choose("example/widgets", "6").await.0,
        StatusCode::OK
    );
    viewer
        .wait_for(|sidebar| {
            sidebar
                .line("pull-requests")
                .is_some_and(|l| l.lozenge() == Some(("error", "STALE")))
        })
        .await;
}

#[tokio::test]
async fn only_signed_deliveries_of_pull_requests_count() {
    let setting = Setting::choosing("example/widgets").await;
    let opened = pull_request(1, "open", false, 1, 0);
    let text = opened.to_string();
    for (event, signature, status) in [
        (
            "pull_request",
            sign("guessed", &text),
            StatusCode::UNAUTHORIZED,
        ),
        (
            "pull_request",
            sign(SECRET, "another body"),
            StatusCode::UNAUTHORIZED,
        ),
        ("pull_request", String::new(), StatusCode::UNAUTHORIZED),
        ("ping", sign("guessed", &text), StatusCode::UNAUTHORIZED),
        ("ping", sign(SECRET, &text), StatusCode::NO_CONTENT),
        ("issues", sign(SECRET, &text), StatusCode::NO_CONTENT),
    ] {
        assert_eq!(
            setting.send(event, &signature, &opened).await,
            status,
            "{event} {signature}"
        );
    }
    let no_pull_request = json!({ "action": "opened" });
    assert_eq!(
        setting.deliver("pull_request", &no_pull_request).await,
        StatusCode::BAD_REQUEST
    );
    let mut viewer = setting.room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());
}

#[tokio::test]
async fn panel_escapes_and_keeps_invalid_input() {
    let setting = Setting::new().await;
    assert_eq!(
        glance_host::testing::http_client()
            .get(setting.panel().await)
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );

    let (status, page) = setting.choose("example/widgets <script>", "7").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.contains("&quot;&lt;script&gt;&quot; is not a repository"),
        "{page}"
    );
    assert!(
        page.contains(">example/widgets &lt;script&gt;</textarea>"),
        "{page}"
    );
    for days in ["0", "366", "-1", "x", ""] {
        let (status, page) = setting.choose("example/widgets", days).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{days}");
        assert!(
            page.contains("not a number of days from 1 to 365"),
            "{page}"
        );
    }

    setting
        .choose("example/widgets\nexample/gadgets", "7")
        .await;
    setting
        .deliver("pull_request", &pull_request(1, "open", false, 1, 0))
        .await;
    setting
        .deliver("pull_request", &pull_request(2, "open", true, 1, 0))
        .await;
    let page = glance_host::testing::http_client()
        .get(setting.panel().await)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("1 open, 1 in draft"), "{page}");
    assert!(
        page.contains("Change &lt;b&gt;1&lt;/b&gt;") && !page.contains("<b>1</b>"),
        "{page}"
    );
}

#[tokio::test]
async fn each_room_has_its_own_choice() {
    let setting = Setting::choosing("example/gadgets").await;
    setting
        .deliver("pull_request", &pull_request(1, "open", false, 1, 0))
        .await;
    assert!(
        setting
            .room
            .viewer("member")
            .await
            .settled()
            .await
            .lines
            .is_empty()
    );
    // Pull requests from before a room chose the repository count afterwards.
    setting.choose("example/widgets", "7").await;
    let mut viewer = setting.room.viewer("member").await;
    assert_eq!(
        viewer.glance::<pull_requests>().await.label_text(),
        "1 open pull request"
    );
}

/// GitHub's own example deliveries of every event, in every version, as JSON and as a form.
#[tokio::test]
async fn genuine_deliveries_are_parsed() {
    let Ok(examples) = std::env::var("GITHUB_WEBHOOK_EXAMPLES") else {
        skipped("GITHUB_WEBHOOK_EXAMPLES is not set, so there are no genuine deliveries");
        return;
    };
    let (mut pull_requests, mut others) = (0, 0);
    for version in std::fs::read_dir(Path::new(&examples)).unwrap() {
        let file = version.unwrap().path().join("index.json");
        let Ok(text) = std::fs::read(&file) else {
            continue;
        };
        let events: Vec<Value> = serde_json::from_slice(&text).unwrap();
        let setting = Setting::new().await;
        for event in &events {
            let name = event["name"].as_str().unwrap();
            for example in event["examples"].as_array().unwrap() {
                let case = format!("{} {name} {}", file.display(), example["action"]);
                if name == "pull_request" {
                    check_pull_request(example, &case).await;
                    pull_requests += 1;
                    continue;
                }
                let has_event = |events: &Vec<Value>| {
                    let mut events = events.iter();
                    events.any(|event| event == "pull_request" || event == "*")
                };
                let events = example["hook"]["events"].as_array();
                let expected = match name == "ping" && !events.is_none_or(has_event) {
                    true => StatusCode::BAD_REQUEST,
                    false => StatusCode::NO_CONTENT,
                };
                assert_eq!(setting.deliver(name, example).await, expected, "{case}");
                let (status, _) = setting.deliver_form(name, example).await;
                assert_eq!(status, expected, "{case} as a form");
                others += 1;
            }
        }
    }
    assert!(pull_requests > 25, "only {pull_requests} at {examples}");
    assert!(others > 500, "only {others} at {examples}");
}

async fn check_pull_request(example: &Value, case: &str) {
    let repository = example["repository"]["full_name"].as_str().unwrap();
    let setting = Setting::choosing(repository).await;
    let status = setting.deliver("pull_request", example).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{case}");
    let pull_request = &example["pull_request"];
    let counts = pull_request["state"] == "open" && pull_request["draft"] != true;
    let sidebar = setting.room.viewer("member").await.settled().await;
    let shown = sidebar.line("pull-requests").map(|line| line.label_text());
    let expected = counts.then(|| "1 open pull request".to_owned());
    assert_eq!(shown, expected, "{case}");
}
