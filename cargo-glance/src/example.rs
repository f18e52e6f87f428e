//! Runs an example add-on in a process of its own, for as long as the demo that started it lives.

use std::io::Read;
use std::path::PathBuf;

use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

/// Under which name the webhook's secret is passed on: other users can read a command line.
pub(crate) const SECRET: &str = "GITHUB_WEBHOOK_SECRET";

/// What a taken port is answered with; the demo then asks for any.
pub(crate) const PORT_TAKEN: u8 = 75;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of its data.
    #[arg(long)]
    data: PathBuf,
    /// The port, 0 for any.
    #[arg(long)]
    port: u16,
    /// The host that may install it.
    #[arg(long)]
    host: String,
}

pub(crate) async fn run(Arguments { data, port, host }: Arguments) -> Result<(), String> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .without_time()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let secret = std::env::var(SECRET).map_err(|_| format!("{SECRET} is not set"))?;
    let add_on = pull_requests::add_on(&data, &secret)?.allow_hosts([host]);
    let server = match add_on.listen("127.0.0.1", port, None).await {
        Ok(server) => server,
        Err(error) if error.kind() == glance_sdk::ErrorKind::Listen => {
            std::process::exit(PORT_TAKEN.into());
        }
        Err(error) => return Err(error.to_string()),
    };
    println!("{}", server.base_url());
    let orphaned = orphaned();
    let end = async move {
        tokio::select! {
            () = glance_sdk::addon::interrupted() => {}
            _ = orphaned => {}
        }
    };
    server.run(end).await.map_err(|error| error.to_string())
}

/// Completes when the demo is gone, even if it was killed: its end of our standard input closes.
fn orphaned() -> oneshot::Receiver<()> {
    let (gone, orphaned) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = gone.send(());
    });
    orphaned
}
