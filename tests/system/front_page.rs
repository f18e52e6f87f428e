//! The code on the front pages of the packages and of the repository, which is built and tested
//! here.
#![allow(dead_code)]

use glance_sdk::prelude::*;

/// The metadata that the condition of the glance may test.
#[derive(Serialize, GlanceMetadata)]
struct Builds {
    broken: u32,
}

/// The number of broken builds, the same for everyone in a room. Hidden while there are none.
#[glance(key = "builds", name = "Builds", icon = "/builds.svg", target = "builds-panel",
         audience = "room", when(broken > 0))]
async fn builds(State(farm): State<Farm>) -> GlanceData<Builds> {
    let broken = farm.broken;
    GlanceData::new(label!("<b>{broken}</b> broken builds"))
        .lozenge(Lozenge::Error, "BROKEN")
        .metadata(Builds { broken })
}

/// The page that a click on the glance opens.
async fn panel(State(farm): State<Farm>, request: SignedRequest) -> String {
    let room = request.room_id();
    format!("{} builds are broken, says room {room:?}", farm.broken)
}

/// Your build server goes here.
#[derive(Clone)]
struct Farm {
    broken: u32,
}

const ICON: &str =
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 2'><circle cx='1' cy='1' r='1'/></svg>";

fn add_on() -> AddOn<Farm> {
    AddOn::new("com.example.builds", "Builds")
        .state(Farm { broken: 2 })
        .glance::<builds>()
        .web_panel("builds-panel", "Builds", get(panel))
        .asset("/builds.svg", "image/svg+xml", ICON)
}

#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    tracing_subscriber::fmt().init(); // Prints the address, and failures.
    add_on().serve().await // HOST, PORT and BASE_URL configure the address.
}

/// Returns the Rust code blocks of a page.
fn blocks(page: &str) -> Vec<&str> {
    let (_, first) = page.split_once("\n```rust").expect("no Rust code");
    let blocks = first.split("\n```rust").map(|block| {
        let (_, code) = block.split_once('\n').expect("no code");
        code.split_once("```").expect("no end of the code").0
    });
    blocks.collect()
}

#[test]
fn front_pages_contain_this_code() {
    let source = include_str!("front_page.rs");
    for (name, page) in [
        ("README.md", include_str!("../../README.md")),
        ("glance-sdk", include_str!("../../glance-sdk/README.md")),
        ("glance-host", include_str!("../../glance-host/README.md")),
    ] {
        for block in blocks(page) {
            assert!(source.contains(block), "{name}:\n{block}");
        }
    }
}

#[cfg(test)]
mod tests {
    use glance_host::Host;

    use super::*;

    #[tokio::test]
    async fn room_shows_broken_builds() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let _add_on = room.install(add_on()).await;

        let mut viewer = room.viewer("member").await;
        let line = viewer.glance::<builds>().await;
        assert_eq!(line.label_text(), "2 broken builds");
        assert_eq!(line.lozenge(), Some(("error", "BROKEN")));
    }
}
