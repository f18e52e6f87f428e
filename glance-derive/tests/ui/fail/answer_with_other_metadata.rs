use glance_sdk::prelude::*;

struct Incidents {
    open: u32,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> GlanceData<Incidents> {
    GlanceData::new(label!("<b>4</b> open")).metadata(Incidents { open: 4 })
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
