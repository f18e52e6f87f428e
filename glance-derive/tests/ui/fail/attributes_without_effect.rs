use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
    is_configured: bool,
}

#[glance(key = "a", name = "A", icon = "/a.svg", when(#[cfg(any())] is_configured && open > 0))]
async fn in_a_condition() -> GlanceData<Incidents> {
    let _ = label!("{}", #[cfg(any())] 4);
    let _ = label!("{open}", #[allow(unused)] open = 4);
    GlanceData::new(label!("a")).metadata(Incidents { open: 0, is_configured: true })
}

#[glance(key = #[cfg(any())] "b", name = "B", icon = "/b.svg")]
async fn in_an_argument() -> GlanceData {
    GlanceData::new(label!("b"))
}

#[glance(key = "e", name = "E", icon = "/e.svg")]
#[expect(dead_code)]
async fn unused() -> GlanceData {
    GlanceData::new(label!("e"))
}

#[webhook(event = RoomMessage)]
#[cfg_attr(all(), expect(unused_variables, dead_code))]
async fn unused_too(said: WebhookRequest<RoomMessage>) {}

#[webhook(event = RoomMessage)]
async fn first_argument(#[cfg(any())] said: WebhookRequest<RoomMessage>) {}

macro_rules! of_type {
    ($name:ident, $ty:ty, $answer:ty) => {
        #[glance(key = "c", name = "C", icon = "/c.svg")]
        async fn $name(_: $ty) -> $answer {
            let data: GlanceData = GlanceData::new(label!("c"));
            data
        }
    };
}

of_type!(by_reference, &'static u32, GlanceData);
of_type!(without_a_name, GlanceQuery, impl Sized);

macro_rules! with_key {
    ($name:ident, $key:expr) => {
        #[glance(key = $key, name = "D", icon = "/d.svg")]
        async fn $name() -> GlanceData {
            GlanceData::new(label!("d"))
        }
    };
}

with_key!(of_a_number, 4);
with_key!(of_a_call, concat!("a", "b"));

fn main() {}
