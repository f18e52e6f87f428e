//! Tests a Mastodon stream over real HTTP, with a viewer of the room.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::mentions::{Mentions, Source, mentions, set_up};
use glance_host::Host;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::glance::Glance;
use reqwest::StatusCode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A recorded stream. Two of its statuses mention Rust, some more than once.
const RECORDED: &str = include_str!("public.sse");

const HOUR: u64 = 3600;

/// A server whose stream the test writes.
struct Mastodon {
    listener: TcpListener,
}

/// A connection to the server.
struct Stream {
    socket: BufReader<TcpStream>,
    /// The head of the request in lower case.
    asked: String,
}

impl Mastodon {
    async fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    fn source(&self) -> Source {
        let address = self.listener.local_addr().unwrap();
        let url = format!("http://{address}/api/v1/streaming/public");
        Source::new(&url, Some("a-token")).unwrap()
    }

    /// Waits for a reader, and responds with the head of an event stream.
    async fn read(&self) -> Stream {
        let mut stream = self.next_stream().await;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.socket.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn next_stream(&self) -> Stream {
        let (socket, _) = self.listener.accept().await.unwrap();
        let mut socket = BufReader::new(socket);
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            socket.read_line(&mut asked).await.unwrap();
        }
        let asked = asked.to_lowercase();
        Stream { socket, asked }
    }
}

impl Stream {
    /// Sends this text in chunks of this size.
    async fn send(&mut self, text: &str, chunk: usize) {
        for chunk in text.as_bytes().chunks(chunk) {
            let framed = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
            self.socket.write_all(&framed).await.unwrap();
        }
        self.socket.flush().await.unwrap();
    }
}

fn status(content: &str) -> String {
    let status = serde_json::json!({ "id": "1", "content": content });
    format!("event: update\ndata: {status}\n\n")
}

struct Setting {
    host: Host,
    room: TestRoom,
    add_on: TestAddOn,
    mastodon: Mastodon,
    now: Arc<AtomicU64>,
    following: JoinHandle<()>,
}

impl Setting {
    async fn new(data: &Path) -> Self {
        let host = Host::start().await;
        let owner = host.user("owner", |_| {}).await;
        let mut room = host.room("rustaceans").await;
        room.change(|room| room.owner = owner.id).await;
        let mastodon = Mastodon::start().await;
        let now = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&now);
        let app = Mentions::open(data).unwrap();
        let app = app.clock(move || clock.load(Ordering::SeqCst));
        let add_on = room.install(app.add_on().unwrap()).await;
        let following = app.follow(mastodon.source(), add_on.pusher().clone());
        Self {
            host,
            room,
            add_on,
            mastodon,
            now,
            following: tokio::spawn(following),
        }
    }

    /// Submits the panel's form, like a person.
    async fn choose(&self, words: &str) -> (StatusCode, String) {
        let answer = glance_host::testing::http_client().post(self.panel().await);
        let answer = answer.form(&[("words", words)]).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn page(&self) -> String {
        let page = glance_host::testing::http_client()
            .get(self.panel().await)
            .send()
            .await
            .unwrap();
        page.text().await.unwrap()
    }

    /// Loads the panel until it contains this text.
    async fn page_with(&self, words: &str) -> String {
        loop {
            let page = self.page().await;
            if page.contains(words) {
                return page;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn panel(&self) -> String {
        let installed = self.add_on.installed();
        let panel = self
            .host
            .panel_url(&self.room.room, installed, "mentions-panel");
        panel.await.unwrap()
    }

    fn at(&self, now: u64) {
        self.now.store(now, Ordering::SeqCst);
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        self.following.abort();
    }
}

fn label(count: u32) -> String {
    format!("{count} mentions of rust in an hour")
}

#[tokio::test]
async fn burst_ends_with_correct_number_and_few_pushes() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    assert_eq!(setting.choose("rust").await.0, StatusCode::OK);
    let mut viewer = setting.room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());

    let mut stream = setting.mastodon.read().await;
    assert!(stream.asked.contains("authorization: bearer a-token"));
    stream.send(RECORDED, 7).await;
    for n in 0..5000 {
        let about = [
            "<p>rust</p>",
            "<p>tea</p>",
            "<p>Rust and rust</p>",
            "<p>rusty</p>",
        ][n % 4];
        stream
            .send(&status(&format!("{about}<p>{n}</p>")), 100)
            .await;
        if n % 1000 == 0 {
            stream
                .send(&status(&"rust ".repeat(100_000)), 64 * 1024)
                .await;
            stream
                .send("event: update\ndata: {\"content\":[\"rust\"]}\n\n", 10)
                .await;
        }
    }
    viewer.label(mentions::KEY, &label(2 + 2500)).await;
    setting.add_on.pusher().flush().await;
    let pushed = setting.add_on.pusher().pushed();
    assert!((1..=25).contains(&pushed.calls), "{pushed:?}");
    assert_eq!((pushed.failed, pushed.dropped), (0, 0), "{pushed:?}");
    let mut second = setting.room.viewer("other").await;
    let line = second.glance::<mentions>().await;
    assert_eq!(line.label_text(), label(2502), "a query says the same");
}

#[tokio::test]
async fn number_decreases_over_time_and_glance_hides() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    setting.choose("rust").await;
    let mut viewer = setting.room.viewer("member").await;
    let mut stream = setting.mastodon.read().await;
    let mention = status("rust");
    stream.send(&mention.repeat(30), 1000).await;
    viewer.label(mentions::KEY, &label(30)).await;
    setting.at(HOUR / 2);
    stream.send(&mention.repeat(11), 1000).await;
    viewer.label(mentions::KEY, &label(41)).await;

    setting.at(HOUR);
    viewer.label(mentions::KEY, &label(11)).await;
    setting.at(HOUR + HOUR / 2);
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn interrupted_stream_continues_at_last_event() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    setting.choose("rust").await;
    let mut viewer = setting.room.viewer("member").await;
    let mention = status("rust");

    let mut first = setting.mastodon.read().await;
    assert!(!first.asked.contains("last-event-id"));
    first.send(&format!("id: 41\n{mention}"), 1000).await;
    first.send(&mention.repeat(10), 1000).await;
    viewer.label(mentions::KEY, &label(11)).await;
    first.send(mention.trim_end(), 1000).await;
    drop(first);

    let mut refused = setting.mastodon.next_stream().await;
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    refused.socket.write_all(answer.as_bytes()).await.unwrap();
    drop(refused);
    let mut second = setting.mastodon.read().await;
    assert!(
        second.asked.contains("last-event-id: 41"),
        "{}",
        second.asked
    );
    second.send(&mention, 1000).await;
    viewer.label(mentions::KEY, &label(12)).await;
}

