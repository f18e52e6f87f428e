//! Tests the tokens per set of scopes, and installations that their host no longer knows.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use axum::extract::RawForm;

use super::*;
use crate::model::Scope;
use crate::store::{InstallationStore as _, MemoryStore};

/// A host that records the requested scopes and can refuse secrets.
#[derive(Default)]
struct Guard {
    requests: Mutex<Vec<String>>,
    refuses: AtomicBool,
    pushes: AtomicU32,
}

impl Guard {
    async fn serve(self: &Arc<Self>) -> Client {
        let (tokens, pushes) = (Arc::clone(self), Arc::clone(self));
        let token = async move |RawForm(form): RawForm| {
            let form = String::from_utf8(form.to_vec()).unwrap();
            let mut requests = tokens.requests.lock().unwrap();
            requests.push(form.replace("grant_type=client_credentials", ""));
            if tokens.refuses.load(Ordering::SeqCst) {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            let token = format!("t{}", requests.len());
            axum::Json(json!({ "access_token": token, "expires_in": 3600 })).into_response()
        };
        let push = async move || {
            pushes.pushes.fetch_add(1, Ordering::SeqCst);
            match pushes.refuses.load(Ordering::SeqCst) {
                true => StatusCode::UNAUTHORIZED,
                false => StatusCode::NO_CONTENT,
            }
        };
        let router = Router::new()
            .route("/v2/oauth/token", post(token))
            .route("/v2/addon/ui", post(push));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        client(&base)
    }

    fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_set_of_scopes_has_one_token() {
    let guard = Arc::new(Guard::default());
    let client = guard.serve().await;
    let pushes: Vec<_> = (0..40)
        .map(|nth| {
            let client = match nth % 4 {
                0 => client.clone(),
                1 => client.with_scopes([]),
                2 => client.with_scopes([Scope::ViewRoom, Scope::ViewGroup]),
                _ => client.with_scopes([Scope::ViewGroup, Scope::ViewRoom, Scope::ViewGroup]),
            };
            tokio::spawn(async move { push(&client).await })
        })
        .collect();
    for pushed in pushes {
        pushed.await.unwrap().unwrap();
    }
    let mut requests = guard.requests.lock().unwrap().clone();
    requests.sort();
    assert_eq!(requests, ["", "&scope=view_group+view_room"]);
}

#[tokio::test]
async fn refused_secret_is_not_sent_again() {
    let guard = Arc::new(Guard::default());
    let store = Arc::new(MemoryStore::default());
    store.put(guard.serve().await.installation()).await.unwrap();
    let installations = Installations::new(Arc::clone(&store) as _).unwrap();
    let id = "id".into();
    let client = installations.client(&id).await.unwrap();
    push(&client).await.unwrap();
    assert!(!client.is_gone() && installations.gone().is_empty());

    guard.refuses.store(true, Ordering::SeqCst);
    let pusher = Pusher::new(installations.clone());
    for nth in 0..5 {
        pusher
            .push_raw(&id, To::Group, "g", json!({ "nth": nth }))
            .unwrap();
        pusher.flush().await;
    }
    assert_eq!(pusher.pushed().dropped, 5);
    assert_eq!(
        guard.requests(),
        2,
        "one token that held, one that was refused"
    );
    assert_eq!(guard.pushes.load(Ordering::SeqCst), 2);
    let narrow = client.with_scopes([Scope::ViewRoom]);
    assert_eq!(
        push(&narrow).await.unwrap_err().kind(),
        ErrorKind::Unauthorized
    );
    assert_eq!(guard.requests(), 2, "nor for other scopes");
    assert!(client.is_gone());
    assert_eq!(installations.gone(), std::slice::from_ref(&id));
    assert!(
        installations.get(&id).await.unwrap().is_some(),
        "the record stays"
    );

    // A new installation, here or in another process, clears the mark at once.
    guard.refuses.store(false, Ordering::SeqCst);
    let mut anew = client.installation().clone();
    anew.data.oauth_secret = "another".into();
    store.remove(&id).await.unwrap();
    store.put(&anew).await.unwrap();
    push(&installations.client(&id).await.unwrap())
        .await
        .unwrap();
    assert!(installations.gone().is_empty());

    assert!(installations.remove(&id).await.unwrap());
    let error = installations.client(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotInstalled);
}

#[tokio::test]
async fn processes_with_one_store_share_token() {
    let host = host(3600);
    let store = Arc::new(MemoryStore::default());
    store.put(host.serve().await.installation()).await.unwrap();
    let id = "id".into();
    let process = async || {
        let installations = Installations::new(Arc::clone(&store) as _).unwrap();
        installations.client(&id).await.unwrap()
    };
    let tokens = || host.tokens.load(Ordering::SeqCst);
    let (one, other) = (process().await, process().await);
    for client in [&one, &other, &one] {
        push(client).await.unwrap();
    }
    assert_eq!(tokens(), 1);
    push(&one.with_scopes([Scope::ViewRoom])).await.unwrap();
    assert_eq!(tokens(), 2, "one for each set of scopes");
    push(&other.with_scopes([Scope::ViewRoom])).await.unwrap();
    assert_eq!(tokens(), 2);

    // The first process whose token is refused requests a new one, and the other finds it.
    host.revoked.store(2, Ordering::SeqCst);
    for client in [&one, &other, &process().await] {
        push(client).await.unwrap();
    }
    assert_eq!(tokens(), 3);

    // Removing the installation removes its shared tokens.
    store.remove(&id).await.unwrap();
    store.put(one.installation()).await.unwrap();
    push(&process().await).await.unwrap();
    assert_eq!(tokens(), 4);
}

#[tokio::test]
async fn token_of_one_host_is_not_sent_to_another() {
    let (host, stranger) = (host(3600), host(3600));
    let store = Arc::new(MemoryStore::default());
    let installation = host.serve().await.installation().clone();
    store.put(&installation).await.unwrap();
    let id = "id".into();
    let process = async || {
        let installations = Installations::new(Arc::clone(&store) as _).unwrap();
        installations.client(&id).await.unwrap()
    };
    push(&process().await).await.unwrap();
    let mut moved = installation;
    moved.endpoints = stranger.serve().await.installation().endpoints.clone();
    store.put(&moved).await.unwrap();
    push(&process().await).await.unwrap();
    assert_eq!(host.tokens.load(Ordering::SeqCst), 1);
    assert_eq!(stranger.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn token_that_expires_soon_is_not_shared() {
    let host = host(0);
    let store = Arc::new(MemoryStore::default());
    store.put(host.serve().await.installation()).await.unwrap();
    for number in 1..3 {
        let installations = Installations::new(Arc::clone(&store) as _).unwrap();
        push(&installations.client(&"id".into()).await.unwrap())
            .await
            .unwrap();
        assert_eq!(host.tokens.load(Ordering::SeqCst), number);
    }
}

#[tokio::test]
async fn refused_call_alone_does_not_mark_installation_gone() {
    let host = host(3600);
    let client = host.serve().await;
    host.revoked.store(u32::MAX, Ordering::SeqCst);
    assert_eq!(
        push(&client).await.unwrap_err().kind(),
        ErrorKind::Unauthorized
    );
    assert!(!client.is_gone());
}
