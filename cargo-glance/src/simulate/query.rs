//! Queries the data of a glance.

use glance_host::check_query_answer;
use glance_sdk::egress::reqwest::Method;
use glance_sdk::egress::reqwest::header::ORIGIN;
use glance_sdk::evaluate::{DataState, Facts, Program};
use glance_sdk::model::Glance;
use glance_sdk::validate::{self, Severity};
use serde_json::Value;

use super::caller::Caller;
use super::exchange::{Exchange, Outcome};
use super::{Common, Person};
use crate::error::CommandError;
use crate::fetch;

/// Query a glance's data, like a room page, and explain whether the glance would show.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo glance simulate query http://127.0.0.1:8080/
  cargo glance simulate query http://127.0.0.1:8080/ standup --store com.example.standup.sqlite --user 42 --admin")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The glance's key; required if the descriptor has several.
    glance: Option<String>,
    #[command(flatten)]
    person: Person,
}

pub(super) async fn run(caller: &Caller, arguments: &Arguments) -> Result<Outcome, CommandError> {
    let glance = find(caller, arguments.glance.as_deref())?;
    let Some(url) = &glance.query_url else {
        return Err(CommandError::new(
            "no-query",
            format!("the glance {} has no queryUrl", glance.key),
            "simulate a push instead",
        ));
    };
    let token = caller.sign()?;
    let url = caller.signed_url(url, &token)?;
    let request = caller
        .client
        .request(Method::GET, url)
        .header(ORIGIN, &caller.origin)
        .build();
    let request = request.map_err(|cause| fetch::no_client(cause.without_url().to_string()))?;
    let exchange = Exchange::send(&caller.client, request).await?;
    let allowed = exchange.allowed_origin();
    let data = check_query_answer(
        &caller.origin,
        exchange.status(),
        allowed.as_deref(),
        &exchange.body,
    );
    let verdicts = match &data {
        Ok(data) => {
            let mut verdicts = vec![(
                true,
                "A browser may read the response, and it is glance data.".to_owned(),
            )];
            verdicts.extend(warnings(data));
            verdicts.push((true, visibility(glance, data, arguments.person)));
            verdicts
        }
        Err(problem) => vec![(false, problem.to_string())],
    };
    Ok(Outcome {
        exchanges: vec![exchange],
        verdicts,
        secrets: caller.secrets(&token),
    })
}

/// Returns the glance with this key, or the only one.
pub(super) fn find<'c>(caller: &'c Caller, key: Option<&str>) -> Result<&'c Glance, CommandError> {
    let all = caller.descriptor.capabilities.glances();
    let keys = || {
        all.iter()
            .map(|glance| glance.key.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (key, all) {
        (None, [only]) => Ok(only),
        (None, []) => Err(CommandError::new(
            "no-glance",
            "the descriptor has no glances",
            "it does not contain glances that the add-on creates at run time",
        )),
        (None, _) => Err(CommandError::new(
            "several-glances",
            format!("the descriptor has several glances: {}", keys()),
            "add one of them after the URL",
        )),
        (Some(key), _) => all.iter().find(|glance| glance.key == key).ok_or_else(|| {
            let what = format!(
                "the descriptor has no glance {key:?}; a glance that the add-on creates at run time is not in it and \
                 cannot be simulated"
            );
            let help = match all.is_empty() {
                true => "look at the glance in the room of `cargo glance dev --open`".to_owned(),
                false => format!("use one of these: {}", keys()),
            };
            CommandError::new("no-glance", what, help)
        }),
    }
}

/// Returns the warnings about data that hosts accept.
pub(super) fn warnings(data: &Value) -> impl Iterator<Item = (bool, String)> {
    let problems = validate::glance_data(data).into_iter();
    problems
        .filter(|problem| problem.severity == Severity::Warning)
        .map(|problem| (true, format!("Warning: {problem}")))
}

/// Explains whether a glance with this data shows for such a person.
pub(super) fn visibility(glance: &Glance, data: &Value, person: Person) -> String {
    let mut facts = Facts::default();
    facts.room_is_public = !person.private;
    facts.user_is_admin = person.admin;
    facts.user_is_guest = person.guest;
    facts.user_is_room_owner = person.owner;
    let program = Program::new(glance.conditions.as_deref().unwrap_or_default());
    let facts = facts.metadata(data.get("metadata"));
    program.explain(DataState::Ready, &facts).to_string()
}
