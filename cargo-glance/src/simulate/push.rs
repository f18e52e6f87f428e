//! Pushes data of a glance to the host, like the add-on.

use std::io::Read;
use std::path::PathBuf;

use glance_sdk::egress::reqwest::Method;
use glance_sdk::egress::reqwest::header::CONTENT_TYPE;
use glance_sdk::json::Document;
use glance_sdk::validate::{self, Severity};
use serde_json::{Value, json};

use super::caller::Caller;
use super::exchange::{Exchange, Outcome};
use super::query::{find, visibility, warnings};
use super::{Common, Person};
use crate::error::CommandError;
use crate::fetch;

/// The size limit, which exceeds that of hosts.
const MAX_BYTES: u64 = 1024 * 1024;

/// Push data of a glance to the host, like the add-on, and explain whether the glance would show.
///
/// With --store the push goes to the real host of the installation, and people see it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  echo '{\"label\": {\"type\": \"html\", \"value\": \"<b>3</b> waiting\"}}' |
    cargo glance simulate push http://127.0.0.1:8080/ standup -")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The glance's key.
    glance: String,
    /// The file with the data, or - for standard input.
    #[arg(value_name = "FILE")]
    data: PathBuf,
    #[command(flatten)]
    person: Person,
}

/// Reads the data, which must be valid glance data.
pub(super) fn read(arguments: &Arguments) -> Result<Value, CommandError> {
    let file = arguments.data.display();
    let mut bytes = Vec::new();
    let read = match arguments.data.as_os_str() == "-" {
        true => std::io::stdin()
            .lock()
            .take(MAX_BYTES)
            .read_to_end(&mut bytes),
        false => std::fs::File::open(&arguments.data)
            .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)),
    };
    read.map_err(|cause| {
        let what = format!("cannot read {file}: {cause}");
        CommandError::new(
            "no-file",
            what,
            "name a file with glance data, or - for standard input",
        )
    })?;
    let help = "`cargo glance validate --kind glance-data FILE` marks the place";
    let document = Document::read(&bytes);
    let document = document.map_err(|cause| {
        CommandError::new("not-json", format!("{file} is not JSON: {cause}"), help)
    })?;
    let problems = validate::glance_data(document.value());
    match problems
        .iter()
        .find(|problem| problem.severity == Severity::Error)
    {
        None => Ok(document.value().clone()),
        Some(problem) => Err(CommandError::new(
            "invalid",
            format!("{file} is not glance data: {problem}"),
            help,
        )),
    }
}

pub(super) async fn run(
    caller: &Caller,
    arguments: &Arguments,
    data: &Value,
) -> Result<Outcome, CommandError> {
    let glance = find(caller, Some(&arguments.glance))?;
    let request = |method, url: &str| {
        Ok::<_, CommandError>(caller.client.request(method, fetch::parse(url)?))
    };
    let built = |cause: reqwest::Error| fetch::no_client(cause.without_url().to_string());
    let token = request(Method::POST, &caller.token_url)?
        .basic_auth(caller.oauth_id.as_str(), Some(caller.secret.expose()))
        .form(&[("grant_type", "client_credentials")]);
    let token = Exchange::send(&caller.client, token.build().map_err(built)?).await?;
    let answer: Value = glance_sdk::json::from_slice(&token.body).unwrap_or_default();
    let Some(access) = answer["access_token"].as_str() else {
        let verdicts = vec![(
            false,
            format!(
                "The host issues no token: it responded with {}.",
                token.status()
            ),
        )];
        return Ok(Outcome {
            exchanges: Vec::new(),
            verdicts,
            secrets: caller.secrets(""),
        });
    };
    let url = format!("{}addon/ui/room/{}", caller.api_url, caller.room);
    let body = json!({ "glance": [{ "key": glance.key, "content": data }] });
    let push = request(Method::POST, &url)?
        .bearer_auth(access)
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string());
    let push = Exchange::send(&caller.client, push.build().map_err(built)?).await?;
    let mut verdicts = vec![match push.status().is_success() {
        true => (true, "The host accepted the push.".to_owned()),
        false => (
            false,
            format!("The host refused the push with {}.", push.status()),
        ),
    }];
    verdicts.extend(warnings(data));
    verdicts.push((true, visibility(glance, data, arguments.person)));
    let mut secrets = caller.secrets("");
    secrets.push((access.to_owned(), "{{token}}"));
    Ok(Outcome {
        exchanges: vec![push],
        verdicts,
        secrets,
    })
}
