use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    #[serde(serialize_with = "as_text")]
    open: u32,
}

fn as_text<S: serde::Serializer>(open: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(open)
}

fn main() {}
