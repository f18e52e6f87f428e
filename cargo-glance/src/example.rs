//! Runs an example add-on in a separate process, as long as the demo that started it.

use std::path::PathBuf;

use glance_sdk::AddOn;
use glance_sdk::addon::Built;
use tracing_subscriber::EnvFilter;

use crate::error::CommandError;
use crate::lifeline::parent_is_gone;
use crate::print;

/// The exit code if the port is in use; the demo then retries with any port.
pub(crate) const PORT_TAKEN: u8 = 75;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The name of the example.
    name: Name,
    /// The folder for its data.
    #[arg(long)]
    data: PathBuf,
    /// The port, 0 for any.
    #[arg(long)]
    port: u16,
    /// The host that may install the add-on.
    #[arg(long)]
    host: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Name {
    PullRequests,
    Blockers,
    Mentions,
    Incidents,
}

/// Secrets are in environment variables, because other users can read a command line.
pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .without_time()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .init();
    let data = &arguments.data;
    match arguments.name {
        Name::PullRequests => {
            let secret = variable("GITHUB_WEBHOOK_SECRET")?;
            let add_on = pull_requests::add_on(data, &secret).map_err(no_data)?;
            serve(add_on, &arguments, |_| ()).await
        }
        Name::Blockers => {
            let secret = variable("JIRA_WEBHOOK_SECRET")?;
            let app = blockers::Blockers::open(data, &secret).map_err(no_data)?;
            serve(app.add_on().map_err(no_data)?, &arguments, |built| {
                let (installations, pusher) = (built.installations(), built.pusher());
                tokio::spawn(app.keep_up(installations.clone(), pusher.clone()));
            })
            .await
        }
        Name::Mentions => {
            let source = mentions::Source::from_env().map_err(|problem| {
                CommandError::new(
                    "no-source",
                    problem,
                    "set the variable, or use `cargo glance demo`",
                )
            })?;
            let app = mentions::Mentions::open(data).map_err(no_data)?;
            serve(app.add_on().map_err(no_data)?, &arguments, |built| {
                tokio::spawn(app.follow(source, built.pusher().clone()));
            })
            .await
        }
        Name::Incidents => {
            let secret = variable("ALERTMANAGER_WEBHOOK_SECRET")?;
            let add_on = incidents::add_on(data, &secret).map_err(no_data)?;
            serve(add_on, &arguments, |_| ()).await
        }
    }
}

fn variable(name: &str) -> Result<String, CommandError> {
    std::env::var(name).map_err(|_| {
        let what = format!("{name} is not set");
        CommandError::new(
            "no-secret",
            what,
            "set it, or use `cargo glance demo`, which does",
        )
    })
}

fn no_data(problem: impl Into<String>) -> CommandError {
    let help = "choose another --data folder, or fix this one";
    CommandError::new("no-data", problem, help)
}

fn not_served(error: &glance_sdk::Error) -> CommandError {
    CommandError::new("not-served", format!("{error:#}"), error.help())
}

/// Serves the add-on; `beside` starts its background tasks.
async fn serve<S: Clone + Send + Sync + 'static>(
    add_on: AddOn<S>,
    Arguments { port, host, .. }: &Arguments,
    beside: impl FnOnce(&Built),
) -> Result<(), CommandError> {
    let add_on = add_on.allow_hosts([host]);
    let server = match add_on.listen("127.0.0.1", *port, None).await {
        Ok(server) => server,
        Err(error) if error.kind() == glance_sdk::ErrorKind::Listen => {
            std::process::exit(PORT_TAKEN.into());
        }
        Err(error) => return Err(not_served(&error)),
    };
    beside(server.add_on());
    // The reader of the address may send a signal at once.
    let interrupted = glance_sdk::addon::interrupted();
    print::line(server.base_url());
    let orphaned = parent_is_gone();
    let end = async move {
        tokio::select! {
            () = interrupted => {}
            _ = orphaned => {}
        }
    };
    server.run(end).await.map_err(|error| not_served(&error))
}
