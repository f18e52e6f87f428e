//! The servers that take part, each a process of its own.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use futures_util::stream;
use glance_sdk::model::{OauthId, RoomId};
use tokio::sync::broadcast;

use crate::host::AddOnOfHost;
use crate::support::runtime;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Host,
    AxumSse,
    AxumBytes,
    Nchan,
    SocketIo,
}

/// A server that runs. It ends when this is dropped.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: String,
    child: Child,
    /// Where the host's add-on pushes to.
    place: Option<(OauthId, RoomId)>,
    /// Its files, until it ends.
    _folder: Option<tempfile::TempDir>,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Host,
        Self::AxumSse,
        Self::AxumBytes,
        Self::Nchan,
        Self::SocketIo,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Host => "glance-host",
            Self::AxumSse => "axum, Sse",
            Self::AxumBytes => "axum, bytes written once",
            Self::Nchan => "nginx, nchan",
            Self::SocketIo => "socket.io",
        }
    }

    /// How a watcher speaks to it.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::AxumSse | Self::AxumBytes | Self::Nchan => "events",
            Self::SocketIo => "socket.io",
        }
    }

    /// Starts it, or says why it cannot take part.
    pub(crate) fn start(self, add_on: &AddOnOfHost) -> Result<Server, String> {
        let this = std::env::current_exe().unwrap();
        let (line, child) = match self {
            Self::Host => first_line(Command::new(this).args(["host", &add_on.descriptor_url])),
            Self::AxumSse => first_line(Command::new(this).args(["axum", "sse"])),
            Self::AxumBytes => first_line(Command::new(this).args(["axum", "bytes"])),
            Self::SocketIo => {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
                if !folder.join("node_modules/socket.io").exists() {
                    return Err("`npm ci` in benches/peers installs it".to_owned());
                }
                first_line(Command::new("node").arg(folder.join("socket-io.mjs")))
            }
            Self::Nchan => return nginx(),
        };
        let mut words = line.split_whitespace();
        let address = words.next().unwrap_or_default().to_owned();
        let place = words.next().zip(words.next());
        let place = place.map(|(room, id)| (id.into(), room.parse().unwrap()));
        Ok(Server {
            kind: self,
            address,
            child,
            place,
            _folder: None,
        })
    }
}

fn first_line(command: &mut Command) -> (String, Child) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().expect("stdout is piped");
    BufReader::new(stdout).read_line(&mut line).unwrap();
    (line, child)
}

fn nginx() -> Result<Server, String> {
    let module = "/usr/lib/nginx/modules/ngx_nchan_module.so";
    let programs = ["/usr/sbin/nginx", "/usr/bin/nginx"].map(PathBuf::from);
    let program = programs.into_iter().find(|program| program.exists());
    let program = program
        .filter(|_| Path::new(module).exists())
        .ok_or("the Debian packages nginx-light and libnginx-mod-nchan bring it")?;
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let at = folder.path().display();
    let configuration = format!(
        "load_module {module};\n\
         daemon off;\n\
         worker_processes 1;\n\
         error_log {at}/error.log;\n\
         pid {at}/pid;\n\
         events {{ worker_connections 20000; }}\n\
         http {{\n\
             access_log off;\n\
             client_body_temp_path {at}/body;\n\
             proxy_temp_path {at}/proxy;\n\
             fastcgi_temp_path {at}/fastcgi;\n\
             uwsgi_temp_path {at}/uwsgi;\n\
             scgi_temp_path {at}/scgi;\n\
             server {{\n\
                 listen {address} backlog=4096;\n\
                 location = /push {{ nchan_publisher; nchan_channel_id room; nchan_message_buffer_length 1; }}\n\
                 location = /events {{\n\
                     nchan_subscriber eventsource;\n\
                     nchan_channel_id room;\n\
                     nchan_subscriber_first_message newest;\n\
                 }}\n\
             }}\n\
         }}\n"
    );
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, configuration).unwrap();
    let child = Command::new(program)
        .arg("-e")
        .arg(folder.path().join("error.log"))
        .arg("-c")
        .arg(file)
        .spawn()
        .unwrap();
    while TcpStream::connect(&address).is_err() {
        std::thread::yield_now();
    }
    Ok(Server {
        kind: Kind::Nchan,
        address,
        child,
        place: None,
        _folder: Some(folder),
    })
}

impl Server {
    pub(crate) fn path(&self) -> String {
        match &self.place {
            Some((_, room)) => format!("/rooms/{room}/events"),
            None => "/events".to_owned(),
        }
    }

    /// One push to all; `sample` is what the host sends for the mark 1.
    pub(crate) fn push(&self, add_on: &AddOnOfHost, sample: &str, mark: usize) {
        match &self.place {
            Some((id, room)) => add_on.push(id, *room, mark),
            None => self.post(&sample.replace("#1#", &format!("#{mark}#"))),
        }
    }

    fn post(&self, body: &str) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST /push HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             X-EventSource-Event: line\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len(),
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }

    /// It and the processes it started.
    fn processes(&self) -> Vec<u32> {
        let own = self.child.id();
        let path = format!("/proc/{own}/task/{own}/children");
        let children = std::fs::read_to_string(path).unwrap_or_default();
        let children = children.split_whitespace().map(|id| id.parse().unwrap());
        std::iter::once(own).chain(children).collect()
    }

    /// Microseconds of CPU it has used; Linux counts in hundredths of a second.
    pub(crate) fn cpu(&self) -> f64 {
        let of = |process| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
            let (_, fields) = stat.rsplit_once(')').unwrap();
            let ticks =
                |nth| -> f64 { fields.split_whitespace().nth(nth).unwrap().parse().unwrap() };
            (ticks(11) + ticks(12)) * 10_000.0
        };
        self.processes().into_iter().map(of).sum()
    }

    /// Bytes it has in memory.
    pub(crate) fn memory(&self) -> f64 {
        let of = |process| -> f64 {
            let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
            let line = status
                .lines()
                .find(|line| line.starts_with("VmRSS:"))
                .unwrap();
            let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            kib * 1024.0
        };
        self.processes().into_iter().map(of).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A killed nginx would leave its worker behind.
        let mut others = self.processes();
        others.remove(0);
        for process in others {
            let _ = Command::new("kill").arg(process.to_string()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves a broadcast over bare axum, as its manual shows or with the bytes of an event ready.
pub(crate) fn serve_axum(which: &str) {
    let events = if which == "sse" { get(sse) } else { get(bytes) };
    let router = Router::new()
        .route("/events", events)
        .route("/push", post(push))
        .with_state(broadcast::channel(256).0);
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        // As the host does: an event does not wait until the one before it is acknowledged.
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

/// A message, and its event as it goes over the wire.
type Message = (Arc<str>, Bytes);

async fn push(State(room): State<broadcast::Sender<Message>>, text: String) -> StatusCode {
    let event = format!("event: line\ndata: {text}\n\n");
    let _ = room.send((text.into(), event.into()));
    StatusCode::NO_CONTENT
}

async fn sse(State(room): State<broadcast::Sender<Message>>) -> impl IntoResponse {
    let events = stream::unfold(room.subscribe(), |mut messages| async {
        let (text, _) = messages.recv().await.ok()?;
        let event = Event::default().event("line").data(&*text);
        Some((Ok::<_, Infallible>(event), messages))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn bytes(State(room): State<broadcast::Sender<Message>>) -> Response {
    let events = stream::unfold(room.subscribe(), |mut messages| async {
        let (_, bytes) = messages.recv().await.ok()?;
        Some((Ok::<_, Infallible>(bytes), messages))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream")];
    (headers, Body::from_stream(events)).into_response()
}
