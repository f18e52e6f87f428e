#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    {{ crate }}::add_on().serve().await
}
