use glance_sdk::prelude::*;

mod elsewhere {
    pub struct Remote {
        pub open: u32,
    }
}

#[derive(Clone, Serialize, GlanceMetadata)]
#[serde(into = "u32")]
struct Into_ {
    open: u32,
}

impl From<Into_> for u32 {
    fn from(it: Into_) -> Self {
        it.open
    }
}

#[derive(Serialize, GlanceMetadata)]
#[serde(transparent)]
struct Transparent {
    open: u32,
}

#[derive(Serialize, GlanceMetadata)]
#[serde(remote = "elsewhere::Remote")]
struct Remote {
    open: u32,
}

fn main() {}
