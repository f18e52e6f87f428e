use async_trait::async_trait;
use glance_sdk::model::{Descriptor, Event};
use parking_lot::Mutex;

use super::*;
use crate::model::Group;
use crate::net::outbound::{AnswerLimits, NoAnswer, OutboundRequest, Transport};

/// Answers nothing, and keeps the latest request.
#[derive(Debug, Default)]
struct Offline(Mutex<Option<OutboundRequest>>);

#[async_trait]
impl Transport for Offline {
    async fn send(&self, request: OutboundRequest, _: AnswerLimits) -> Result<Answer, NoAnswer> {
        *self.0.lock() = Some(request);
        Err(NoAnswer::Unreachable("is offline".to_owned()))
    }
}

#[test]
fn token_is_added_to_any_url() {
    for (address, expected) in [
        (
            "https://a.example/x",
            "https://a.example/x?signed_request=t",
        ),
        ("https://a.example", "https://a.example/?signed_request=t"),
        (
            "https://a.example/x?",
            "https://a.example/x?signed_request=t",
        ),
        (
            "https://a.example/x?a=1&b",
            "https://a.example/x?a=1&b&signed_request=t",
        ),
        (
            "https://a.example/x?a=%20%2b+c;d",
            "https://a.example/x?a=%20%2b+c;d&signed_request=t",
        ),
        (
            "https://a.example/x?a=&&=",
            "https://a.example/x?a=&&=&signed_request=t",
        ),
        (
            "https://a.example/x?a=?/",
            "https://a.example/x?a=?/&signed_request=t",
        ),
        (
            "https://a.example/x#f",
            "https://a.example/x?signed_request=t#f",
        ),
        (
            "https://a.example/x?a=1#f?g=2",
            "https://a.example/x?a=1&signed_request=t#f?g=2",
        ),
        (
            "HTTPS://A.Example:443/X",
            "https://a.example/X?signed_request=t",
        ),
        (
            "http://a.example:443/",
            "http://a.example:443/?signed_request=t",
        ),
        (
            "http://[::1]:8080/x",
            "http://[::1]:8080/x?signed_request=t",
        ),
        (
            "https://a.example/b/../c/./d%2F..",
            "https://a.example/c/d%2F..?signed_request=t",
        ),
        (
            "https://me:pw@a.example/x",
            "https://me:pw@a.example/x?signed_request=t",
        ),
    ] {
        let mut url = web_url(address).unwrap();
        append(&mut url, SIGNED_REQUEST, "t");
        assert_eq!(url.as_str(), expected, "{address}");
    }
    for address in [
        "ftp://a.example/",
        "javascript:alert(1)",
        "/x",
        "//a.example/x",
        "",
    ] {
        assert!(web_url(address).is_err(), "{address}");
    }
}

#[tokio::test]
async fn webhook_has_one_authorization_header() {
    let installed = Installed {
        oauth_id: "id".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: "http://127.0.0.1:1/".to_owned(),
        descriptor: Descriptor::new("key", "Name", "http://127.0.0.1:1/"),
    };
    let info = Arc::new(HostInfo {
        base_url: "http://127.0.0.1:4400".to_owned(),
        origins: Vec::new(),
        address: ([127, 0, 0, 1], 4400).into(),
        group: Group {
            id: 1.into(),
            name: "Group".to_owned(),
        },
        product: "HipChat".to_owned(),
    });
    for (site, scheme) in [
        ("", "JWT "),
        ("me:pw@", "Basic bWU6cHc="),
        ("me@", "Basic bWU6"),
    ] {
        let transport = Arc::new(Offline::default());
        let outbound = Outbound::new(Arc::clone(&transport) as Arc<dyn Transport>);
        let calls = AddOnCalls::new(
            Arc::clone(&info),
            outbound,
            Arc::default(),
            Clock::default(),
        );
        let mut declared = Webhook::new(Event::RoomMessage, format!("http://{site}127.0.0.1:1/x"));
        declared.authentication = Some(Authentication::Jwt);
        let call = calls
            .webhook((&installed).into(), &declared, 1.into(), None)
            .unwrap();
        call.send(QUERY_TIMEOUT, 0).await.unwrap_err();
        let request = transport.0.lock().take().unwrap();
        let all = request.headers.get_all(AUTHORIZATION).iter();
        let all: Vec<_> = all.map(|value| value.to_str().unwrap()).collect();
        assert_eq!(all.len(), 1, "{site}: {all:?}");
        assert!(all[0].starts_with(scheme), "{site}: {all:?}");
        let query = request.url.query().unwrap();
        assert!(query.starts_with("signed_request="));
    }
}
