use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> GlanceData {
    let shared = std::rc::Rc::new(4);
    std::future::ready(()).await;
    GlanceData::new(label!("<b>{shared}</b> open"))
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
