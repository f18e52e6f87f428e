//! A counter in a room: one glance, one panel, one push.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glance_sdk::axum::response::Html;
use glance_sdk::prelude::*;

/// Shows the count to everyone in the room.
#[glance(key = "{{ name }}", name = "{{ title }}", icon = "/icon.svg", target = "{{ name }}-panel",
         audience = "room")]
pub async fn {{ glance }}(State(counter): State<Counter>) -> GlanceData {
    counter.data()
}

/// The state of the handlers. Store data in a database if it must survive a restart.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicU32>);

impl Counter {
    fn data(&self) -> GlanceData {
        let count = self.0.load(Ordering::Relaxed);
        GlanceData::new(label!("<b>{count}</b> counted")).lozenge(Lozenge::Success, "COUNTING")
    }
}

/// Returns the panel, which a click on the glance opens. The host signs its requests.
async fn panel(State(counter): State<Counter>) -> Html<String> {
    let count = counter.0.load(Ordering::Relaxed);
    Html(format!(
        "<!doctype html><title>{{ title }}</title><h1>{count}</h1>\
         <form method=\"post\"><button>Count one more</button></form>"
    ))
}

/// Increments the count and pushes it to everyone in the room.
async fn count(
    State(counter): State<Counter>,
    request: SignedRequest,
    pusher: Pusher,
) -> glance_sdk::Result<Html<String>> {
    counter.0.fetch_add(1, Ordering::Relaxed);
    if let Some(room) = request.room_id() {
        pusher.push::<{{ glance }}>(request.oauth_id(), To::Room(room), counter.data())?;
    }
    Ok(panel(State(counter)).await)
}

/// Creates the add-on.
pub fn add_on() -> AddOn<Counter> {
    AddOn::new("com.example.{{ name }}", "{{ title }}")
        .description("Counts.")
        .state(Counter::default())
        .glance::<{{ glance }}>()
        .web_panel("{{ name }}-panel", "{{ title }}", get(panel).post(count))
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg"))
}
