use axum::http::Request;

use super::*;
use crate::model::{InstallationData, Secret};
use crate::store::{Endpoints, Installation, InstallationStore, MemoryStore};

fn key(secret: &str) -> SigningKey {
    SigningKey::new(&Secret::from(secret))
}

fn claims(iss: &str) -> Claims {
    Claims::new(iss.into(), now(), now() + 60)
}

/// Creates two installations, `one` and `other`, whose secrets are `secret of one` and `secret of
/// other`.
async fn installations() -> Installations {
    let store = MemoryStore::default();
    for id in ["one", "other"] {
        let secret = format!("secret of {id}");
        let data = InstallationData::new(id.into(), secret.into(), "", 1.into());
        let installation = Installation::new(data, Endpoints::new("", ""));
        store.put(&installation).await.unwrap();
    }
    Installations::new(Arc::new(store)).unwrap()
}

async fn judge(request: axum::http::request::Builder) -> Result<Claims, Rejection> {
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let installations = installations().await;
    let services = Arc::new(Services {
        base_url: crate::BaseUrl::stand_in(),
        pusher: Pusher::new(installations.clone()),
        background: Background::new(|| ()),
        installations,
        #[cfg(feature = "replay-cache")]
        replays: None,
    });
    match verify(&parts, &services).await {
        Ok(signed) => Ok(signed.claims().clone()),
        Err(Refusal::Token(rejection)) => Err(rejection),
        Err(Refusal::Failed(error)) => panic!("{error}"),
    }
}

fn in_address(token: &str) -> axum::http::request::Builder {
    Request::get(format!("/panel?theme=dark&signed_request={token}"))
}

fn in_header(token: &str) -> axum::http::request::Builder {
    Request::get("/panel").header("authorization", format!("JWT {token}"))
}

#[tokio::test]
async fn each_invalid_request_has_its_rejection() {
    let host = claims("one");
    let good = key("secret of one").sign(&host);
    assert_eq!(judge(in_address(&good)).await, Ok(host.clone()));
    let page = page_claims(&host, now());
    let page_token = key("secret of one").sign(&page);
    let stranger = key("secret of one").sign(&claims("stranger"));
    let of_other = key("secret of other").sign(&claims("one"));
    for scheme in ["JWT", "jwt", "Jwt", "JWT  ", "JWT token="] {
        let credentials = match scheme.ends_with('=') {
            true => format!("{scheme}{good}"),
            false => format!("{scheme} {good}"),
        };
        let request = Request::get("/panel").header("authorization", credentials);
        assert_eq!(judge(request).await, Ok(host.clone()), "{scheme}");
    }
    let beside_basic = Request::get("/panel")
        .header("authorization", "Basic eDp5")
        .header("authorization", format!("JWT {good}"));
    assert_eq!(judge(beside_basic).await, Ok(host.clone()));
    let encoded = good.replace('.', "%2E").replace('_', "%5f");
    assert_eq!(judge(in_address(&encoded)).await, Ok(host.clone()));
    for (request, rejection) in [
        (Request::get("/panel"), Rejection::Missing),
        (
            Request::get("/panel?unsigned_request=a.b.c"),
            Rejection::Missing,
        ),
        (
            Request::get("/panel").header("authorization", "Bearer a.b.c"),
            Rejection::Missing,
        ),
        (in_address(""), Rejection::Malformed),
        (
            in_address(&format!("{good}&signed_request={of_other}")),
            Rejection::Malformed,
        ),
        (in_address(&format!("{good}%3D")), Rejection::Signature),
        (in_address(&format!("{good}%20")), Rejection::Signature),
        (
            in_address(&stranger),
            Rejection::UnknownIssuer("stranger".into()),
        ),
        (in_address(&of_other), Rejection::Signature),
        (in_header(&good[..good.len() - 2]), Rejection::Signature),
        (in_header(&"x".repeat(1 << 20)), Rejection::TooLong),
        (in_address(&page_token), Rejection::PageToken),
    ] {
        assert_eq!(judge(request).await, Err(rejection));
    }
    assert_eq!(judge(in_header(&page_token)).await, Ok(page));
}

#[tokio::test]
async fn page_token_takes_precedence_over_host_token_in_url() {
    let old = key("secret of one").sign(&Claims::new("one".into(), 1_000, 4_600));
    let page = page_claims(&claims("one"), now());
    let token = key("secret of one").sign(&page);
    assert_eq!(judge(in_address(&old)).await, Err(Rejection::Expired));
    assert_eq!(
        judge(in_address(&old).header("x-acpt", token)).await,
        Ok(page)
    );
}

/// Routers stand for the processes of an add-on; one of them starts later.
#[cfg(feature = "replay-cache")]
#[tokio::test]
async fn request_used_in_one_process_is_refused_by_others() {
    use axum::body::Body;
    use axum::routing::post;
    use tower::ServiceExt as _;

    let store = Arc::new(MemoryStore::default());
    let data = InstallationData::new("one".into(), "secret".into(), "", 1.into());
    let installation = Installation::new(data, Endpoints::new("", ""));
    store.put(&installation).await.unwrap();
    let process = || {
        crate::AddOn::new("com.example.payments", "Payments")
            .store(Arc::clone(&store))
            .refuse_replays()
            .web_panel("pay", "Pay", post(async || "paid"))
            .build("http://127.0.0.1:1")
            .unwrap()
            .into_router()
    };
    let (one, other) = (process(), process());
    let pay = async |process: &axum::Router, token: &str| {
        let request = Request::post(format!("/panel/pay?signed_request={token}"));
        let request = request.body(Body::empty()).unwrap();
        process.clone().oneshot(request).await.unwrap().status()
    };
    let signed = |jti: &str| {
        let mut claims = claims("one");
        claims.jti = Some(jti.to_owned());
        key("secret").sign(&claims)
    };
    let (first, second) = (signed("first"), signed("second"));
    assert_eq!(pay(&one, &first).await, StatusCode::OK);
    for process in [&other, &other, &one, &process()] {
        assert_eq!(pay(process, &first).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(pay(&other, &second).await, StatusCode::OK);
    assert_eq!(pay(&one, &second).await, StatusCode::UNAUTHORIZED);
}