#[tokio::test]
async fn words_survive_restart_and_counts_do_not() {
    let data = tempfile::tempdir().unwrap();
    let first = Setting::new(data.path()).await;
    first.choose("rust").await;
    let mut stream = first.mastodon.read().await;
    stream.send(&status("rust").repeat(20), 1000).await;
    let mut viewer = first.room.viewer("member").await;
    viewer.label(mentions::KEY, &label(20)).await;

    // The same installation, served by another process.
    let again = Mentions::open(data.path()).unwrap().add_on().unwrap();
    let again = again.listen("127.0.0.1", 0, None).await.unwrap();
    let url = format!("{}/", again.base_url());
    tokio::spawn(again.run(std::future::pending()));
    let installed = first.add_on.installed();
    first.host.update(installed, &url).await.unwrap();
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    let installed = first
        .host
        .state()
        .installations_in(first.room.room.id)
        .await;
    let installed = &installed.unwrap()[0];
    let panel = first
        .host
        .panel_url(&first.room.room, installed, "mentions-panel");
    let page = glance_host::testing::http_client()
        .get(panel.await.unwrap())
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("<li><b>0</b> <bdi>rust</bdi></li>"), "{page}");
}

/// Another process is changing the database.
#[tokio::test]
async fn failed_choice_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    setting.choose("rust").await;
    let other = rusqlite::Connection::open(data.path().join("mentions.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (status, _) = setting.choose("tea").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let page = glance_host::testing::http_client()
        .get(setting.panel().await)
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    assert!(
        page.contains("<bdi>rust</bdi>") && !page.contains("tea"),
        "{page}"
    );
    other.execute_batch("COMMIT").unwrap();
    let (status, page) = setting.choose("tea").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("<bdi>tea</bdi>"), "{page}");
}

