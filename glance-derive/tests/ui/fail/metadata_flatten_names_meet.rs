use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
struct Incidents {
    open_now: u32,
    #[glance(untested)]
    teams: Vec<String>,
    #[serde(flatten)]
    oldest: Oldest,
    #[serde(flatten)]
    newest: Option<Newest>,
    #[serde(skip)]
    days: u32,
}

#[derive(Serialize, GlanceMetadata)]
struct Oldest {
    #[serde(rename = "openNow")]
    open: u32,
    days: u32,
}

#[derive(Serialize, GlanceMetadata)]
struct Newest {
    teams: u32,
    #[serde(flatten)]
    age: Age,
}

#[derive(Serialize, GlanceMetadata)]
struct Age {
    days: u32,
}

fn main() {}
