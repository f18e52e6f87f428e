use glance_sdk::prelude::*;

#[glance(key = "missing", name = "Missing", icon = "/i.svg", max_age = 60)]
async fn missing() -> GlanceData {
    GlanceData::new(label!("x"))
}

#[glance(key = "person", name = "Person", icon = "/i.svg", max_age = 60, audience = "person")]
async fn person() -> GlanceData {
    GlanceData::new(label!("x"))
}

#[glance(key = "twice", name = "Twice", icon = "/i.svg", audience = "room", max_age = 60, max_age = 60)]
async fn twice() -> GlanceData {
    GlanceData::new(label!("x"))
}

fn main() {
    AddOn::new("com.example.builds", "Builds").glance::<missing>().glance::<person>().glance::<twice>();
}
