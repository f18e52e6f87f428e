//! A glance without macros: the two traits that `#[glance]` implements, written by hand.

use glance_sdk::axum::extract::FromRequestParts;
use glance_sdk::axum::http::request::Parts;
use glance_sdk::axum::response::Response;
use glance_sdk::glance::{Glance, GlanceHandler};
use glance_sdk::metadata::NoMetadata;
use glance_sdk::model::{self, GlanceData, Icon, Label};
use glance_sdk::{AddOn, extract::GlanceQuery};

/// Shows the time zone of whoever looks.
struct Zone;

impl Glance for Zone {
    const KEY: &'static str = "zone";
    type Metadata = NoMetadata;

    fn descriptor() -> model::Glance {
        model::Glance::new(Self::KEY, "Time zone", Icon::new("/zone.svg")).weight(10)
    }
}

impl<S: Send + Sync> GlanceHandler<S> for Zone {
    async fn query(parts: &mut Parts, state: &S) -> Result<GlanceData, Response> {
        let query = GlanceQuery::from_request_parts(parts, state).await?;
        let zone = query.time_zone().unwrap_or("UTC");
        Ok(GlanceData::new(Label::text(zone)))
    }
}

fn add_on() -> AddOn {
    AddOn::new("com.example.zone", "Time zone")
        .glance::<Zone>()
        .asset(
            "/zone.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
}

#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    let server = add_on().listen_from_env().await?;
    server.run(glance_sdk::addon::interrupted()).await
}

#[cfg(test)]
mod tests {
    use glance_host::Host;

    use super::*;

    #[tokio::test]
    async fn the_glance_shows_the_time_zone() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let _add_on = room.install(add_on()).await;
        host.user("ann", |user| user.timezone = "Europe/Berlin".to_owned())
            .await;
        let line = room.viewer("ann").await.glance::<Zone>().await;
        assert_eq!(line.label_text(), "Europe/Berlin");
    }
}
