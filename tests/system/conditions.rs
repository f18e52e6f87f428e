//! Tests conditions from the view of a person in a room.

use glance_host::Host;
use glance_sdk::prelude::*;

use crate::add_on::{Pager, add_on, incidents};

#[tokio::test]
async fn metadata_decides_whether_a_glance_shows() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(0);
    let _add_on = room.install(add_on(&pager)).await;

    assert!(
        room.viewer("member")
            .await
            .settled()
            .await
            .line("incidents")
            .is_none()
    );
    pager.set(1);
    assert_eq!(
        room.viewer("member")
            .await
            .glance::<incidents>()
            .await
            .label_text(),
        "1 incidents"
    );
}

#[glance(key = "admins", name = "Admins", icon = "/i.svg", when(user::is_admin))]
async fn admins() -> GlanceData {
    GlanceData::new(label!("for admins"))
}

#[glance(key = "guests", name = "Guests", icon = "/i.svg", when(user::is_guest && room::is_public))]
async fn guests() -> GlanceData {
    GlanceData::new(label!("for guests"))
}

#[glance(key = "owner", name = "Owner", icon = "/i.svg", when(user::is_room_owner || !room::is_public))]
async fn owner() -> GlanceData {
    GlanceData::new(label!("for the owner, or in private"))
}

#[tokio::test]
async fn host_conditions_follow_person_and_room() {
    let host = Host::start().await;
    let mut room = host.room("ops").await;
    host.user("admin", |user| user.is_admin = true).await;
    host.user("guest", |user| user.is_guest = true).await;
    let owning = host.user("owner", |_| {}).await;
    room.change(|room| room.owner = owning.id).await;
    let _add_on = room
        .install(
            AddOn::new("com.example.who", "Who")
                .glance::<admins>()
                .glance::<guests>()
                .glance::<owner>(),
        )
        .await;

    async fn shown(room: &glance_host::testing::TestRoom, user: &str) -> Vec<String> {
        let sidebar = room.viewer(user).await.settled().await;
        sidebar.lines.iter().map(|line| line.key.clone()).collect()
    }
    assert_eq!(shown(&room, "admin").await, ["admins"]);
    assert_eq!(shown(&room, "guest").await, ["guests"]);
    assert_eq!(shown(&room, "owner").await, ["owner"]);
    assert!(shown(&room, "member").await.is_empty());

    room.change(|room| room.is_public = false).await;
    assert_eq!(shown(&room, "guest").await, ["owner"]);
}
