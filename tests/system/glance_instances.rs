//! Tests several runtime glances of one kind.

use std::sync::Arc;

use glance_host::Host;
use glance_host::testing::TestAddOn;
use glance_sdk::ErrorKind;
use glance_sdk::client::{Client, Instance};
use glance_sdk::egress::EgressPolicy;
use glance_sdk::extract::InstanceId;
use glance_sdk::prelude::*;
use glance_sdk::store::MemoryStore;

#[derive(Serialize, GlanceMetadata)]
struct Progress {
    percent: u32,
}

#[glance(key = "deploy", name = "Deployment", icon = "/i.svg", when(percent < 100))]
async fn deploy(query: GlanceQuery, InstanceId(id): InstanceId) -> GlanceData<Progress> {
    data(&format!("{id} in {}", query.room_id()), 0)
}

fn data(label: &str, percent: u32) -> GlanceData<Progress> {
    GlanceData::new(label!("{label}")).metadata(Progress { percent })
}

fn add_on() -> AddOn {
    AddOn::new("com.example.deploys", "Deployments")
        .runtime_glance::<deploy>()
        .asset(
            "/i.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
}

fn instance(id: &str) -> Instance<deploy> {
    Instance::new(id).unwrap()
}

#[tokio::test]
async fn each_instance_has_its_own_query_and_pushes() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let client = add_on.client().await;
    let id = room.room.id;
    let mut viewer = room.viewer("ann").await;
    let (first, second) = (
        instance("1234"),
        instance("v2.0_b").name("Second").weight(7),
    );
    for instance in [&first, &second] {
        client
            .room(id)
            .glances()
            .create_instance(instance)
            .await
            .unwrap();
        let label = format!("{} in {id}", instance.id());
        viewer.label(instance.key(), &label).await;
    }
    let sidebar = viewer.settled().await;
    let names: Vec<_> = sidebar
        .lines
        .iter()
        .map(|line| line.name.as_str())
        .collect();
    assert_eq!(names, ["Second", "Deployment"]);

    client
        .room(id)
        .push_instance(&first, data("half", 50))
        .await
        .unwrap();
    viewer.label("deploy.1234", "half").await;
    let pusher: &Pusher = add_on.pusher();
    pusher
        .push_instance(add_on.oauth_id(), To::Room(id), &second, data("done", 100))
        .unwrap();
    // The condition applies to each instance.
    viewer
        .wait_for(|sidebar| sidebar.line("deploy.v2.0_b").is_none())
        .await;
    assert_eq!(
        viewer.sidebar().line("deploy.1234").unwrap().label_text(),
        "half"
    );

    client.room(id).glances().remove(first.key()).await.unwrap();
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn query_without_id_is_refused() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let client = add_on.client().await;
    client
        .room(room.room.id)
        .glances()
        .create_registered::<deploy>()
        .await
        .unwrap();
    let mut viewer = room.viewer("ann").await;
    let sidebar = viewer.settled().await;
    let line = format!("{:?}", sidebar.line("deploy").unwrap().state);
    assert!(!line.contains("Ready"), "{line}");
}

#[test]
fn invalid_instance_ids_are_refused() {
    for id in ["", ".", "..", "a b", "a/b", "ä", &"x".repeat(34)] {
        let error = Instance::<deploy>::new(id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("`deploy`"), "{error}");
    }
    assert_eq!(instance(&"x".repeat(33)).key().len(), 40);
    assert_eq!(instance("a.b").id(), "a.b");
}

/// Creates a client in a process that shares the store without serving the add-on.
async fn worker(store: &Arc<MemoryStore>, add_on: &TestAddOn, knows_base_url: bool) -> Client {
    let policy = EgressPolicy::internet().allow_loopback();
    let mut installations = Installations::with_policy(Arc::clone(store) as _, policy).unwrap();
    if knows_base_url {
        installations = installations.with_base_url(add_on.base_url().parse().unwrap());
    }
    installations.client(add_on.oauth_id()).await.unwrap()
}

#[tokio::test]
async fn other_process_creates_instances() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let store = Arc::new(MemoryStore::default());
    let add_on = room.install(add_on().store(Arc::clone(&store))).await;
    let mut viewer = room.viewer("ann").await;

    let blind = worker(&store, &add_on, false).await;
    let refused = blind
        .room(room.room.id)
        .glances()
        .create_instance(&instance("1"))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);

    let worker = worker(&store, &add_on, true).await;
    worker
        .room(room.room.id)
        .glances()
        .create_instance(&instance("1"))
        .await
        .unwrap();
    viewer
        .label("deploy.1", &format!("1 in {}", room.room.id))
        .await;
    let created = worker
        .room(room.room.id)
        .glances()
        .get("deploy.1")
        .await
        .unwrap();
    let query_url = format!("{}/glance/deploy/1", add_on.base_url());
    assert_eq!(created.query_url, Some(query_url));
    assert_eq!(created.conditions().len(), 1, "the condition of the kind");
}
