//! An add-on inside a larger axum application, with middleware around all of it.

use glance_sdk::addon::Built;
use glance_sdk::axum::extract::Request;
use glance_sdk::axum::http::HeaderValue;
use glance_sdk::axum::middleware::{Next, from_fn};
use glance_sdk::axum::response::Response;
use glance_sdk::axum::{self, Router};
use glance_sdk::prelude::*;

#[glance(
    key = "orders",
    name = "Orders",
    icon = "/orders.svg",
    audience = "room"
)]
async fn orders() -> GlanceData {
    GlanceData::new(label!("<b>3</b> open orders"))
}

/// The add-on stands at a path of the application, so its base URL ends in that path.
fn add_on(base_url: &str) -> glance_sdk::Result<Built> {
    AddOn::new("com.example.shop", "Shop")
        .glance::<orders>()
        .asset(
            "/orders.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
        .build(&format!("{base_url}/chat"))
}

async fn version(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let version = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));
    response.headers_mut().insert("x-shop-version", version);
    response
}

/// The application. Layers of tower and tower-http go where `version` stands. `nest_service` serves the
/// descriptor with and without a slash at the end.
fn application(add_on: Built) -> Router {
    Router::new()
        .route("/", get(async || "The shop"))
        .nest_service("/chat", add_on.into_router())
        .layer(from_fn(version))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    let add_on = add_on("http://127.0.0.1:8080")?;
    let pusher = add_on.pusher().clone();
    let server = axum::serve(listener, application(add_on));
    server
        .with_graceful_shutdown(glance_sdk::addon::interrupted())
        .await?;
    pusher.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use glance_host::Host;

    use super::*;

    #[tokio::test]
    async fn the_add_on_works_at_its_path() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let application = application(add_on(&base_url).unwrap());
        tokio::spawn(async { axum::serve(listener, application).await });
        let shop = glance_host::testing::http_client()
            .get(&base_url)
            .send()
            .await
            .unwrap();
        assert!(shop.headers().contains_key("x-shop-version"));

        let host = Host::start().await;
        let room = host.room("ops").await;
        room.install_url(&format!("{base_url}/chat/"))
            .await
            .unwrap();
        let line = room.viewer("ann").await.glance::<orders>().await;
        assert_eq!(line.label_text(), "3 open orders");
    }
}
