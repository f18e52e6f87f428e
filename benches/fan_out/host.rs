//! The host, and the add-on that pushes to it.

use glance_host::Host;
use glance_sdk::client::Installations;
use glance_sdk::model::{OauthId, RoomId};
use glance_sdk::prelude::*;
use tokio::runtime::Runtime;

use crate::support::{runtime, serve_host};

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
struct Incidents {
    open: u64,
    is_configured: bool,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(is_configured && open > 0))]
async fn incidents() -> GlanceData<Incidents> {
    data("not pushed yet", 1)
}

fn data(mark: &str, open: u64) -> GlanceData<Incidents> {
    GlanceData::new(label!("<b>{mark}</b> incidents"))
        .lozenge(Lozenge::Error, "OPEN")
        .metadata(Incidents {
            open,
            is_configured: true,
        })
}

/// The add-on, in the process that compares.
pub(crate) struct AddOnOfHost {
    runtime: Runtime,
    installations: Installations,
    pub(crate) descriptor_url: String,
}

impl AddOnOfHost {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let add_on = AddOn::new("com.example.incidents", "Incidents")
            .glance::<incidents>()
            .asset(
                "/siren.svg",
                "image/svg+xml",
                b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            );
        let server = runtime
            .block_on(add_on.listen("127.0.0.1", 0, None))
            .unwrap();
        let installations = server.add_on().installations().clone();
        let descriptor_url = format!("{}/", server.base_url());
        runtime.spawn(server.run(std::future::pending()));
        Self {
            runtime,
            installations,
            descriptor_url,
        }
    }

    /// Pushes to a room of the host, as add-ons do.
    pub(crate) fn push(&self, id: &OauthId, room: RoomId, mark: usize) {
        self.runtime.block_on(async {
            let client = self.installations.client(id).await.unwrap();
            let new = data(&format!("#{mark}#"), mark as u64);
            client.room(room).push::<incidents>(new).await.unwrap();
        });
    }
}

/// Serves a host with a room where the add-on is installed.
pub(crate) fn serve(descriptor_url: &str) {
    runtime().block_on(serve_host(Host::builder(), descriptor_url));
}
