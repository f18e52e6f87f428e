mod incidents {
    use glance_sdk::prelude::*;

    #[derive(Serialize, GlanceMetadata)]
    struct Incidents {
        open: u32,
    }

    #[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
    pub async fn incidents() -> GlanceData<Incidents> {
        loop {}
    }
}

fn main() {}
