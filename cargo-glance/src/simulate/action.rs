//! Opens the page of an action.

use glance_sdk::egress::reqwest::Method;
use glance_sdk::model::Authentication;

use super::Common;
use super::caller::Caller;
use super::exchange::{Exchange, Outcome};
use crate::error::CommandError;
use crate::fetch;

/// Open the page of an action, like a person's browser.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cargo glance simulate action http://127.0.0.1:8080/ add-to-standup")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The action's key; required if the descriptor has several.
    action: Option<String>,
}

pub(super) async fn run(caller: &Caller, arguments: &Arguments) -> Result<Outcome, CommandError> {
    let capabilities = &caller.descriptor.capabilities;
    let actions = capabilities.actions();
    let keys = || {
        actions
            .iter()
            .map(|action| action.key.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let action = match (&arguments.action, actions) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(key), all) => all.iter().find(|action| action.key == *key),
    };
    let action = action.ok_or_else(|| match actions.is_empty() {
        true => CommandError::new(
            "no-action",
            "the descriptor has no actions",
            "declare one with AddOn::action",
        ),
        false => CommandError::new(
            "no-action",
            "it is not clear which action to open",
            format!("add one of these after the URL: {}", keys()),
        ),
    })?;
    let target = action.target.key().unwrap_or_default();
    let panels = capabilities.web_panels().iter();
    let panel = panels.map(|page| (&page.key, &page.url, page.authentication()));
    let dialogs = capabilities.dialogs().iter();
    let dialog = dialogs.map(|page| (&page.key, &page.url, page.authentication()));
    let pages = capabilities.external_pages().iter();
    let page = pages.map(|page| (&page.key, &page.url, &Authentication::Jwt));
    let found = panel
        .chain(dialog)
        .chain(page)
        .find(|(key, ..)| *key == target);
    let Some((_, url, authentication)) = found else {
        return Err(CommandError::new(
            "no-target",
            format!(
                "the action {} has the target {target:?}, which the descriptor does not contain",
                action.key
            ),
            "use the key of a panel, a dialog or an external page",
        ));
    };
    let token = caller.sign()?;
    let mut url = match authentication {
        Authentication::None => fetch::parse(url)?,
        _ => caller.signed_url(url, &token)?,
    };
    url.query_pairs_mut()
        .append_pair("connect_client_api_version", "1");
    let request = caller.client.request(Method::GET, url).build();
    let request = request.map_err(|cause| fetch::no_client(cause.without_url().to_string()))?;
    let exchange = Exchange::send(&caller.client, request).await?;
    let verdicts = verdicts(&exchange, &caller.origin);
    Ok(Outcome {
        exchanges: vec![exchange],
        verdicts,
        secrets: caller.secrets(&token),
    })
}

/// Checks that a host's page can show this page in a frame.
fn verdicts(exchange: &Exchange, origin: &str) -> Vec<(bool, String)> {
    let header = |name: &str| {
        let value = exchange.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase())
    };
    let mut verdicts = vec![match exchange.status().is_success() {
        true => (true, "The page opens.".to_owned()),
        false => (
            false,
            format!("The page responded with {}.", exchange.status()),
        ),
    }];
    let is_html = header("content-type").is_some_and(|kind| kind.contains("text/html"));
    if !is_html {
        verdicts.push((
            false,
            "The page is not HTML: its Content-Type must be text/html.".to_owned(),
        ));
    }
    let policy = header("content-security-policy").unwrap_or_default();
    let ancestors = policy
        .split(';')
        .find_map(|part| part.trim().strip_prefix("frame-ancestors"));
    match (ancestors, header("x-frame-options")) {
        // Browsers ignore the old header if the new one exists.
        (Some(ancestors), _) => {
            let mut allowed = ancestors.split_whitespace();
            if !allowed.any(|one| one == "*" || origin.starts_with(one.trim_end_matches('/'))) {
                let text = format!(
                    "Its frame-ancestors do not include {origin}, so no room page can show it."
                );
                verdicts.push((false, text));
            }
        }
        (None, Some(_)) => verdicts.push((
            false,
            "It forbids frames with X-Frame-Options, so no room page can show it.".to_owned(),
        )),
        (None, None) => {}
    }
    verdicts
}
