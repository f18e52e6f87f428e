use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    is_configured: bool,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg",
         when(room::is_public == true || is_configured != (user::is_admin)))]
async fn incidents() -> GlanceData<Incidents> {
    loop {}
}

fn main() {}
