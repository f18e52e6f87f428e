//! `cargo glance token`: shows the content of a signed request, and whether an add-on would accept
//! it.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glance_sdk::auth::{LEEWAY_SECONDS, SigningKey, Token, is_page_token, is_uninstall, now};
use glance_sdk::model::Claims;
use glance_sdk::printable::printable;
use glance_sdk::store::InstallationStore;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::CommandError;
use crate::{print, store_file};

/// The size limit, which no URL with a token exceeds.
const MAX_BYTES: u64 = 64 * 1024;

/// The maximum length of a shown value, in characters.
const LONGEST: usize = 4000;

/// Show the content of signed requests, with which hosts authenticate.
#[derive(clap::Args)]
#[command(after_help = "Example:
  pbpaste | cargo glance token inspect")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show the content of a signed request, and whether an add-on would accept it.
    ///
    /// Reads the token from standard input, never from the command line, where other users could
    /// read it. Accepts a URL with `signed_request` and a header `Authorization: JWT ...` too. With
    /// --store the command verifies the signature, and fails if an add-on would refuse the token.
    #[command(after_help = "Examples:
  pbpaste | cargo glance token inspect
  cargo glance token inspect --store com.example.standup.sqlite <token.txt")]
    Inspect(Inspect),
}

#[derive(clap::Args)]
struct Inspect {
    /// The file with the add-on's installations, for verifying the signature.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let Command::Inspect(Inspect { store, json }) = arguments.command;
    let store = store.as_deref().map(store_file::open).transpose()?;
    let text = read()?;
    let inspected = inspect(token_in(&text), store.as_deref(), now()).await?;
    match json {
        true => print::line(format_args!("{:#}", inspected.json())),
        false => print::line(inspected.text()),
    }
    match (&inspected.problem, store) {
        (Some(problem), Some(_)) => Err(CommandError::new(
            "token-refused",
            format!("an add-on refuses this token: it is {problem}"),
            "get a new one from the host, and check the clocks of both machines",
        )),
        _ => Ok(()),
    }
}

fn read() -> Result<String, CommandError> {
    if std::io::stdin().is_terminal() {
        print::error("Paste the token or the address, press Enter, then Ctrl-D:");
    }
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_BYTES)
        .read_to_string(&mut text);
    read.map_err(|cause| {
        let help = "pipe the token in, as in `pbpaste | cargo glance token inspect`";
        CommandError::new(
            "no-token",
            format!("cannot read standard input: {cause}"),
            help,
        )
    })?;
    Ok(text)
}

/// Returns the token in a bare token, a URL with `signed_request`, or an `Authorization` header.
fn token_in(text: &str) -> &str {
    let text = text.trim();
    let behind = |mark: &str| text.split_once(mark).map(|(_, behind)| behind);
    let text = behind("signed_request=")
        .or_else(|| behind("JWT "))
        .unwrap_or(text);
    let end = text.find(|c: char| c == '&' || c == '"' || c == '#' || c.is_whitespace());
    &text[..end.unwrap_or(text.len())]
}

/// The result of inspecting a token.
struct Inspected {
    header: Value,
    /// The claims in their original form.
    claims: Value,
    kind: &'static str,
    signature: &'static str,
    /// The reason why an add-on would refuse the token, if known; it completes "it is ...".
    problem: Option<String>,
    now: i64,
}

async fn inspect(
    token: &str,
    store: Option<&dyn InstallationStore>,
    now: i64,
) -> Result<Inspected, CommandError> {
    let no_token = |why: String| {
        let help = "pipe in the part after `signed_request=`, or the whole address";
        CommandError::new(
            "no-token",
            format!("this is not a signed request: {why}"),
            help,
        )
    };
    let part = |nth: usize| {
        let part = token.split('.').nth(nth)?;
        let decoded = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&decoded).ok()
    };
    let (Some(header), Some(claims)) = (part(0), part(1)) else {
        return Err(no_token(
            "it is not two parts of JSON in Base64 and a signature".to_owned(),
        ));
    };
    let parsed = match Token::parse(token) {
        Ok(parsed) => parsed,
        Err(rejection) => {
            return Ok(Inspected {
                header,
                claims,
                kind: "not a token of this protocol",
                signature: "not checked",
                problem: Some(rejection.to_string()),
                now,
            });
        }
    };
    let typed: Claims = serde_json::from_value(claims.clone())
        .map_err(|cause| no_token(format!("its claims are invalid: {cause}")))?;
    let (signature, problem) = match store {
        None => (
            "not checked; give the add-on's file with --store",
            over(&typed, now),
        ),
        Some(store) => match store
            .get(parsed.issuer())
            .await
            .map_err(store_file::failed)?
        {
            None => (
                "not checked",
                Some("signed by an installation that the store does not have".to_owned()),
            ),
            Some(installation) => {
                let key = SigningKey::new(&installation.data.oauth_secret);
                match parsed.verify(&key, now) {
                    Ok(_) => ("good", None),
                    Err(glance_sdk::auth::Rejection::Signature) => {
                        ("wrong", Some("signed with another secret".to_owned()))
                    }
                    Err(rejection) => ("good", Some(rejection.to_string())),
                }
            }
        },
    };
    let kind = match () {
        () if is_uninstall(&typed) => "a host's proof of a removal",
        () if is_page_token(&typed) => "a page token of the add-on",
        () => "a host's signed request",
    };
    Ok(Inspected {
        header,
        claims,
        kind,
        signature,
        problem,
        now,
    })
}

