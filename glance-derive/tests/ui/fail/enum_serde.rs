use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
#[serde(tag = "kind", content = "of")]
enum Tagged {
    Calm,
}

#[derive(Serialize, GlanceMetadata)]
#[serde(untagged)]
enum Untagged {
    Calm,
}

#[derive(Clone, Serialize, GlanceMetadata)]
#[serde(into = "u8")]
enum Into_ {
    Calm,
}

impl From<Into_> for u8 {
    fn from(_: Into_) -> Self {
        4
    }
}

#[derive(Serialize, GlanceMetadata)]
enum State {
    Calm,
    #[serde(skip)]
    Gone,
    #[serde(skip_serializing)]
    Hidden,
    #[serde(serialize_with = "as_text")]
    OnFire,
    #[glance(untested)]
    Closed,
}

fn as_text<S: serde::Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("!")
}

fn main() {}
