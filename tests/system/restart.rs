//! Tests that acknowledged data survives a restart.

use glance_host::Host;
use glance_sdk::model::{Glance, Icon};
use glance_sdk::store::{InstallationStore, SqliteStore};

use crate::add_on::{Pager, add_on, data, incidents};

#[tokio::test]
async fn host_and_add_on_survive_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("installations.sqlite");
    let start = |port| Host::builder().port(port).data(folder.path()).start();

    let host = start(0).await.unwrap();
    let port: u16 = host.base_url().rsplit_once(':').unwrap().1.parse().unwrap();
    let room = host.open_room("ops").await.unwrap();
    let first = add_on(&Pager::new(4)).store(SqliteStore::open(&store).unwrap());
    let server = first.listen("127.0.0.1", 0, None).await.unwrap();
    let address = server.address();
    let descriptor = format!("{}/", server.base_url());
    let serving = tokio::spawn(server.run(std::future::pending()));
    let installed = host.install(&room, &descriptor).await.unwrap();
    let runtime = Glance::new("runtime", "Runtime", Icon::new("https://example.com/i.png"));
    {
        let store = std::sync::Arc::new(SqliteStore::open(&store).unwrap());
        let policy = glance_sdk::egress::EgressPolicy::internet().allow_loopback();
        let installations = glance_sdk::client::Installations::with_policy(store, policy).unwrap();
        let client = installations.client(&installed.oauth_id).await.unwrap();
        client
            .room(room.id)
            .glances()
            .create(&runtime)
            .await
            .unwrap();
    }
    host.shutdown().await;
    serving.abort();
    let _ = serving.await;

    let host = start(port).await.unwrap();
    let again = add_on(&Pager::new(5)).store(SqliteStore::open(&store).unwrap());
    let server = again
        .listen("127.0.0.1", address.port(), None)
        .await
        .unwrap();
    let installations = server.add_on().installations().clone();
    tokio::spawn(server.run(std::future::pending()));

    let mut viewer = host.room("ops").await.viewer("member").await;
    assert_eq!(
        viewer.glance::<incidents>().await.label_text(),
        "5 incidents"
    );
    assert!(viewer.sidebar().line("runtime").is_some());
    let client = installations.client(&installed.oauth_id).await.unwrap();
    client
        .room(room.id)
        .push::<incidents>(data(6))
        .await
        .unwrap();
    viewer.label("incidents", "6 incidents").await;
}

#[tokio::test]
async fn update_stores_new_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("installations.sqlite");
    let start = || Host::builder().port(0).data(folder.path()).start();
    let serve = async || {
        let add_on = add_on(&Pager::new(4)).store(SqliteStore::open(&store).unwrap());
        let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
        let descriptor = format!("{}/", server.base_url());
        let installations = server.add_on().installations().clone();
        (
            descriptor,
            installations,
            tokio::spawn(server.run(std::future::pending())),
        )
    };

    let host = start().await.unwrap();
    let room = host.open_room("ops").await.unwrap();
    let (descriptor, _, serving) = serve().await;
    let installed = host.install(&room, &descriptor).await.unwrap();
    host.shutdown().await;
    serving.abort();

    let host = start().await.unwrap();
    let (descriptor, installations, _serving) = serve().await;
    let updated = host.update(&installed, &descriptor).await.unwrap();
    assert_eq!(updated.oauth_id, installed.oauth_id);
    let mut viewer = host.room("ops").await.viewer("member").await;
    viewer.glance::<incidents>().await;
    let client = installations.client(&installed.oauth_id).await.unwrap();
    client
        .room(room.id)
        .push::<incidents>(data(6))
        .await
        .unwrap();
    viewer.label("incidents", "6 incidents").await;
}

#[tokio::test]
async fn expired_unfinished_installation_is_removed_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::builder()
        .port(0)
        .data(folder.path())
        .start()
        .await
        .unwrap();
    let room = host.open_room("ops").await.unwrap();
    let server = add_on(&Pager::new(1))
        .listen("127.0.0.1", 0, None)
        .await
        .unwrap();
    let descriptor = format!("{}/", server.base_url());
    let serving = tokio::spawn(server.run(std::future::pending()));
    let mut pending = host.install(&room, &descriptor).await.unwrap();
    host.uninstall(&pending.oauth_id).await.unwrap();
    assert!(host.state().begin_installation(&pending, 0).await.unwrap());
    pending.descriptor.name = "unfinished".into();
    host.shutdown().await;
    serving.abort();

    let host = Host::builder()
        .port(0)
        .data(folder.path())
        .start()
        .await
        .unwrap();
    assert!(
        host.state()
            .installation(&pending.oauth_id)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn installation_is_in_store_files_when_installed() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("installations.sqlite");
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room
        .install(add_on(&Pager::new(1)).store(SqliteStore::open(&file).unwrap()))
        .await;
    // The store is still open: what is in its files now survives however the process ends.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let kept = SqliteStore::open(copy.path().join(file.file_name().unwrap()))
        .unwrap()
        .get(add_on.oauth_id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        kept.data.oauth_secret.expose(),
        add_on.installed().oauth_secret.expose()
    );
}
