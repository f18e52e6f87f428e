use glance_sdk::prelude::*;

const WEEK: i64 = 7 * 24 * 60 * 60;

#[glance(key = "zero", name = "Zero", icon = "/i.svg", audience = "room", max_age = 0)]
async fn zero() -> GlanceData {
    GlanceData::new(label!("x"))
}

#[glance(key = "negative", name = "Negative", icon = "/i.svg", audience = "room", max_age = -1)]
async fn negative() -> GlanceData {
    GlanceData::new(label!("x"))
}

#[glance(key = "week", name = "Week", icon = "/i.svg", audience = "room", max_age = WEEK)]
async fn week() -> GlanceData {
    GlanceData::new(label!("x"))
}

fn main() {
    AddOn::new("com.example.builds", "Builds").glance::<zero>().glance::<negative>().glance::<week>();
}
