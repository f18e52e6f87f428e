//! Monitors a service and shows whether it responds: one glance, updated by a background task.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use glance_sdk::prelude::*;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The timeout of a connection to the service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Shows the service and whether it responds.
#[glance(key = "{{ name }}", name = "{{ title }}", icon = "/icon.svg", audience = "room")]
pub async fn {{ glance }}(State(monitor): State<Monitor>) -> GlanceData {
    monitor.data()
}

/// The state of the service.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Health {
    /// The first check is not complete.
    #[default]
    Unknown,
    /// The service responds.
    Up,
    /// The service does not respond.
    Down,
}

/// The state that the glance and the background task share.
#[derive(Clone)]
pub struct Monitor {
    service: Arc<str>,
    health: Arc<Mutex<Health>>,
}

impl Monitor {
    /// Monitors the service at this address, a host and a port such as `db.example.com:5432`.
    pub fn new(service: &str) -> Self {
        Self {
            service: service.into(),
            health: Arc::default(),
        }
    }

    fn data(&self) -> GlanceData {
        let service = &self.service;
        let health = *self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match health {
            Health::Unknown => GlanceData::new(label!("Checking <b>{service}</b>")),
            Health::Up => GlanceData::new(label!("<b>{service}</b> responds"))
                .lozenge(Lozenge::Success, "UP"),
            Health::Down => GlanceData::new(label!("<b>{service}</b> does not respond"))
                .lozenge(Lozenge::Error, "DOWN"),
        }
    }

    /// Checks the service at this interval, as long as the program runs.
    pub async fn watch(self, every: Duration, installations: Installations, pusher: Pusher) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let health = match answers(&self.service).await {
                true => Health::Up,
                false => Health::Down,
            };
            if let Err(error) = self.record(health, &installations, &pusher).await {
                tracing::warn!(%error, service = %self.service, "pushing the state failed");
            }
        }
    }

    /// Records the state of the service and pushes it to all installations.
    ///
    /// The pusher sends only changes, so you may call this as often as you like.
    pub async fn record(
        &self,
        health: Health,
        installations: &Installations,
        pusher: &Pusher,
    ) -> glance_sdk::Result<()> {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
        for installation in installations.list().await? {
            let to = match installation.room_id() {
                Some(room) => To::Room(room),
                None => To::Group,
            };
            pusher.push::<{{ glance }}>(installation.oauth_id(), to, self.data())?;
        }
        Ok(())
    }
}

/// Returns whether the service accepts a connection.
async fn answers(service: &str) -> bool {
    let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(service)).await;
    matches!(connected, Ok(Ok(_)))
}

/// Creates the add-on.
pub fn add_on(monitor: Monitor) -> AddOn<Monitor> {
    AddOn::new("com.example.{{ name }}", "{{ title }}")
        .description("Watches a service.")
        .state(monitor)
        .glance::<{{ glance }}>()
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg"))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn listening_service_responds() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = listener.local_addr().unwrap().to_string();
        assert!(answers(&service).await);
        assert!(!answers("127.0.0.1:0").await);
    }
}
