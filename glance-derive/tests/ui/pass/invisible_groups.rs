//! Tests literals, types, paths and expressions in the invisible groups of another macro.

#![deny(warnings)]

use glance_sdk::axum::http::StatusCode;
use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::prelude::*;

macro_rules! add_on {
    (
        $krate:path, $event:path, $text:literal, $url:expr, $key:expr, $rule:literal,
        $renamed:expr, $skip:literal, $condition:expr, $limit:expr, $weight:expr, $label:expr,
        $answer:ty, $state:ty, $meta:meta
    ) => {
        #[derive(Serialize)]
        #[$meta]
        #[serde(rename_all = $rule)]
        #[glance(crate = $krate)]
        struct Counts {
            open_now: u32,
            #[serde(rename = $renamed)]
            failed: u32,
            #[serde(skip_serializing_if = $skip)]
            oldest: Option<u32>,
        }

        #[glance(
            crate = $krate, key = $key, name = $text, icon = $url, icon_2x = $url, target = $key,
            weight = $weight, when($condition || failed > $limit)
        )]
        async fn counts(State(open_now): State<$state>) -> $answer {
            let label = label!(crate = $krate, $label, $limit, limit = $limit);
            Ok(GlanceData::new(label).metadata(Counts { open_now, failed: 0, oldest: None }))
        }

        #[webhook(crate = $krate, event = $event, pattern = $text, key = $key, name = $text)]
        async fn said(_: WebhookRequest<$event>, State(_): State<$state>) {}
    };
}

/// One group inside another.
macro_rules! nested {
    ($text:literal, $url:expr, $state:ty) => {
        add_on! {
            glance_sdk, RoomMessage, $text, $url, "a", "camelCase", "broken", "Option::is_none",
            open_now > 0 && !room::is_public, 7, 3 + 4, "<b>{}</b> of {limit}",
            Result<GlanceData<Counts>, StatusCode>, $state, derive(GlanceMetadata)
        }
    };
}

nested!("Counts", "/count.svg", u32);

fn main() {
    use glance_sdk::glance::Glance;
    use glance_sdk::webhook::Webhook;
    assert_eq!(<counts as Glance>::KEY, "a");
    assert_eq!(<said as Webhook>::KEY, "a");
    let glance = serde_json::to_value(<counts as Glance>::descriptor()).unwrap();
    assert_eq!(glance["name"]["value"], "Counts");
    assert_eq!(glance["icon"]["url"], "/count.svg");
    assert_eq!(glance["weight"], 7);
    let metadata = Counts { open_now: 1, failed: 2, oldest: None };
    let metadata = serde_json::to_value(metadata).unwrap();
    assert_eq!(metadata, serde_json::json!({"openNow": 1, "broken": 2}));
    let when = format!("{:?}", <counts as Glance>::when());
    assert!(when.contains("openNow") && when.contains("broken"), "{when}");
    let _ = AddOn::new("com.example.counts", "Counts")
        .state(4_u32)
        .glance::<counts>()
        .webhook::<said>();
}
