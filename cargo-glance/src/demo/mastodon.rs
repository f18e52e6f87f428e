//! Imitates Mastodon: a server in this process with a public stream over HTTP.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{Stream, StreamExt, stream};
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::axum::extract::State;
use glance_sdk::axum::http::{HeaderMap, StatusCode, header};
use glance_sdk::axum::response::sse::{Event, KeepAlive, Sse};
use glance_sdk::axum::{Router, routing::get};
use glance_sdk::serve::HttpServer;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, error::RecvError};

use super::feed::{Example, Feed};

const PATH: &str = "/api/v1/streaming/public";

/// The number of earlier statuses at the start of the stream, so that there are mentions to count.
const EARLIER: usize = 48;

/// The interval between two statuses.
const PACE: Duration = Duration::from_secs(3);

/// Every second status mentions Rust.
const STATUSES: [&str; 4] = [
    "<p>Rewrote the importer in Rust. It was done by lunch.</p>",
    "<p>The tea here is better than the coffee.</p>",
    r#"<p>New here, and looking for people who write <a href="https://social.example.com/tags/rust" class="mention hashtag" rel="tag">#<span>Rust</span></a></p>"#,
    "<p>Fog over the harbour &amp; not a sound.</p>",
];

pub(super) async fn example() -> Result<Example, String> {
    let failed = |cause: std::io::Error| format!("cannot serve the demo's Mastodon: {cause}");
    let token = random_alphanumeric(40).map_err(|cause| format!("{cause:#}"))?;
    let server = Server {
        authorization: format!("Bearer {token}"),
        written: broadcast::Sender::new(64),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mastodon = Mastodon {
        written: server.written.clone(),
        count: AtomicUsize::new(0),
    };
    tokio::spawn(write(server.written.clone()));
    let router = Router::new().route(PATH, get(read)).with_state(server);
    tokio::spawn(HttpServer::new(listener).run(router, std::future::pending()));
    Ok(Example {
        name: "mentions",
        key: "glance.example.mentions",
        panel: "mentions-panel",
        form: &[("words", "rust")],
        port: 4403,
        variables: vec![
            ("MASTODON_STREAM", format!("http://{address}{PATH}")),
            ("MASTODON_TOKEN", token),
        ],
        feed: Box::new(mastodon),
    })
}

#[derive(Clone)]
struct Server {
    authorization: String,
    /// The numbers of new statuses.
    written: broadcast::Sender<usize>,
}

/// Writes a status at each interval.
async fn write(written: broadcast::Sender<usize>) {
    let mut pace = tokio::time::interval(PACE);
    for number in 0.. {
        pace.tick().await;
        // Without readers, the status is lost, as on a real stream.
        let _ = written.send(number);
    }
}

/// Streams some earlier statuses, then all new ones.
async fn read(
    State(server): State<Server>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, StatusCode> {
    let authorization = headers.get(header::AUTHORIZATION);
    if authorization.is_none_or(|value| value != &*server.authorization) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let new = stream::unfold(server.written.subscribe(), |mut written| async move {
        loop {
            match written.recv().await {
                Ok(number) => return Some((number, written)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let all = stream::iter(0..EARLIER)
        .chain(new)
        .map(|number| Ok(event(number)));
    let thump = KeepAlive::new().text("thump");
    Ok(Sse::new(all).keep_alive(thump))
}

fn event(number: usize) -> Event {
    let status = json!({
        "id": number.to_string(),
        "visibility": "public",
        "content": STATUSES[number % STATUSES.len()],
        "account": { "id": "1", "acct": "somebody@social.example.com" },
    });
    Event::default().event("update").data(status.to_string())
}

struct Mastodon {
    written: broadcast::Sender<usize>,
    count: AtomicUsize,
}

#[async_trait]
impl Feed for Mastodon {
    /// The add-on may have read the stream already, before a word was chosen.
    async fn begin(&self, _: &str) -> Result<(), String> {
        for number in 0..EARLIER {
            // Without readers, the stream delivers them later.
            let _ = self.written.send(number);
        }
        Ok(())
    }

    async fn more(&self, _: &str) -> Result<String, String> {
        // Statuses with an even number mention Rust.
        let number = 2 * self.count.fetch_add(1, Ordering::Relaxed);
        let read = self.written.send(number);
        read.map_err(|_| "nobody reads the demo's Mastodon".to_owned())?;
        Ok("Mastodon: somebody mentioned Rust.".to_owned())
    }

    fn hook(&self, _: &str) -> Option<String> {
        None
    }
}
