//! Tests that the macros copy built-in attributes of functions, arguments and metadata to the
//! generated code.

#![deny(warnings)]

use glance_sdk::axum::http::StatusCode;
use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::prelude::*;

#[glance(key = "a", name = "A", icon = "/a.svg")]
async fn conditional_arguments(
    #[cfg(all())] State(open): State<u32>,
    #[cfg(any())] missing: Missing,
    #[cfg(all())]
    #[cfg(any())]
    missing_too: Missing,
    #[cfg_attr(all(), cfg(any()))] also_missing: Missing,
    #[cfg_attr(any(), cfg(any()))] query: GlanceQuery,
    #[allow(unused_variables)] first: State<u32>,
    #[expect(unused_variables)] second: State<u32>,
) -> GlanceData {
    GlanceData::new(label!("{open} in {}", query.room_id()))
}

#[webhook(event = RoomMessage)]
async fn conditional_webhook(
    _request: WebhookRequest<RoomMessage>,
    #[cfg(any())] missing: Missing,
    #[cfg(all())] State(_): State<u32>,
) {
}

/// One of two functions of the same name.
#[glance(key = "b", name = "B", icon = "/b.svg")]
#[cfg(all())]
async fn two_versions() -> GlanceData {
    GlanceData::new(label!("this one"))
}

#[glance(key = "c", name = "C", icon = "/c.svg")]
#[cfg(any())]
async fn two_versions() -> GlanceData<Missing> {
    GlanceData::new(label!("the other"))
}

#[glance(key = "c", name = "C", icon = "/c.svg")]
#[cfg_attr(all(), cfg(any()))]
async fn two_versions() -> GlanceData<Missing> {
    GlanceData::new(label!("a third"))
}

#[webhook(event = RoomMessage)]
#[cfg(any())]
async fn no_webhook(_: WebhookRequest<RoomMessage>) -> Missing {}

#[glance(key = "d", name = "D", icon = "/d.svg")]
#[deprecated = "use `two_versions`"]
#[must_use]
#[doc(hidden)]
#[inline]
#[cold]
async fn old() -> GlanceData {
    GlanceData::new(label!("old"))
}

#[webhook(event = RoomMessage)]
#[cfg_attr(all(), deprecated, doc = "Hears nothing.", must_use)]
async fn old_webhook(_: WebhookRequest<RoomMessage>) {}

mod unused {
    use super::*;

    #[glance(key = "e", name = "E", icon = "/e.svg")]
    #[allow(dead_code)]
    async fn nobody_registers_this() -> Result<GlanceData, StatusCode> {
        Ok(GlanceData::new(label!("unused")))
    }

    #[glance(key = "e", name = "E", icon = "/e.svg")]
    #[allow(dead_code, reason = "tests only")]
    async fn nor_this() -> GlanceData {
        GlanceData::new(label!("unused"))
    }

    #[webhook(event = RoomMessage)]
    #[cfg_attr(all(), allow(dead_code))]
    async fn nor_this_webhook(_: WebhookRequest<RoomMessage>) {}
}

#[glance(key = "f", name = "F", icon = "/f.svg")]
#[allow(non_snake_case)]
#[expect(deprecated)]
async fn OfOldTypes(State(_): State<OldState>) -> GlanceData<OldMetadata> {
    GlanceData::new(label!("old")).metadata(OldMetadata { isOpen: true, old: 4 })
}

#[deprecated]
#[derive(Clone)]
struct OldState;

#[derive(Serialize, GlanceMetadata)]
#[deprecated]
#[allow(non_snake_case)]
struct OldMetadata {
    isOpen: bool,
    #[deprecated]
    #[cfg(all())]
    old: u32,
    #[cfg(any())]
    missing: Missing,
}

#[derive(Clone, Copy, PartialEq, Serialize, GlanceMetadata)]
#[deprecated]
enum OldState2 {
    #[deprecated]
    Open,
    #[cfg(any())]
    Missing(Missing),
}

fn main() {
    let _ = AddOn::new("com.example.counts", "Counts")
        .state(4_u32)
        .glance::<conditional_arguments>()
        .webhook::<conditional_webhook>()
        .glance::<two_versions>();
    #[expect(deprecated)]
    let _ = AddOn::new("com.example.counts", "Counts")
        .glance::<old>()
        .webhook::<old_webhook>();
    #[expect(deprecated)]
    let _ = AddOn::new("com.example.counts", "Counts")
        .state(OldState)
        .glance::<OfOldTypes>();
    #[expect(deprecated)]
    let _ = OldState2::Open;
}
