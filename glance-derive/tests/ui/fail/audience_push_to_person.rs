use glance_sdk::client::{Client, Instance};
use glance_sdk::prelude::*;

#[glance(key = "builds", name = "Builds", icon = "/i.svg", audience = "room")]
async fn builds() -> GlanceData {
    GlanceData::new(label!("<b>2</b> broken builds"))
}

fn push(client: &Client, instance: &Instance<builds>) {
    let data = || GlanceData::new(label!("<b>0</b> broken builds"));
    let _ = client.group().push::<builds>(data());
    let _ = client.room(42).push_instance(instance, data());
    let _ = client.user(5).push::<builds>(data());
    let _ = client.room(42).user(5).push_instance(instance, data());
}

fn main() {}
