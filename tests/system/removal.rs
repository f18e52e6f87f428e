//! Tests the removal of an installation: how a host proves it to an add-on, and how it ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use glance_host::Clock;
use glance_host::Host;
use glance_host::storage::Effects;
use glance_host::testing::{Fault, FaultHost, Purpose, TestAddOn, TestRoom};
use glance_sdk::auth::{SigningKey, Token, is_uninstall, now, uninstall_claims};
use glance_sdk::axum::extract::{Path, State};
use glance_sdk::axum::http::HeaderMap;
use glance_sdk::axum::routing::{delete, get, post};
use glance_sdk::axum::{Json, Router};
use glance_sdk::client::Method;
use glance_sdk::model::{Claims, OauthId};
use glance_sdk::store::{Installation, InstallationStore, MemoryStore, SqliteStore};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::add_on::{Pager, add_on, incidents};
use crate::by_hand::{descriptor, serve};

/// An add-on that records the runs of `on_uninstall`.
struct Scene {
    host: FaultHost,
    room: TestRoom,
    add_on: TestAddOn,
    store: Arc<MemoryStore>,
    removed: watch::Receiver<Vec<OauthId>>,
}

impl Scene {
    async fn set() -> Self {
        let host = FaultHost::start().await;
        let room = host.room("ops").await;
        let store = Arc::new(MemoryStore::default());
        let (removed, hears) = noting();
        let add_on = add_on(&Pager::new(4))
            .store(Arc::clone(&store))
            .on_uninstall(removed);
        Self {
            add_on: room.install(add_on).await,
            host,
            room,
            store,
            removed: hears,
        }
    }

    fn id(&self) -> &OauthId {
        self.add_on.oauth_id()
    }

    fn secret(&self) -> SigningKey {
        SigningKey::new(&self.add_on.installed().oauth_secret)
    }

    fn url(&self, id: &str) -> String {
        format!("{}/installed/{id}", self.add_on.base_url())
    }

    /// Returns the number of token requests of the add-on.
    fn questions(&self) -> usize {
        let calls = self.host.calls();
        let tokens = calls.iter().filter(|call| call.purpose == Purpose::Token);
        tokens.count()
    }
}

type Hook<S> = Box<dyn Fn(S, Installation) -> std::future::Ready<Result<(), String>> + Send + Sync>;

/// Returns a hook and its records.
fn noting<S>() -> (Hook<S>, watch::Receiver<Vec<OauthId>>) {
    let (removed, hears) = watch::channel(Vec::new());
    let hook = move |_: S, gone: Installation| {
        removed.send_modify(|removed| removed.push(gone.oauth_id().clone()));
        std::future::ready(Ok(()))
    };
    (Box::new(hook), hears)
}

