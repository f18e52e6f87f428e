//! A room page without a browser, which follows the event stream like the page's script.

use std::collections::BTreeMap;

use glance_host::Host;
use glance_host::testing::TestRoom;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// An open page, which dropping closes.
pub(crate) struct Page {
    stream: TcpStream,
    unread: Vec<u8>,
    address: String,
    /// The name from the host.
    pub(crate) name: String,
    /// The glances on the page, by id.
    pub(crate) lines: BTreeMap<String, Value>,
    /// The inspector's reports on the glances, by id.
    pub(crate) reports: BTreeMap<String, Value>,
    /// The inspector's records of webhook calls.
    pub(crate) webhooks: Vec<Value>,
    /// All raw data of the inspector.
    pub(crate) received: String,
}

impl Page {
    /// Opens the page and reads its event stream up to the first event.
    pub(crate) async fn open(host: &Host, room: &TestRoom) -> Self {
        Self::named(host, room, "events").await
    }

    /// Opens the page with its inspector.
    pub(crate) async fn inspect(host: &Host, room: &TestRoom) -> Self {
        Self::named(host, room, "events?inspect").await
    }

    async fn named(host: &Host, room: &TestRoom, events: &str) -> Self {
        let mut page = Self::connect(host, room, events, TcpSocket::new_v4().unwrap()).await;
        while page.name.is_empty() {
            page.event().await;
        }
        page
    }

    /// Opens the page without reading its event stream, with small buffers to the host.
    pub(crate) async fn open_unread(host: &Host, room: &TestRoom) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(65_536).unwrap();
        Self::connect(host, room, "events", socket).await
    }

    async fn connect(host: &Host, room: &TestRoom, events: &str, socket: TcpSocket) -> Self {
        let address = host.base_url().trim_start_matches("http://");
        let path = format!("/rooms/{}", room.room.id);
        let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
        let request = format!("GET {path}/{events} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Self {
            stream,
            unread: Vec::new(),
            address: host.room_url(&room.room),
            name: String::new(),
            lines: BTreeMap::new(),
            reports: BTreeMap::new(),
            webhooks: Vec::new(),
            received: String::new(),
        }
    }

    /// Presses "Try again" of a glance.
    pub(crate) async fn try_again(&self, id: &str) -> reqwest::StatusCode {
        let url = format!("{}/pages/{}/retry", self.address, self.name);
        let request = glance_host::testing::http_client()
            .post(url)
            .json(&json!({ "id": id }));
        request.send().await.unwrap().status()
    }

    /// Opens or closes the inspector; `address` is the room's.
    pub(crate) async fn switch(&self, address: &str, on: bool) -> reqwest::StatusCode {
        let url = format!("{address}/pages/{}/inspect", self.name);
        let request = glance_host::testing::http_client()
            .post(url)
            .json(&json!({ "on": on }));
        request.send().await.unwrap().status()
    }

    /// Reads the event stream until the inspector has the wanted report of a glance.
    pub(crate) async fn report(&mut self, id: &str, expected: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(report) = self.reports.get(id).filter(|report| expected(report)) {
                return report.clone();
            }
            self.event().await;
        }
    }

    /// Reads the event stream until the page shows the wanted content.
    pub(crate) async fn until(&mut self, expected: impl Fn(&BTreeMap<String, Value>) -> bool) {
        while !expected(&self.lines) {
            self.event().await;
        }
    }

    /// Processes the next event. Returns its name.
    pub(crate) async fn event(&mut self) -> String {
        loop {
            let text = self.block().await;
            // The bytes before the first member belong to HTTP.
            let member = |name| text.lines().find_map(|line| line.strip_prefix(name));
            let (Some(event), Some(data)) = (member("event: "), member("data: ")) else {
                continue;
            };
            let data: Value = serde_json::from_str(data).unwrap();
            match event {
                "sidebar" => {
                    self.name = data["page"].as_str().unwrap().to_owned();
                    self.lines.clear();
                    for line in data["lines"].as_array().unwrap() {
                        self.show(line.clone());
                    }
                }
                "line" => self.show(data),
                "inspection" => {
                    self.received.push_str(&text);
                    self.learn(&data);
                }
                "gone" => drop(self.lines.remove(data.as_str().unwrap()).unwrap()),
                _ => {}
            }
            return event.to_owned();
        }
    }

    fn learn(&mut self, received: &Value) {
        let list = |name: &str| received[name].as_array().unwrap().clone();
        if received["isFirst"] == true {
            self.reports.clear();
            self.webhooks.clear();
        }
        for report in list("reports") {
            let id = report["id"].as_str().unwrap().to_owned();
            self.reports.insert(id, report);
        }
        let ids = list("glances");
        self.reports.retain(|id, _| ids.contains(&json!(id)));
        self.webhooks.extend(list("webhooks"));
    }

    fn show(&mut self, line: Value) {
        let id = line["id"].as_str().unwrap().to_owned();
        self.lines.insert(id, line);
    }

    /// Returns the text up to the next empty line.
    async fn block(&mut self) -> String {
        let mut seen = 0;
        loop {
            let end = self.unread[seen..]
                .windows(2)
                .position(|two| two == b"\n\n");
            if let Some(end) = end {
                let rest = self.unread.split_off(seen + end + 2);
                let block = std::mem::replace(&mut self.unread, rest);
                return String::from_utf8(block).unwrap();
            }
            seen = self.unread.len().saturating_sub(1);
            let read = self.stream.read_buf(&mut self.unread).await.unwrap();
            assert_ne!(read, 0, "the host ended the connection");
        }
    }
}

/// Returns the label of a glance, or `None` if it is hidden.
pub(crate) fn label<'a>(lines: &'a BTreeMap<String, Value>, id: &str) -> Option<&'a str> {
    lines.get(id)?["label"].as_str()
}
