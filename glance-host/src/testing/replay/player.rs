//! Plays the host's side: makes the recorded calls to an add-on, with new signatures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::auth::{SigningKey, random_alphanumeric, uninstall_claims};
use glance_sdk::egress::{EgressPolicy, Proxies, Redirects};
use glance_sdk::model::{Claims, Secret};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::{Difference, Replay, StandIn};
use crate::content::redact::{SECRET, SIGNED};
use crate::model::clock::Clock;
use crate::net::outbound::{HttpTransport, NoAnswer, Outbound};
use crate::program::calls::{Exchange, Party, Purpose};
use crate::testing::fault_host::FaultTransport;
use crate::testing::must;
use crate::testing::record::Names;

/// The timeout of a call.
const LIMIT: Duration = Duration::from_secs(30);

const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The lifetime of a signed request, in seconds.
const SIGNED_FOR: i64 = 3600;

/// The parts of an add-on's answer that must equal the recording.
const ANSWERED: [&str; 3] = ["status", "answer_headers", "answer"];

pub(super) struct Player {
    stand_in: StandIn,
    outbound: Outbound,
    /// The secret of each installation, by its name in the recording.
    secrets: BTreeMap<String, Secret>,
}

impl Player {
    pub(super) async fn new(replay: &Replay, add_on: &str) -> Self {
        let stand_in = StandIn::start(replay.clone()).await;
        let count = (0..)
            .map(Names::installation)
            .take_while(|name| {
                let is_it = |id: &glance_sdk::model::OauthId| id.as_str() == name;
                let mut all = replay.exchanges.iter();
                all.any(|one| one.installation.as_ref().is_some_and(is_it))
            })
            .count();
        let mut names = stand_in.part().names();
        names.add_on = Some(add_on.to_owned());
        let new = || uuid::Uuid::new_v4().to_string();
        names
            .installations
            .extend(std::iter::repeat_with(new).take(count));
        drop(names);
        let secret = |nth| {
            let secret = must(random_alphanumeric(40), "no secret");
            (Names::installation(nth), secret.into())
        };
        // A test names the add-on, so it may be in any network.
        let inner = HttpTransport::new(&EgressPolicy::any_network(), &Proxies::none());
        let transport = FaultTransport {
            layer: Arc::clone(&stand_in.part().layer),
            inner: Arc::new(must(inner, "no HTTP client")),
        };
        Self {
            outbound: Outbound::new(Arc::new(transport)),
            secrets: (0..count).map(secret).collect(),
            stand_in,
        }
    }

    pub(super) async fn play(self) -> Vec<Difference> {
        let part = self.stand_in.part();
        let mut differences = Vec::new();
        let all = part.replay.exchanges.iter();
        for recorded in all.filter(|one| one.from == Party::Host) {
            match self.call(recorded).await {
                Ok(now) => differences.extend(part.compare(recorded, &now, &ANSWERED)),
                Err(why) => {
                    let now = Exchange {
                        status: None,
                        answer_headers: BTreeMap::new(),
                        answer: json!(format!("it {why}")),
                        ..recorded.clone()
                    };
                    let found = part.compare(recorded, &now, &ANSWERED);
                    // It did not answer in the recording either.
                    differences.extend(found.into_iter().filter(|_| recorded.status.is_some()));
                }
            }
        }
        differences.extend(part.differences().await);
        differences
    }

    /// Makes a recorded call.
    async fn call(&self, recorded: &Exchange) -> Result<Exchange, NoAnswer> {
        let part = self.stand_in.part();
        let impossible = |what: &str| NoAnswer::Unreachable(format!("cannot be called ({what})"));
        let method = Method::from_bytes(recorded.method.as_bytes());
        let method = method.map_err(|_| impossible(&recorded.method))?;
        let secret = recorded.installation.as_ref().map(|id| id.as_str());
        let secret = secret.and_then(|name| self.secrets.get(name));
        let signed = secret.map(|secret| self.sign(recorded, secret));
        let fill = |text: &str| {
            let text = part.names().fill(text);
            let text = text.replace(SIGNED, signed.as_deref().unwrap_or_default());
            text.replace(SECRET, secret.map_or("", Secret::expose))
        };
        let url = fill(&recorded.url).parse();
        let url = url.map_err(|_| impossible(&recorded.url))?;
        let mut request = self.outbound.request(method, url, Redirects::Checked);
        for (name, value) in &recorded.headers {
            let name = name.parse().map_err(|_| impossible(name))?;
            request = request.header(name, fill(value));
        }
        // Hosts of earlier recordings did not sign removals, and add-ons require a proof now.
        let is_signed = recorded.headers.contains_key("authorization");
        if recorded.purpose == Purpose::Removal && !is_signed {
            request = request.header(AUTHORIZATION, fill(&format!("JWT {SIGNED}")));
        }
        request = match &recorded.body {
            Value::Null => request,
            Value::String(text) => request.body(fill(text)),
            json => request.body(fill(&json.to_string())),
        };
        let answer = request.send(LIMIT, MAX_ANSWER_BYTES).await?;
        let mut now = recorded.clone();
        now.status = Some(answer.status.as_u16());
        let allowed = answer.allowed_origin;
        let named = |origin| ("access-control-allow-origin".to_owned(), origin);
        now.answer_headers = allowed.map(named).into_iter().collect();
        now.answer = crate::program::calls::exchange::readable(&answer.body);
        Ok(part.named(&now))
    }

    fn sign(&self, recorded: &Exchange, secret: &Secret) -> String {
        let id = recorded.installation.as_ref().map_or("", |id| id.as_str());
        let issuer = self.stand_in.part().names().fill(id);
        let issued_at = Clock::machine_time();
        if recorded.purpose == Purpose::Removal {
            return SigningKey::new(secret).sign(&uninstall_claims(issuer.into(), issued_at));
        }
        let mut claims = recorded.claims.clone();
        claims["iss"] = json!(issuer);
        claims["iat"] = json!(issued_at);
        claims["exp"] = json!(issued_at + SIGNED_FOR);
        claims["jti"] = json!(random_alphanumeric(20).unwrap_or_default());
        let plain = Claims::new(issuer.into(), issued_at, issued_at + SIGNED_FOR);
        let claims = serde_json::from_value(claims).unwrap_or(plain);
        SigningKey::new(secret).sign(&claims)
    }
}
