use glance_sdk::prelude::*;

#[derive(Clone)]
struct Pager;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents(State(_pager): State<Pager>) -> GlanceData {
    GlanceData::new(label!("<b>4</b> open"))
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
