//! Tests the metrics of requests.

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::get;
use tower::ServiceExt as _;

use crate::AddOn;
use crate::auth::{SigningKey, now};
use crate::extract::InstanceId;
use crate::model::{Claims, Context, GlanceData, InstallationData, Label};
use crate::store::{Endpoints, Installation, InstallationStore as _, MemoryStore};
use crate::test_recorder::TestRecorder;

const SECRET: &str = "secret";

#[crate::glance(key = "builds", name = "Builds", icon = "/i.svg", crate = crate)]
async fn builds() -> GlanceData {
    GlanceData::new(Label::text("3 builds"))
}

#[crate::glance(key = "deploy", name = "Deployment", icon = "/i.svg", crate = crate)]
async fn deploy(InstanceId(id): InstanceId) -> GlanceData {
    GlanceData::new(Label::text(&id))
}

fn signed() -> String {
    let mut claims = Claims::new("one".into(), now(), now() + 60);
    claims.context = Some(Context {
        room_id: Some(42.into()),
        ..Context::default()
    });
    SigningKey::new(&SECRET.into()).sign(&claims)
}

// The test runs on one thread, because the recorder belongs to that thread.
#[tokio::test]
async fn requests_are_counted_by_declared_key() {
    let recorder = TestRecorder::default();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let store = MemoryStore::default();
    let data = InstallationData::new("one".into(), SECRET.into(), "", 1.into());
    let installation = Installation::new(data, Endpoints::new("", ""));
    store.put(&installation).await.unwrap();
    let router = AddOn::new("com.example.builds", "Builds")
        .store(store)
        .glance::<builds>()
        .runtime_glance::<deploy>()
        .web_panel("list", "List", get(async || "builds"))
        .asset("/i.svg", "image/svg+xml", "<svg/>")
        .build("http://127.0.0.1:1")
        .unwrap()
        .into_router();
    let token = signed();
    let call = async |method: &str, path: &str, token: &str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}?signed_request={token}"))
            .header("content-type", "application/json")
            .body(Body::from("{}"))
            .unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    };
    for (method, path, token, status) in [
        ("GET", "/glance/builds", token.as_str(), 200),
        ("GET", "/glance/builds", "a.b.c", 401),
        ("GET", "/glance/builds", "d.e.f", 401),
        ("GET", "/panel/list", &token, 200),
        ("POST", "/panel/list", &token, 405),
        ("POST", "/installed", "", 400),
        ("POST", "/updated", "", 400),
        ("DELETE", "/installed/nobody", "", 204),
        ("DELETE", "/installed/nobody-else", "", 204),
        // The add-on does not declare these keys.
        ("GET", "/glance/other", &token, 404),
        ("GET", "/", "", 200),
        ("GET", "/i.svg", "", 200),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(call(method, path, token).await, status, "{method} {path}");
    }
    for number in 0..20 {
        let path = format!("/glance/deploy/{number}");
        assert_eq!(call("GET", &path, &token).await, StatusCode::OK);
    }
    let recorded = recorder.all();
    let recorded: Vec<_> = recorded
        .iter()
        .filter(|(name, _)| name.starts_with("glance_request"))
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(
        recorded,
        [
            ("glance_request_seconds kind=install", 1),
            ("glance_request_seconds kind=page", 2),
            ("glance_request_seconds kind=query", 23),
            ("glance_request_seconds kind=remove", 2),
            ("glance_request_seconds kind=update", 1),
            ("glance_requests_total kind=install key= status=4xx", 1),
            (
                "glance_requests_total kind=page key=/panel/list status=2xx",
                1
            ),
            (
                "glance_requests_total kind=page key=/panel/list status=4xx",
                1
            ),
            ("glance_requests_total kind=query key=builds status=2xx", 1),
            ("glance_requests_total kind=query key=builds status=4xx", 2),
            ("glance_requests_total kind=query key=deploy status=2xx", 20),
            ("glance_requests_total kind=remove key= status=2xx", 2),
            ("glance_requests_total kind=update key= status=4xx", 1),
        ]
    );
}
