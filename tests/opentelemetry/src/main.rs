use glance_opentelemetry::telemetry::{Telemetry, continue_trace, pass_trace_on};
use glance_sdk::addon::interrupted;
use glance_sdk::axum::middleware::from_fn;
use glance_sdk::prelude::*;

#[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
async fn builds() -> GlanceData {
    GlanceData::new(label!("<b>3</b> builds"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let telemetry = Telemetry::start("builds")?;
    let add_on = AddOn::new("com.example.builds", "Builds")
        .call_headers(pass_trace_on)
        .glance::<builds>()
        .asset(
            "/builds.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        );
    let server = add_on.listen_from_env().await?;
    server
        .layer(from_fn(continue_trace))
        .run(interrupted())
        .await?;
    telemetry.end()
}
