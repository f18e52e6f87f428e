use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    #[serde(with = "as_text")]
    open: u32,
    #[serde(skip_serializing_if = "MyOption::is_none")]
    oldest: Option<u32>,
    #[serde(rename = "teams.size")]
    #[glance(untested)]
    teams: Vec<String>,
}

struct MyOption;

impl MyOption {
    fn is_none(it: &Option<u32>) -> bool {
        *it == Some(4)
    }
}

mod as_text {
    pub fn serialize<S: serde::Serializer>(open: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(open)
    }
}

fn main() {}
