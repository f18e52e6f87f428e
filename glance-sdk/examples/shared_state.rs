//! State that handlers and a background task share: the task changes it and pushes to every room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use glance_sdk::prelude::*;

/// The metadata that conditions test.
#[derive(Serialize, GlanceMetadata)]
struct Load {
    percent: u32,
}

/// The latest measurement.
#[derive(Clone, Default)]
struct Meter(Arc<AtomicU32>);

impl Meter {
    fn data(&self) -> GlanceData<Load> {
        let percent = self.0.load(Ordering::Relaxed);
        let lozenge = if percent > 90 {
            Lozenge::Error
        } else {
            Lozenge::Default
        };
        GlanceData::new(label!("<b>{percent}</b> % load"))
            .lozenge(lozenge, "LOAD")
            .metadata(Load { percent })
    }

    /// Stores a measurement and tells every installation.
    async fn measured(
        &self,
        percent: u32,
        installations: &Installations,
        pusher: &Pusher,
    ) -> glance_sdk::Result<()> {
        self.0.store(percent, Ordering::Relaxed);
        for installation in installations.list().await? {
            let to = installation.room_id().map_or(To::Group, To::Room);
            pusher.push::<load>(installation.oauth_id(), to, self.data())?;
        }
        Ok(())
    }
}

/// Hidden while the load is low.
#[glance(key = "load", name = "Load", icon = "/load.svg", audience = "room", when(percent > 50))]
async fn load(State(meter): State<Meter>) -> GlanceData<Load> {
    meter.data()
}

fn add_on(meter: &Meter) -> AddOn<Meter> {
    AddOn::new("com.example.load", "Load")
        .state(meter.clone())
        .glance::<load>()
        .asset(
            "/load.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
}

#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    let meter = Meter::default();
    let server = add_on(&meter).listen_from_env().await?;
    let installations = server.add_on().installations().clone();
    let pusher = server.add_on().pusher().clone();
    tokio::spawn(async move {
        for percent in (0..=100).step_by(10).cycle() {
            if let Err(error) = meter.measured(percent, &installations, &pusher).await {
                eprintln!("{error:#}");
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    });
    server.run(glance_sdk::addon::interrupted()).await
}

#[cfg(test)]
mod tests {
    use glance_host::Host;

    use super::*;

    #[tokio::test]
    async fn the_glance_shows_while_the_load_is_high() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let meter = Meter::default();
        let add_on = room.install(add_on(&meter)).await;
        let mut viewer = room.viewer("ann").await;
        assert!(viewer.settled().await.lines.is_empty());
        let (installations, pusher) = (add_on.installations(), add_on.pusher());
        meter.measured(95, installations, pusher).await.unwrap();
        let sidebar = viewer.label("load", "95 % load").await;
        assert_eq!(
            sidebar.line("load").unwrap().lozenge(),
            Some(("error", "LOAD"))
        );
        meter.measured(20, installations, pusher).await.unwrap();
        viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    }
}
