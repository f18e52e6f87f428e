use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", icon2x = "/siren@2x.svg", wen(open > 0))]
async fn incidents() -> GlanceData {
    GlanceData::new(label!("<b>4</b> open"))
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
