//! Calls the API `/admin/v1` of a running host, for `install`, `remove` and `list`.

mod token;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use glance_sdk::egress::reqwest::header::{ACCEPT, CONTENT_TYPE};
use glance_sdk::egress::reqwest::{Method, StatusCode};
use glance_sdk::egress::{EgressPolicy, HttpClient, Proxies, Timeouts};
use glance_sdk::model::Secret;
use reqwest::Url;
use serde_json::{Value, json};

use crate::error::CommandError;
use crate::fetch;

/// The timeout of a response. During an installation, the host calls the add-on up to four times.
const TIMEOUT: Duration = Duration::from_secs(150);

/// The size limit, which no response exceeds: a page of the list has 100 installations.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The limit on pages of the list.
const MAX_PAGES: usize = 10_000;

/// The host, and the authentication.
#[derive(Debug, clap::Args)]
pub(crate) struct HostArguments {
    /// The host's address.
    #[arg(long, value_name = "URL", default_value_t = default_host())]
    host: String,
    /// The file with a token for scripts, which an admin creates on the host's page Tokens. The
    /// default is the variable GLANCE_HOST_TOKEN. A host without sign-in needs no token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Returns the default address of `cargo glance dev`, `demo` and `host`.
fn default_host() -> String {
    format!("http://127.0.0.1:{}", glance_host::DEFAULT_PORT)
}

pub(crate) struct HostClient {
    http: HttpClient,
    base: Url,
    token: Option<Secret>,
}

impl HostClient {
    pub(crate) fn new(arguments: &HostArguments) -> Result<Self, CommandError> {
        let base = fetch::parse(&arguments.host)?;
        let is_origin = base.path() == "/" && base.query().is_none() && base.fragment().is_none();
        if !is_origin || !base.username().is_empty() || base.password().is_some() {
            return Err(CommandError::new(
                "bad-url",
                "the host's address must only have a scheme, a name and a port",
                "use an address like https://chat.example.com",
            ));
        }
        let token = token::read(arguments.token_file.as_deref())?;
        if token.is_some() && base.scheme() == "http" && !fetch::is_loopback(&base) {
            return Err(CommandError::new(
                "plain-http",
                format!("the token would be sent to {base} unencrypted, and others could read it"),
                "use the host's https address",
            ));
        }
        let http = HttpClient::builder(EgressPolicy::any_network())
            .user_agent(concat!("cargo-glance/", env!("CARGO_PKG_VERSION")))
            .proxies(Proxies::from_env())
            .never_repeat()
            .build();
        Ok(Self {
            http: http.map_err(|cause| fetch::no_client(format!("{cause:#}")))?,
            base,
            token,
        })
    }

    /// Returns the host's address, without a trailing slash.
    pub(crate) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Installs the add-on with this descriptor URL, or updates it.
    pub(crate) async fn install(
        &self,
        descriptor_url: &str,
        room: Option<&str>,
        digest: Option<&str>,
    ) -> Result<Value, Refusal> {
        let body = json!({ "url": descriptor_url, "room": room, "digest": digest });
        self.call(Method::POST, &["installations"], &[], Some(&body))
            .await
    }

    /// Removes the installation with this id.
    pub(crate) async fn remove(&self, id: &str) -> Result<Value, Refusal> {
        self.call(Method::DELETE, &["installations", id], &[], None)
            .await
    }

    /// Returns the installation with this id.
    pub(crate) async fn read(&self, id: &str) -> Result<Value, Refusal> {
        let mut answer = self
            .call(Method::GET, &["installations", id], &[], None)
            .await?;
        Ok(answer["installation"].take())
    }

