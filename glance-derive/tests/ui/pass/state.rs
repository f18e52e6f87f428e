//! Tests functions that extract the state of the add-on and return failures.

use std::sync::Arc;

use glance_sdk::axum::extract::FromRef;
use glance_sdk::axum::http::{HeaderMap, StatusCode, Uri};
use glance_sdk::prelude::*;

#[derive(Clone)]
struct App {
    pager: Arc<Pager>,
}

struct Pager {
    open: u32,
}

impl FromRef<App> for Arc<Pager> {
    fn from_ref(app: &App) -> Self {
        app.pager.clone()
    }
}

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
}

const LIMIT: u32 = 3;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg",
         when(open > LIMIT * 2 && open != u32::MAX))]
async fn incidents(
    query: GlanceQuery,
    State(pager): State<Arc<Pager>>,
    State(_): State<App>,
    (headers, _): (HeaderMap, Uri),
    signed: SignedRequest,
) -> Result<GlanceData<Incidents>, (StatusCode, String)> {
    if headers.is_empty() || signed.claims().user_id().is_none() {
        return Err((StatusCode::BAD_GATEWAY, format!("room {}", query.room_id())));
    }
    let open = pager.open;
    Ok(GlanceData::new(label!("<b>{open}</b> incidents")).metadata(Incidents { open }))
}

/// The function remains an ordinary function beside the generated code.
async fn direct_call(query: GlanceQuery, signed: SignedRequest, app: App) -> bool {
    let pager = State(app.pager.clone());
    incidents(query, pager, State(app), Default::default(), signed)
        .await
        .is_ok()
}

fn main() {
    let pager = Arc::new(Pager { open: 4 });
    let _ = direct_call;
    let _ = AddOn::new("com.example.incidents", "Incidents")
        .state(App { pager })
        .glance::<incidents>();
}
