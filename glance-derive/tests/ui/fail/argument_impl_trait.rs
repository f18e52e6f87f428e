use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents(open: impl Into<u32>) -> GlanceData {
    GlanceData::new(label!("<b>{}</b> open", open.into()))
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