#[tokio::test]
async fn choice_of_another_process_is_used() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    let mut stream = setting.mastodon.read().await;
    let other = rusqlite::Connection::open(data.path().join("mentions.sqlite")).unwrap();
    let place = (
        setting.add_on.oauth_id().to_string(),
        setting.room.room.id.to_string(),
    );
    let insert = "INSERT INTO chosen (oauth_id, room_id, word) VALUES (?1, ?2, 'rust')";
    other.execute(insert, place).unwrap();
    let page = glance_host::testing::http_client()
        .get(setting.panel().await)
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("<li><b>0</b> <bdi>rust</bdi></li>"), "{page}");
    stream.send(&status("rust").repeat(20), 1000).await;
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(mentions::KEY, &label(20)).await;

    other.execute("DELETE FROM chosen", []).unwrap();
    // The host has young data of the room, so somebody asks for newer.
    let line = Arc::clone(viewer.sidebar().line(mentions::KEY).unwrap());
    viewer.retry(&line);
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn panel_keeps_invalid_input_and_counts_each_word() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    let many = (0..21)
        .map(|n| format!("w{n}"))
        .collect::<Vec<_>>()
        .join(" ");
    let long = "x".repeat(41);
    for (words, problem) in [
        ("rust <script>", "&quot;&lt;script&gt;&quot; is not a word"),
        ("rust--lang", "&quot;rust--lang&quot; is not a word"),
        (&many, "These are 21 words; choose at most 20."),
        (&long, "is not a word of at most 40"),
    ] {
        let (status, page) = setting.choose(words).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{words}");
        assert!(page.contains(problem), "{page}");
        assert!(!page.contains("<script>"), "{page}");
    }
    assert_eq!(setting.choose("#Rust, tea").await.0, StatusCode::OK);
    let mut stream = setting.mastodon.read().await;
    stream.send(&status("tea with rust").repeat(6), 1000).await;
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(mentions::KEY, "12 mentions in an hour").await;
    let page = glance_host::testing::http_client()
        .get(setting.panel().await)
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    assert!(
        page.contains("<li><b>6</b> <bdi>Rust</bdi></li><li><b>6</b> <bdi>tea</bdi></li>"),
        "{page}"
    );

    // A room without words receives no counts.
    assert_eq!(setting.choose("").await.0, StatusCode::OK);
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn words_of_any_language_are_counted() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    let words = "हिन्दी、 #東京， straße، می‌خواهم؛\u{3000}צה״ל ; cafe\u{301}";
    let (answer, page) = setting.choose(words).await;
    assert_eq!(answer, StatusCode::OK, "{page}");
    let mut stream = setting.mastodon.read().await;
    let all = [
        "<p>मुझे हिन्दी पसंद</p>",
        "<p>昨日東京へ行った</p>",
        "<p>Neue Stra&szlig;e, alte STRASSE</p>",
        "<p>من می‌خواهم</p>",
        "<p>דובר צה&quot;ל</p>",
        "<p>Un <b>caf</b>&#233;</p>",
    ];
    for content in all {
        stream.send(&status(content).repeat(2), 3).await;
    }
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(mentions::KEY, "12 mentions in an hour").await;
    let page = setting.page().await;
    for word in ["हिन्दी", "東京", "straße", "می‌خواهم", "צה״ל", "café"]
    {
        let line = format!("<li><b>2</b> <bdi>{word}</bdi></li>");
        assert!(page.contains(&line), "{word}: {page}");
    }
    // The displayed words can be saved unchanged.
    let form = page.split("dir=\"auto\">").nth(1).unwrap();
    let (answer, again) = setting.choose(form.split('<').next().unwrap()).await;
    assert_eq!(answer, StatusCode::OK, "{again}");
    assert!(again.contains("<bdi>straße</bdi>"), "{again}");
}

#[tokio::test]
async fn owner_is_asked_to_choose_words() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    let mut owner = setting.room.viewer("owner").await;
    owner.label(set_up::KEY, "Choose words to count").await;
    let mut member = setting.room.viewer("member").await;
    assert!(member.settled().await.lines.is_empty());
    setting.choose("rust").await;
    owner.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    setting.choose("").await;
    owner.label(set_up::KEY, "Choose words to count").await;
}

#[tokio::test]
async fn panel_shows_stream_and_its_state() {
    let data = tempfile::tempdir().unwrap();
    let setting = Setting::new(data.path()).await;
    let mut refused = setting.mastodon.next_stream().await;
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    refused.socket.write_all(answer.as_bytes()).await.unwrap();
    drop(refused);
    let page = setting
        .page_with("Not connected: the server responded with 404")
        .await;
    let address = setting.mastodon.listener.local_addr().unwrap();
    let address = format!("<code>http://{address}/api/v1/streaming/public</code>");
    assert!(page.contains(&address), "{page}");
    assert!(page.contains("No status yet."), "{page}");
    let mut stream = setting.mastodon.read().await;
    stream.send(&status("tea"), 1000).await;
    let page = setting.page_with("Last status: <time datetime=").await;
    assert!(!page.contains("Not connected"), "{page}");
}
