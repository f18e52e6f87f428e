//! Tests that the generated type has the visibility, documentation and attributes of the function.

#![deny(missing_docs, unreachable_pub, warnings)]

pub mod incidents {
    //! A glance for other crates.

    use glance_sdk::prelude::*;

    /// The metadata that conditions may test.
    #[derive(Debug, Serialize, GlanceMetadata)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Incidents {
        /// The number of open incidents.
        pub open: u32,
        #[serde(default, alias = "oldest")]
        pub(crate) oldest_days: u32,
        #[glance(untested)]
        teams: Vec<String>,
        #[serde(skip)]
        seen: std::cell::Cell<bool>,
    }

    /// Open incidents of the room.
    ///
    /// Two paragraphs.
    #[glance(
        key = "incidents", name = "Incidents", icon = "/siren.svg",
        when(open > 0 && oldest_days > 1),
    )]
    #[allow(clippy::unused_async)]
    pub async fn incidents(mut query: GlanceQuery) -> GlanceData<Incidents> {
        let room = &mut query;
        GlanceData::new(label!("<b>{}</b> open", room.room_id())).metadata(Incidents {
            open: 1,
            oldest_days: 2,
            teams: Vec::new(),
            seen: std::cell::Cell::new(true),
        })
    }

    pub(crate) mod inner {
        use glance_sdk::prelude::*;

        #[glance(key = "hello", name = "Hello", icon = "/hello.svg")]
        pub(in crate::incidents) async fn hello() -> GlanceData {
            GlanceData::new(label!("Hello"))
        }
    }

    /// An add-on with both glances.
    pub fn add_on() -> AddOn {
        AddOn::new("com.example.incidents", "Incidents")
            .glance::<incidents>()
            .glance::<inner::hello>()
    }
}

fn main() {
    use glance_sdk::metadata::GlanceMetadata;
    let _ = incidents::add_on();
    let _: glance_sdk::metadata::Attr<u32> = incidents::Incidents::attributes().open();
}
