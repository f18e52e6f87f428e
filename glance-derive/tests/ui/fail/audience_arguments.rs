use glance_sdk::axum::Extension;
use glance_sdk::axum::extract::{FromRequestParts, Query};
use glance_sdk::axum::http::request::Parts;
use glance_sdk::axum::http::{HeaderMap, Uri};
use glance_sdk::prelude::*;

struct Locale;

impl<S: Send + Sync> FromRequestParts<S> for Locale {
    type Rejection = ();

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, ()> {
        Ok(Self)
    }
}

#[glance(key = "signed", name = "Signed", icon = "/i.svg", audience = "room")]
async fn signed(room: RoomQuery, query: GlanceQuery, _request: SignedRequest, _viewer: Viewer) -> GlanceData {
    GlanceData::new(label!("{} {}", room.room_id(), query.room_id()))
}

#[glance(key = "raw", name = "Raw", icon = "/i.svg", audience = "room")]
async fn raw(_headers: HeaderMap, _uri: Uri, _query: Query<u32>, _extension: Extension<u32>) -> GlanceData {
    GlanceData::new(label!("x"))
}

#[glance(key = "own", name = "Own", icon = "/i.svg", audience = "room")]
async fn own(#[cfg(all())] _locale: Locale) -> GlanceData {
    GlanceData::new(label!("x"))
}

fn main() {
    AddOn::new("com.example.builds", "Builds").glance::<signed>().glance::<own>();
}