/// Returns whether the token is expired or not valid yet, in words that complete "it is ...".
fn over(claims: &Claims, now: i64) -> Option<String> {
    let oldest = now.saturating_sub(LEEWAY_SECONDS);
    let newest = now.saturating_add(LEEWAY_SECONDS);
    if claims.exp.is_none_or(|exp| exp <= oldest) {
        return Some("expired".to_owned());
    }
    let is_early = |time: Option<i64>| time.is_some_and(|time| time > newest);
    (is_early(claims.iat) || is_early(claims.nbf)).then(|| "not valid yet".to_owned())
}

impl Inspected {
    fn json(&self) -> Value {
        json!({
            "header": self.header,
            "claims": self.claims,
            "kind": self.kind,
            "signature": self.signature.split(';').next(),
            "accepted": self.problem.is_none(),
            "problem": self.problem,
        })
    }

    fn text(&self) -> String {
        let claims = &self.claims;
        let plain = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(printable(text).at_most(LONGEST).to_string()),
            other => Some(printable(&other.to_string()).at_most(LONGEST).to_string()),
        };
        let time = |name: &str| Some(shown_time(claims[name].as_i64()?, self.now));
        let context = &claims["context"];
        let verdict = match &self.problem {
            Some(problem) => format!("refused: it is {problem}"),
            None if self.signature == "good" => "accepted".to_owned(),
            None => "accepted if the signature is good".to_owned(),
        };
        let lines = [
            ("kind", Some(self.kind.to_owned())),
            ("algorithm", plain(&self.header["alg"])),
            ("installation", plain(&claims["iss"])),
            ("person", plain(&claims["sub"]).or(plain(&claims["prn"]))),
            ("room", plain(&context["room_id"])),
            ("time zone", plain(&context["user_tz"])),
            ("signed", time("iat")),
            ("not before", time("nbf")),
            ("expires", time("exp")),
            ("id", plain(&claims["jti"])),
            ("claims", plain(claims)),
            ("signature", Some(self.signature.to_owned())),
            ("verdict", Some(verdict)),
        ];
        let lines = lines
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name:<13} {}", value?)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Formats a time with its distance from now.
fn shown_time(seconds: i64, now: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
    let time = time.and_then(|time| time.format(&Rfc3339).ok());
    let time = time.unwrap_or_else(|| seconds.to_string());
    let away = seconds.saturating_sub(now);
    let length = match away.unsigned_abs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    };
    match away {
        ..0 => format!("{time} ({length} ago)"),
        0.. => format!("{time} (in {length})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_found_in_copied_text() {
        for text in [
            "a.b.c\n",
            "https://x.example/glances/a?z=1&signed_request=a.b.c&y=2",
            "Authorization: JWT a.b.c",
            "GET /x?signed_request=a.b.c HTTP/1.1",
        ] {
            assert_eq!(token_in(text), "a.b.c", "{text}");
        }
    }

    #[test]
    fn times_are_shown_relative_to_now() {
        assert_eq!(shown_time(60, 0), "1970-01-01T00:01:00Z (in 60 s)");
        assert_eq!(shown_time(0, 7200), "1970-01-01T00:00:00Z (2 h ago)");
        assert_eq!(
            shown_time(i64::MAX, 0),
            format!("{} (in {} days)", i64::MAX, i64::MAX / 86_400)
        );
    }
}
