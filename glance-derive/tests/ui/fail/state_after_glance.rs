use glance_sdk::model::webhook::RoomEnter;
use glance_sdk::prelude::*;

#[derive(Clone)]
struct Pager;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents(State(_pager): State<Pager>) -> GlanceData {
    GlanceData::new(label!("<b>4</b> open"))
}

#[webhook(event = RoomEnter)]
async fn entered(_entered: WebhookRequest<RoomEnter>, State(_pager): State<Pager>) {}

fn main() {
    let _ = AddOn::new("com.example.incidents", "Incidents").glance::<incidents>().state(Pager);
    let _ = AddOn::new("com.example.incidents", "Incidents").webhook::<entered>().state(Pager);
}