/// People who open a panel, and recipients of webhooks, have a token of the installation, and
/// everybody knows its id.
#[tokio::test]
async fn tokens_of_people_do_not_remove_installation() {
    let scene = Scene::set().await;
    let (key, now) = (scene.secret(), now());
    let id = scene.id().clone();
    let opened = scene
        .host
        .panel_url(&scene.room.room, scene.add_on.installed(), "list");
    let opened = opened.await.unwrap();
    let (_, signed_request) = opened.split_once("signed_request=").unwrap();
    let signed_request = signed_request.split('&').next().unwrap();
    let mut webhook = Claims::new(id.clone(), now, now + 3600);
    webhook.sub = Some("0".to_owned());
    webhook.prn = webhook.sub.clone();
    let mut page = Claims::new(id.clone(), now, now + 900);
    page.extra
        .insert("glance_page_since".to_owned(), now.into());
    let good = uninstall_claims(id.clone(), now);
    let mut of_a_person = good.clone();
    of_a_person.sub = Some("1".to_owned());
    let expired = uninstall_claims(id.clone(), now - 3600);
    let stranger = SigningKey::new(&"another secret".into());

    let header = |token: &str| (Some(format!("JWT {token}")), String::new());
    let query = |token: &str| (None, format!("?signed_request={token}"));
    let requests = [
        ("nothing", (None, String::new())),
        ("a signed request in the address", query(signed_request)),
        ("a signed request in the header", header(signed_request)),
        ("a webhook's token", header(&key.sign(&webhook))),
        ("a page's own token", header(&key.sign(&page))),
        ("an uninstall token in the address", query(&key.sign(&good))),
        (
            "an uninstall token of a person",
            header(&key.sign(&of_a_person)),
        ),
        ("an expired uninstall token", header(&key.sign(&expired))),
        (
            "an uninstall token of another secret",
            header(&stranger.sign(&good)),
        ),
        (
            "an uninstall token of another installation",
            header(&key.sign(&uninstall_claims("other".into(), now))),
        ),
        (
            "a bearer",
            (Some(format!("Bearer {}", key.sign(&good))), String::new()),
        ),
        ("nonsense", header("a.b.c")),
    ];
    let before = scene.questions();
    for (what, (authorization, query)) in requests {
        let url = format!("{}{query}", scene.url(id.as_str()));
        let mut request = glance_host::testing::http_client().delete(url);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{what}");
        let stored = scene.store.get(&id).await.unwrap();
        assert!(stored.is_some(), "{what} removed it");
    }
    scene
        .host
        .call(|call| call.purpose == Purpose::Token && call.n > 3)
        .await;
    let check = scene.store.removal_check(&id).await.unwrap().unwrap();
    assert_eq!(
        scene.questions() - before,
        1,
        "one question a minute: {check:?}"
    );
    assert!(check.due_at.is_some(), "asked again later: {check:?}");

    let unknown = glance_host::testing::http_client()
        .delete(scene.url("nobody"))
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), StatusCode::NO_CONTENT);
    for odd in ["a%2Fb", "a..b", "%00", "a%25b", &"x".repeat(300)] {
        let odd = glance_host::testing::http_client()
            .delete(scene.url(odd))
            .send()
            .await
            .unwrap();
        assert_eq!(odd.status(), StatusCode::NO_CONTENT, "{odd:?}");
    }
    let mut viewer = scene.room.viewer("member").await;
    viewer.glance::<incidents>().await;
    assert!(scene.removed.borrow().is_empty());

    assert!(scene.host.uninstall(&id).await.unwrap());
    assert_eq!(
        *scene.removed.borrow(),
        [id],
        "the host's own word removes it"
    );
}

#[tokio::test]
async fn uninstall_token_opens_nothing() {
    let scene = Scene::set().await;
    let token = scene
        .secret()
        .sign(&uninstall_claims(scene.id().clone(), now()));
    for path in ["/glance/incidents", "/panel/list"] {
        let url = format!("{}{path}", scene.add_on.base_url());
        let in_address = glance_host::testing::http_client()
            .get(&url)
            .query(&[("signed_request", &token)]);
        let in_header = glance_host::testing::http_client()
            .get(&url)
            .header("authorization", format!("JWT {token}"));
        for request in [in_address, in_header] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
    }
}

