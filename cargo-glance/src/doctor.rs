//! `cargo glance doctor`: finds problems between hosts and an add-on, with remedies.

mod add_on;
mod clock;
mod environment;
mod finding;
mod installations;

use std::path::PathBuf;

use serde_json::Value;

use crate::error::CommandError;
use crate::style::has_colours;
use crate::{fetch, print};
use finding::{Finding, Level};

/// Check an add-on's address, certificate, clock, responses, store, secrets and proxies.
///
/// Run it where the add-on runs, with the same environment: like the add-on it reads HOST, PORT,
/// BASE_URL, ALLOW_NETWORKS, GLANCE_SECRET_KEYS and the proxy variables. It changes nothing. It
/// fails if a problem prevents the add-on from working; warnings do not count.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance doctor
  cargo glance doctor https://standup.example.com --store com.example.standup.sqlite --host https://chat.example.com")]
pub(crate) struct Arguments {
    /// The add-on's base URL. The default follows from BASE_URL, HOST and PORT.
    base_url: Option<String>,
    /// The file with the add-on's installations. The default is the file with the add-on's key in
    /// the current folder, if there is one.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// A host that should install the add-on.
    #[arg(long, value_name = "URL")]
    host: Option<String>,
    /// The path of the descriptor below the base URL.
    #[arg(long, value_name = "PATH", default_value = "/")]
    descriptor: String,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let findings = CommandError::unless_interrupted(examine(&arguments)).await??;
    if arguments.json {
        let findings: Value = findings.iter().map(Finding::json).collect();
        print::line(format_args!("{findings:#}"));
    } else {
        let has_colours = has_colours();
        findings
            .iter()
            .for_each(|finding| print::line(finding.text(has_colours)));
    }
    let count = findings
        .iter()
        .filter(|finding| finding.level == Level::Bad)
        .count();
    let what = match count {
        0 => return Ok(()),
        1 => "one problem prevents the add-on from working".to_owned(),
        count => format!("{count} problems prevent the add-on from working"),
    };
    Err(CommandError::new(
        "unwell",
        what,
        "each finding above has a remedy",
    ))
}

async fn examine(arguments: &Arguments) -> Result<Vec<Finding>, CommandError> {
    let mut findings = Vec::new();
    let mut key = None;
    let base_url = environment::base_url(arguments.base_url.as_deref(), &mut findings);
    if let Some(base_url) = &base_url {
        let path = arguments.descriptor.trim_start_matches('/');
        let url = format!("{}/{path}", base_url.as_str().trim_end_matches('/'));
        key = add_on::check(&url, &mut findings).await?;
    }
    if let Some(host) = &arguments.host {
        let host = fetch::parse(host)?;
        let capabilities = format!("{}/v2/capabilities", host.as_str().trim_end_matches('/'));
        add_on::check_host(&capabilities, &mut findings).await?;
        environment::egress(host.as_str(), base_url.as_ref(), &mut findings).await;
    }
    environment::secret_keys(&mut findings);
    match (&arguments.store, key) {
        (Some(file), _) => installations::check(file, base_url.as_ref(), &mut findings).await,
        (None, Some(key)) => {
            installations::check_default(&key, base_url.as_ref(), &mut findings).await
        }
        (None, None) => {}
    }
    environment::proxies(&mut findings);
    Ok(findings)
}
