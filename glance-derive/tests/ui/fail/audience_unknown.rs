use glance_sdk::prelude::*;

const ROOM: &str = "room";

#[glance(key = "team", name = "Team", icon = "/i.svg", audience = "team")]
async fn team(query: GlanceQuery) -> GlanceData {
    GlanceData::new(label!("{}", query.room_id()))
}

#[glance(key = "constant", name = "Constant", icon = "/i.svg", audience = ROOM)]
async fn constant(query: GlanceQuery) -> GlanceData {
    GlanceData::new(label!("{}", query.room_id()))
}

#[glance(key = "twice", name = "Twice", icon = "/i.svg", audience = "person", audience = "person")]
async fn twice(query: GlanceQuery) -> GlanceData {
    GlanceData::new(label!("{}", query.room_id()))
}

fn main() {
    AddOn::new("com.example.builds", "Builds").glance::<team>().glance::<constant>().glance::<twice>();
}