/// Like a host of an earlier version, which does not sign removals.
#[tokio::test]
async fn unsigned_removal_needs_refusal_of_secret() {
    let mut scene = Scene::set().await;
    let id = scene.id().clone();
    assert!(scene.host.state().remove_installation(&id).await.unwrap());
    let answer = glance_host::testing::http_client()
        .delete(scene.url(id.as_str()))
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), StatusCode::NO_CONTENT);
    let removed = scene.removed.wait_for(|removed| !removed.is_empty()).await;
    assert_eq!(removed.unwrap().first(), Some(&id));
    assert!(scene.store.get(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn removal_check_survives_restart_of_add_on() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("add-on.sqlite");
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    let installed = room
        .install(add_on(&Pager::new(4)).store(Arc::clone(&store)))
        .await;
    let id = installed.oauth_id().clone();
    // The question was due when the add-on was down; meanwhile the host removed the installation.
    installed.stop().await;
    let check = store.removal_check(&id).await.unwrap().unwrap();
    let mut due = check.clone();
    (due.attempts, due.asked_at, due.due_at) = (2, Some(now() - 600), Some(now() - 1));
    assert!(store.set_removal_check(&id, &check, &due).await.unwrap());
    assert!(host.state().remove_installation(&id).await.unwrap());

    let (hook, mut removed) = noting();
    let again = add_on(&Pager::new(4))
        .store(SqliteStore::open(&file).unwrap())
        .on_uninstall(hook);
    let server = again.listen("127.0.0.1", 0, None).await.unwrap();
    tokio::spawn(server.run(std::future::pending()));
    let removed = removed.wait_for(|removed| !removed.is_empty()).await;
    assert_eq!(removed.unwrap().first(), Some(&id));
    assert!(store.get(&id).await.unwrap().is_none());
}

/// An add-on without the SDK that records removals, and whose responses a test controls.
#[derive(Clone, Default)]
struct Witness {
    installed: Arc<Mutex<Vec<Value>>>,
    removals: watch::Sender<Vec<(String, String)>>,
    status: Arc<Mutex<u16>>,
    /// If set, the next response to a removal waits for a permit.
    held: Arc<Mutex<Option<Arc<Semaphore>>>>,
}

impl Witness {
    async fn serve(&self) -> String {
        *self.status.lock().unwrap() = 204;
        let witness = self.clone();
        serve(move |base| {
            let mut descriptor = descriptor(base);
            let url = format!("{base}/glance");
            descriptor["capabilities"]["glance"] = json!([{
                "key": "line", "name": { "value": "Line" }, "queryUrl": url,
                "icon": { "url": url, "url@2x": url },
            }]);
            let installed = async |State(witness): State<Witness>, Json(data): Json<Value>| {
                witness.installed.lock().unwrap().push(data);
            };
            Router::new()
                .route("/", get(async || Json(descriptor)))
                .route("/installed", post(installed))
                .route("/installed/{id}", delete(removed))
                .with_state(witness)
        })
        .await
    }

    fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// Returns the tokens of the removals after this number of them.
    async fn removals(&self, number: usize) -> Vec<(String, String)> {
        let mut removals = self.removals.subscribe();
        let removals = removals.wait_for(|removals| removals.len() >= number);
        removals.await.unwrap().clone()
    }

    fn secret(&self) -> String {
        let installed = self.installed.lock().unwrap();
        installed.last().unwrap()["oauthSecret"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

async fn removed(
    State(witness): State<Witness>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> StatusCode {
    let authorization = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    let authorization = authorization.unwrap_or_default().to_owned();
    witness
        .removals
        .send_modify(|removals| removals.push((id, authorization)));
    let held = witness.held.lock().unwrap().take();
    if let Some(held) = held {
        held.acquire().await.unwrap().forget();
    }
    StatusCode::from_u16(*witness.status.lock().unwrap()).unwrap()
}

/// Tests the requests of an add-on during its removal, and the proof that it receives.
#[tokio::test]
async fn removal_is_signed_and_ends_access() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let witness = Witness::default();
    let url = witness.serve().await;
    let installed = room.install_url(&url).await.unwrap();
    let id = installed.oauth_id.clone();
    let mut viewer = room.viewer("member").await;
    viewer
        .wait_for(|sidebar| sidebar.line("line").is_some())
        .await;
    let ask = || {
        let secret = witness.secret();
        let request =
            glance_host::testing::http_client().post(format!("{}/v2/oauth/token", host.base_url()));
        let request = request.basic_auth(&id, Some(secret));
        request.form(&[("grant_type", "client_credentials")]).send()
    };
    let token: Value = ask().await.unwrap().json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let rooms = || {
        let url = format!("{}/v2/room/{}", host.base_url(), room.room.id);
        glance_host::testing::http_client()
            .get(url)
            .bearer_auth(token)
            .send()
    };
    assert_eq!(rooms().await.unwrap().status(), StatusCode::OK);

    let held = Arc::new(Semaphore::new(0));
    *witness.held.lock().unwrap() = Some(Arc::clone(&held));
    let leaving = async {
        let removals = witness.removals(1).await;
        assert_eq!(ask().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!(rooms().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
        let state = host.state();
        assert!(
            state
                .installations_in(room.room.id)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(state.installation(&id).await.unwrap().is_none());
        assert_eq!(state.count_installations().await.unwrap(), 0);
        assert_eq!(state.leaving(None, 9).await.unwrap().len(), 1);
        // An installation that is being removed blocks nobody.
        room.install_url(&url).await.unwrap();
        held.add_permits(1);
        removals
    };
    let (removed, removals) = tokio::join!(host.uninstall(&id), leaving);
    assert!(removed.unwrap());
    assert!(host.state().leaving(None, 9).await.unwrap().is_empty());

    let [(of, authorization)] = &removals[..] else {
        panic!("{removals:?}")
    };
    assert_eq!(*of, id.to_string());
    let token = authorization.strip_prefix("JWT ").unwrap();
    let key = SigningKey::new(&installed.oauth_secret);
    let claims = Token::parse(token).unwrap().verify(&key, now()).unwrap();
    assert!(is_uninstall(&claims), "{claims:?}");
    assert_eq!((claims.sub, claims.prn, claims.context), (None, None, None));
    assert_eq!(claims.extra["act"], "uninstall");
    assert_eq!(claims.exp.unwrap() - claims.iat.unwrap(), 60);
}

#[tokio::test]
async fn removal_is_retried_for_a_day() {
    let clock = Clock::standing_at(1_700_000_000);
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    let witness = Witness::default();
    let url = witness.serve().await;
    let leaving = async || host.state().leaving(None, 9).await.unwrap().len();
    let settled = async |number: usize| {
        while leaving().await != number {
            tokio::task::yield_now().await;
        }
    };

    let installed = room.install_url(&url).await.unwrap();
    witness.answers(503);
    assert!(host.uninstall(&installed.oauth_id).await.unwrap());
    assert_eq!(leaving().await, 1);
    witness.answers(500);
    clock.advance(Duration::from_secs(5 * 60));
    witness.removals(2).await;
    settled(0).await;

    let installed = room.install_url(&url).await.unwrap();
    witness.answers(502);
    assert!(host.uninstall(&installed.oauth_id).await.unwrap());
    clock.advance(Duration::from_secs(24 * 60 * 60));
    settled(0).await;
    assert_eq!(witness.removals(3).await.len(), 3, "not told after a day");
}

#[tokio::test]
async fn removals_continue_after_restart_of_host() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Host::builder().port(0).data(folder.path()).start();
    let host = start().await.unwrap();
    let room = host.room("ops").await;
    let witness = Witness::default();
    let url = witness.serve().await;
    let installed = room.install_url(&url).await.unwrap();
    // As if the host ended during the call to the add-on.
    let state = host.state();
    let gone = state
        .leave(&installed.oauth_id, now(), Box::new(|_| Effects::none()))
        .await
        .unwrap();
    assert!(gone.is_some());
    // And one during which the add-on may have accepted the installation.
    let mut unfinished = installed.clone();
    unfinished.oauth_id = "unfinished".into();
    assert!(state.begin_installation(&unfinished, 0).await.unwrap());
    host.shutdown().await;

    let host = start().await.unwrap();
    let removals = witness.removals(2).await;
    let mut ids: Vec<_> = removals.iter().map(|(id, _)| id.clone()).collect();
    ids.sort();
    let mut expected = [installed.oauth_id.to_string(), "unfinished".to_owned()];
    expected.sort();
    assert_eq!(ids, expected);
    while !host.state().leaving(None, 9).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// The host does not know whether the add-on accepted the installation, and therefore removes it
/// again.
#[tokio::test]
async fn lost_response_to_installation_causes_removal() {
    let host = FaultHost::start().await;
    let room = host.room("ops").await;
    let (hook, mut removed) = noting();
    let lost = host.inject(Fault::lost_answer().at_add_ons().on(Method::Post, "/**"));
    let add_on = add_on(&Pager::new(1)).on_uninstall(hook);
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let installations = server.add_on().installations().clone();
    let descriptor = format!("{}/", server.base_url());
    tokio::spawn(server.run(std::future::pending()));
    room.install_url(&descriptor).await.unwrap_err();
    drop(lost);
    let removed = removed.wait_for(|removed| !removed.is_empty()).await;
    assert_eq!(removed.unwrap().len(), 1);
    assert!(installations.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn deleted_room_removes_its_installations() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let witness = Witness::default();
    let url = witness.serve().await;
    let installed = room.install_url(&url).await.unwrap();
    let stays = other.install_url(&url).await.unwrap();
    host.delete_room(&room.room).await.unwrap();
    let removals = witness.removals(1).await;
    assert_eq!(removals.len(), 1);
    assert_eq!(removals[0].0, installed.oauth_id.to_string());
    let token = removals[0].1.strip_prefix("JWT ").unwrap();
    let key = SigningKey::new(&installed.oauth_secret);
    let claims = Token::parse(token).unwrap().verify(&key, now()).unwrap();
    assert!(is_uninstall(&claims));
    let stays = host.state().installation(&stays.oauth_id).await.unwrap();
    assert!(stays.is_some());
}
