//! The add-on that the tests install: a glance of incidents, whose number the test controls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use glance_sdk::axum::http::StatusCode;
use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
pub(crate) struct Incidents {
    pub(crate) open: u32,
}

/// The response of the add-on, which a test can change while it runs.
#[derive(Clone, Default)]
pub(crate) struct Pager {
    open: Arc<AtomicU32>,
    is_down: Arc<AtomicBool>,
    queries: Arc<AtomicU32>,
}

impl Pager {
    pub(crate) fn new(open: u32) -> Self {
        let pager = Self::default();
        pager.set(open);
        pager
    }

    pub(crate) fn set(&self, open: u32) {
        self.open.store(open, Ordering::SeqCst);
    }

    pub(crate) fn break_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    pub(crate) fn number(&self) -> u32 {
        self.open.load(Ordering::SeqCst)
    }

    pub(crate) fn queries(&self) -> u32 {
        self.queries.load(Ordering::SeqCst)
    }

    fn answer(&self) -> Result<GlanceData<Incidents>, StatusCode> {
        self.queries.fetch_add(1, Ordering::SeqCst);
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(StatusCode::SERVICE_UNAVAILABLE),
            false => Ok(data(self.number())),
        }
    }
}

pub(crate) fn data(open: u32) -> GlanceData<Incidents> {
    GlanceData::new(label!("<b>{open}</b> incidents"))
        .lozenge(Lozenge::Error, "OPEN")
        .metadata(Incidents { open })
}

/// Shows the open incidents; hidden if there are none.
#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > 0))]
pub(crate) async fn incidents(
    _: GlanceQuery,
    State(pager): State<Pager>,
) -> Result<GlanceData<Incidents>, StatusCode> {
    pager.answer()
}

/// The same glance without a condition.
#[glance(
    key = "always",
    name = "Always",
    icon = "/siren.svg",
    weight = 200,
    target = "list"
)]
pub(crate) async fn always(
    State(pager): State<Pager>,
) -> Result<GlanceData<Incidents>, StatusCode> {
    pager.answer()
}

async fn list(request: SignedRequest) -> String {
    format!(
        "user {:?} in room {:?}",
        request.user_id(),
        request.room_id()
    )
}

pub(crate) fn add_on(pager: &Pager) -> AddOn<Pager> {
    AddOn::new("com.example.incidents", "Incidents")
        .description("Open incidents.")
        .state(pager.clone())
        .glance::<incidents>()
        .glance::<always>()
        .web_panel("list", "Incidents", get(list))
}