    /// Returns all installations of the add-on with this key, or in this room.
    pub(crate) async fn list(
        &self,
        key: Option<&str>,
        room: Option<&str>,
    ) -> Result<Vec<Value>, Refusal> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let query = [("key", key), ("room", room), ("after", after.as_deref())];
            let mut answer = self
                .call(Method::GET, &["installations"], &query, None)
                .await?;
            match answer["installations"].take() {
                Value::Array(page) => all.extend(page),
                _ => return Err(self.not_a_host(StatusCode::OK).into()),
            }
            after = answer["next"].as_str().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        Ok(all)
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, Option<&str>)],
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(["admin", "v1"]).extend(path);
        }
        let pairs = query
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value)?)));
        for (name, value) in pairs {
            url.query_pairs_mut().append_pair(name, value);
        }
        let changes = method != Method::GET;
        let mut request = self
            .http
            .request(method, url)
            .header(ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let request = request.build();
        let request = request.map_err(|cause| fetch::no_client(cause.without_url().to_string()))?;
        let answer = self.http.send(request, Timeouts::within(TIMEOUT)).await;
        let unreachable = |cause| {
            let arrived = changes && glance_sdk::egress::CallError::may_have_arrived(&cause);
            let help = match arrived {
                true => "the host may have done it anyway: `cargo glance list` shows the state",
                false => "check --host, and that the host is running",
            };
            CommandError::new("no-answer", format!("{} {cause}", self.base()), help)
        };
        let answer = answer.map_err(unreachable)?;
        let status = answer.status();
        if let Some(to) = answer
            .headers()
            .get("location")
            .filter(|_| status.is_redirection())
        {
            let to = String::from_utf8_lossy(to.as_bytes()).into_owned();
            return Err(CommandError::new(
                "redirected",
                format!(
                    "{} redirects to {to}, and the command does not send its token there",
                    self.base()
                ),
                "use the host's own address",
            )
            .into());
        }
        let body = answer.read(MAX_BYTES).await.map_err(unreachable)?;
        let json = glance_sdk::json::from_slice::<Value>(&body).ok();
        let json = json.filter(Value::is_object);
        match json {
            Some(json) if status.is_success() => Ok(json),
            Some(json) => Err(Refusal::read(&json, || self.not_a_host(status))),
            None => Err(self.not_a_host(status).into()),
        }
    }

    fn not_a_host(&self, status: StatusCode) -> CommandError {
        CommandError::new(
            "not-a-host",
            format!(
                "{} responds with {status}, but not like a Glance host",
                self.base()
            ),
            "check --host: another program, a proxy or an older host responds there",
        )
    }

    /// Converts a refusal into the error of the command, with a remedy for the person who typed it.
    pub(crate) fn failed(&self, refusal: Refusal) -> CommandError {
        let (code, message, help, digest) = match refusal {
            Refusal::NoAnswer(error) => return error,
            Refusal::Host {
                code,
                message,
                help,
                digest,
            } => (code, message, help, digest),
        };
        let tokens = format!("{}/tokens", self.base());
        let help = match (&*code, digest) {
            ("no-token", _) => format!(
                "create one as an admin at {tokens}; put it into GLANCE_HOST_TOKEN, or into a file for --token-file"
            ),
            ("wrong-token" | "token-expired" | "token-revoked" | "token-without-admin", _) => {
                format!("create another one as an admin at {tokens}")
            }
            ("needs-approval" | "descriptor-changed", Some(digest)) => {
                format!("if you agree to its permissions, run this again with --approve {digest}")
            }
            ("wrong-place", _) => {
                "choose a room with --room, or omit it, as the descriptor allows".to_owned()
            }
            ("no-installation", _) => "`cargo glance list` shows the installations".to_owned(),
            ("under-way", _) => {
                "`cargo glance list` shows when it is installed or removed".to_owned()
            }
            _ => help,
        };
        CommandError::new(code, message, help)
    }
}

/// The reason why a call failed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The host refused the call.
    Host {
        code: Cow<'static, str>,
        message: String,
        help: String,
        /// The digest that approves the descriptor which the host read.
        digest: Option<String>,
    },
    /// There was no valid response of a host.
    NoAnswer(CommandError),
}

impl Refusal {
    fn read(answer: &Value, otherwise: impl FnOnce() -> CommandError) -> Self {
        let error = &answer["error"];
        let text = |member: &str| error[member].as_str().map(str::to_owned);
        match (
            text("code").filter(|code| is_code(code)),
            text("message"),
            text("help"),
        ) {
            (Some(code), Some(message), Some(help)) => Self::Host {
                code: code.into(),
                message,
                help,
                digest: text("digest"),
            },
            _ => Self::NoAnswer(otherwise()),
        }
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        matches!(self, Self::Host { code: own, .. } if own == code)
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        Self::NoAnswer(error)
    }
}

/// Returns whether a text is an error code of this project.
fn is_code(text: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_lowercase() || letter == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(is_letter)
}

/// Returns the place of an installation, which completes "installed in ...".
pub(crate) fn place(installation: &Value) -> String {
    let room = &installation["room"];
    match (room, room["name"].as_str()) {
        (Value::Null, _) => "all rooms".to_owned(),
        (_, Some(name)) => format!("the room {name}"),
        (_, None) => format!("the room {}", room["id"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(host: &str, token_file: Option<PathBuf>) -> Result<HostClient, CommandError> {
        HostClient::new(&HostArguments {
            host: host.to_owned(),
            token_file,
        })
    }

    #[test]
    fn token_is_sent_unencrypted_to_this_machine_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let token = format!("glance_admin_1_{}\n", "a".repeat(40));
        std::fs::write(&file, token).unwrap();
        for host in [
            "http://127.0.0.1:4400",
            "http://127.9.9.9",
            "http://[::1]:4400/",
            "http://LOCALHOST:4400",
            "https://chat.example.com",
        ] {
            let client = client(host, Some(file.clone())).unwrap();
            assert!(
                client.token.is_some() && !client.base().ends_with('/'),
                "{host}"
            );
        }
        for host in [
            "http://chat.example.com",
            "http://10.0.0.1:4400",
            "http://localhost.example.com",
        ] {
            let error = client(host, Some(file.clone())).err().unwrap();
            assert_eq!(error.code(), "plain-http", "{host}");
            assert!(!error.to_string().contains("aaaa"));
        }
        for host in [
            "chat.example.com",
            "ftp://chat.example.com",
            "https://chat.example.com/rooms/1",
            "https://ann:secret@chat.example.com",
        ] {
            let error = client(host, Some(file.clone())).err().unwrap();
            assert_eq!(error.code(), "bad-url", "{host}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn host_errors_are_recognized_by_their_form() {
        let other = || CommandError::new("not-a-host", "no", "no");
        let hosts = json!({ "error": { "code": "no-room", "message": "m", "help": "h" } });
        assert!(Refusal::read(&hosts, other).is("no-room"));
        for foreign in [
            json!({}),
            json!({ "error": { "code": 404, "message": "m", "help": "h" } }),
            json!({ "error": { "code": "No room\u{1b}[2J", "message": "m", "help": "h" } }),
            json!({ "error": { "code": "no-room", "message": "m" } }),
            json!({ "error": "no" }),
        ] {
            let refusal = Refusal::read(&foreign, other);
            assert!(matches!(refusal, Refusal::NoAnswer(_)), "{foreign}");
        }
    }
}
