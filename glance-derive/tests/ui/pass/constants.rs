// Tests keys and texts that are constants of the add-on.

use glance_sdk::glance::Glance;
use glance_sdk::model::webhook::RoomEnter;
use glance_sdk::prelude::*;
use glance_sdk::webhook::Webhook;

mod keys {
    pub const INCIDENTS: &str = "incidents";
    pub const PANEL: &str = concat!("incidents", "-panel");
    pub const ENTERED: &str = "entered";
}

const NAME: &str = "Incidents";

#[glance(key = keys::INCIDENTS, name = NAME, icon = concat!("/", "siren.svg"), target = keys::PANEL)]
async fn incidents() -> GlanceData {
    GlanceData::new(label!("<b>4</b> open"))
}

#[webhook(event = RoomEnter, key = keys::ENTERED, name = NAME)]
async fn entered(_entered: WebhookRequest<RoomEnter>) {}

fn main() {
    assert_eq!(incidents::KEY, "incidents");
    assert_eq!(incidents::descriptor().target.unwrap().key(), Some("incidents-panel"));
    assert_eq!(incidents::descriptor().icon.url, "/siren.svg");
    assert_eq!(entered::KEY, "entered");
    let _ = AddOn::new("com.example.incidents", "Incidents").glance::<incidents>().webhook::<entered>();
}
