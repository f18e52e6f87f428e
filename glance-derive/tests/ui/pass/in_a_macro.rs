//! Tests macros whose names come from another macro than the attribute.

use glance_sdk::prelude::*;

macro_rules! counts {
    ($($name:ident: $metadata:ident { $field:ident: $type:ty }, $query:ident, $label:literal;)*) => { $(
        #[derive(Serialize, GlanceMetadata)]
        struct $metadata {
            $field: $type,
        }

        #[glance(key = "count", name = "Count", icon = "/count.svg",
                 when($field > 0 && !room::is_public))]
        async fn $name($query: GlanceQuery, State($field): State<$type>) -> GlanceData<$metadata> {
            let _ = $query;
            GlanceData::new(label!($label, $field)).metadata($metadata { $field })
        }
    )* };
}

counts! {
    incidents: Incidents { open: u32 }, query, "<b>{}</b> open";
    builds: Builds { failed: i64 }, query, "{:>3} failed";
}

fn main() {
    let _ = AddOn::new("com.example.counts", "Counts")
        .state(4_u32)
        .glance::<incidents>();
    let _ = AddOn::new("com.example.counts", "Counts")
        .state(4_i64)
        .glance::<builds>();
}
