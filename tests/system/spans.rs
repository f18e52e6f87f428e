//! Tests the spans of an add-on, their fields, and that they contain no secrets.

use std::collections::BTreeSet;
use std::path::Path;

use glance_host::Host;
use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::model::{Action, ActionLocation, Notification};
use glance_sdk::prelude::*;

use crate::answers::said;
use crate::log::{EndedSpan, Log};

#[glance(key = "builds", name = "Builds", icon = "/builds.svg", target = "list")]
async fn builds(query: GlanceQuery) -> GlanceData {
    GlanceData::new(label!("<b>3</b> builds in {}", query.room_id()))
}

#[glance(key = "broken", name = "Broken", icon = "/builds.svg")]
async fn broken() -> Result<GlanceData, Failure> {
    Err(Failure::unavailable("the builds are down"))
}

#[webhook(event = RoomMessage)]
async fn heard(_: WebhookRequest<RoomMessage>) -> Notification {
    Notification::text("Heard.")
}

async fn page(_: SignedRequest) -> &'static str {
    "<h1>Builds</h1>"
}

fn add_on() -> AddOn {
    AddOn::new("com.example.builds", "Builds")
        .glance::<builds>()
        .glance::<broken>()
        .webhook::<heard>()
        .web_panel("list", "List", get(page))
        .dialog("start", "Start", get(page))
        .action(Action::new(
            "start-build",
            "Start",
            ActionLocation::Input,
            "start",
        ))
        .asset(
            "/builds.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
}

/// Returns the first span with this name and these fields.
fn find(log: &Log, name: &str, fields: &[(&str, &str)]) -> EndedSpan {
    let spans = log.spans();
    let has = |span: &&EndedSpan| {
        span.name == name
            && fields
                .iter()
                .all(|(field, value)| span.get(field) == Some(value))
    };
    let found = spans.iter().find(has).cloned();
    found.unwrap_or_else(|| panic!("no span {name} with {fields:?} in {spans:#?}"))
}

#[tokio::test]
async fn every_exchange_has_span_without_secrets() {
    let log = Log::record();
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let (id, number) = (add_on.oauth_id().to_string(), room.room.id.to_string());
    let (id, number) = (id.as_str(), number.as_str());
    let installed = find(&log, "glance.install", &[("glance.oauth_id", id)]);
    for (field, value) in [
        ("otel.kind", "server"),
        ("http.request.method", "POST"),
        ("http.response.status_code", "204"),
        ("glance.outcome", "ok"),
    ] {
        assert_eq!(installed.get(field), Some(value), "{installed:?}");
    }
    let of_host = [
        ("glance.oauth_id", id),
        ("otel.kind", "client"),
        ("http.response.status_code", "200"),
    ];
    for name in ["glance.capabilities", "glance.token"] {
        let span = find(&log, name, &of_host);
        assert_eq!(span.parent, Some("glance.install"), "{span:?}");
        assert!(span.get("server.address").is_some(), "{span:?}");
    }

    let mut viewer = room.viewer("Ann").await;
    viewer.settled().await;
    let common = [("glance.oauth_id", id), ("glance.room", number)];
    let answered = [
        ("glance.key", "builds"),
        ("http.response.status_code", "200"),
        ("glance.outcome", "ok"),
    ];
    let query = find(&log, "glance.query", &[&common[..], &answered].concat());
    assert_eq!(query.get("otel.status_code"), None, "{query:?}");
    assert_eq!(query.parent, None, "{query:?}");
    let failed = [
        ("glance.key", "broken"),
        ("http.response.status_code", "503"),
        ("glance.outcome", "failed"),
        ("otel.status_code", "ERROR"),
    ];
    find(&log, "glance.query", &[&common[..], &failed].concat());

    room.says("Ann", "hi").await;
    room.delivery(said("hi")).await;
    let called = [
        ("glance.key", "heard"),
        ("http.response.status_code", "200"),
    ];
    find(&log, "glance.webhook", &[&common[..], &called].concat());

    viewer.open("list").await;
    viewer.open("start").await;
    for route in ["/panel/list", "/dialog/start"] {
        let opened = [("http.route", route), ("http.request.method", "GET")];
        find(&log, "glance.page", &[&common[..], &opened].concat());
    }

    let client = add_on.client().await;
    let data = || GlanceData::new(label!("<b>4</b> builds"));
    client
        .room(room.room.id)
        .push::<builds>(data())
        .await
        .unwrap();
    let pushed = [("glance.keys", "builds"), ("glance.to", "room")];
    find(&log, "glance.push", &[&common[..], &pushed].concat());
    let call = find(&log, "glance.call", &[("http.request.method", "POST")]);
    assert_eq!(call.parent, Some("glance.push"), "{call:?}");
    assert_eq!(
        call.get("http.response.status_code"),
        Some("204"),
        "{call:?}"
    );
    let path = format!("/v2/addon/ui/room/{number}");
    assert_eq!(call.get("url.path"), Some(path.as_str()), "{call:?}");

    let pusher = add_on.pusher();
    let to = glance_sdk::client::To::Group;
    pusher
        .push::<builds>(add_on.oauth_id(), to, data())
        .unwrap();
    pusher.flush().await;
    let pushed = [("glance.keys", "builds"), ("glance.to", "group")];
    let pushed = find(&log, "glance.push", &pushed);
    assert_eq!(pushed.parent, None, "{pushed:?}");

    let unknown = client.room(999_999).get().await.unwrap_err();
    let refused = [
        ("error.type", unknown.code()),
        ("otel.status_code", "ERROR"),
    ];
    find(&log, "glance.call", &refused);

    let stranger = format!("{}/glance/builds?signed_request=a.b.c", add_on.base_url());
    let http = glance_host::testing::http_client();
    http.get(stranger).send().await.unwrap();
    let refused = [
        ("http.response.status_code", "401"),
        ("glance.outcome", "refused"),
    ];
    let refused = find(&log, "glance.query", &refused);
    assert_eq!(refused.get("glance.oauth_id"), None, "{refused:?}");

    host.uninstall(add_on.oauth_id()).await.unwrap();
    find(&log, "glance.remove", &[("glance.oauth_id", id)]);

    let secret = add_on.installed().oauth_secret.expose();
    let everything = format!("{} {:?}", log.text(), log.spans());
    for words in [secret, "signed_request", "eyJ", "Bearer"] {
        assert!(!everything.contains(words), "{words}: {everything}");
    }
}

/// Returns the string literals with this prefix after one of these macros, in all sources of the
/// SDK.
fn in_sources(macros: &[&str], prefix: &str) -> BTreeSet<String> {
    fn visit(folder: &Path, look: &mut impl FnMut(&str)) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, look);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                look(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut found = BTreeSet::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("glance-sdk/src");
    visit(&sources, &mut |source| {
        for name in macros {
            for (at, _) in source.match_indices(name) {
                let after = source[at + name.len()..].trim_start();
                let text = after
                    .strip_prefix('"')
                    .and_then(|text| text.split('"').next());
                found.extend(
                    text.filter(|text| text.starts_with(prefix))
                        .map(str::to_owned),
                );
            }
        }
    });
    found
}

/// Returns the words in backticks with this prefix, in the first cells of the page's tables.
fn on_page(prefix: &str) -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/opentelemetry.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    words
        .filter(|word| word.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

#[test]
fn manual_lists_every_span_and_metric() {
    let spans = in_sources(&["debug_span!(", "request_span!("], "glance.");
    assert!(spans.len() > 8, "{spans:?}");
    assert_eq!(spans, on_page("glance."));
    let numbers = in_sources(&["counter!(", "histogram!(", "gauge!("], "glance_");
    assert!(numbers.len() > 6, "{numbers:?}");
    assert_eq!(numbers, on_page("glance_"));
}
