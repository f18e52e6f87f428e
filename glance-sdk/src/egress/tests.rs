//! Tests the policy alone, and a client under it against local servers.
#![cfg(feature = "server")]

mod sockets;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use proptest::prelude::*;
use reqwest::Method;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpListener;

use super::*;

fn policy(allowed: &[&str]) -> EgressPolicy {
    let networks = allowed.iter().map(|network| network.parse().unwrap());
    EgressPolicy::internet().allow_networks(networks)
}

fn refused(policy: &EgressPolicy, url: &str) -> bool {
    policy.check_url(&Url::parse(url).unwrap()).is_err()
}

#[test]
fn all_networks_of_the_tables_parse() {
    assert_eq!(NETWORKS.reserved.len(), RESERVED.len());
    assert_eq!(NETWORKS.forbidden.len(), FORBIDDEN.len());
    assert!(NETWORKS.assigned.is_some());
    assert_eq!(EgressPolicy::internet().allow_loopback().allowed.len(), 2);
    assert_eq!(EgressPolicy::any_network().allowed.len(), 2);
}

#[test]
fn policy_allows_internet_only() {
    let policy = policy(&[]);
    for ip in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.3.1",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
        "2002:101:101::1",
    ] {
        assert_eq!(policy.check(ip.parse().unwrap()), Ok(()), "{ip}");
    }
    for ip in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "2002:c0a8:101::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(policy.check(ip.parse().unwrap()).is_err(), "{ip}");
    }
}

#[test]
fn refusal_names_network() {
    for (ip, expected) in [
        ("10.1.2.3", "10.0.0.0/8 private"),
        ("::ffff:10.1.2.3", "10.0.0.0/8 private"),
        ("64:ff9b::a01:203", "10.0.0.0/8 private"),
        ("2002:a01:203::1", "10.0.0.0/8 private"),
        ("::10.1.2.3", "10.0.0.0/8 private"),
        ("::", "::/128 unspecified"),
        ("::1", "::1/128 loopback"),
        ("4000::1", "4000::1/128 unassigned"),
    ] {
        match policy(&[]).check(ip.parse().unwrap()) {
            Err(Refused::Network { network, what, .. }) => {
                assert_eq!(format!("{network} {what}"), expected, "{ip}");
            }
            other => panic!("{ip}: {other:?}"),
        }
    }
}

#[test]
fn every_notation_of_address_is_checked() {
    let none = policy(&[]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "\u{ff11}27.0.0.1",
        "%31%32%37.0.0.1",
    ] {
        assert!(refused(&none, &format!("http://{host}:8080/x")), "{host}");
        assert!(refused(&none, &format!("https://user@{host}/")), "{host}");
    }
    let local = policy(&["127.0.0.0/8"]);
    for host in ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"] {
        assert!(!refused(&local, &format!("http://{host}/")), "{host}");
    }
    for host in ["0.0.0.0", "[::1]", "10.0.0.1"] {
        assert!(refused(&local, &format!("http://{host}/")), "{host}");
    }
}

#[test]
fn loopback_base_url_allows_loopback() {
    for base in [
        "http://127.0.0.1:4400",
        "http://localhost:4400",
        "http://[::1]:4400",
    ] {
        let policy = EgressPolicy::internet().allow_loopback_for(base);
        assert!(!refused(&policy, "http://127.0.0.1:1/"), "{base}");
        assert!(!refused(&policy, "http://[::1]:1/"), "{base}");
        for other in ["http://192.168.0.1/", "http://10.0.0.1/", "http://0.0.0.0/"] {
            assert!(refused(&policy, other), "{base} {other}");
        }
    }
    for base in [
        "https://chat.example.com",
        "http://10.0.0.5:4400",
        "nonsense",
    ] {
        let policy = EgressPolicy::internet().allow_loopback_for(base);
        assert!(refused(&policy, "http://127.0.0.1:1/"), "{base}");
    }
}

#[test]
fn no_setting_allows_link_local_and_metadata_addresses() {
    let named = FORBIDDEN
        .iter()
        .map(|(network, _)| network.parse().unwrap());
    let policies = [
        EgressPolicy::any_network(),
        EgressPolicy::internet().allow_networks(named),
    ];
    for policy in policies {
        for host in [
            "169.254.169.254",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "2852039166",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "100.100.100.200",
            "168.63.129.16",
        ] {
            let url = Url::parse(&format!("http://{host}/latest/meta-data/")).unwrap();
            let said = policy.check_url(&url).unwrap_err().to_string();
            assert!(said.ends_with("which is never called"), "{said}");
        }
    }
}

#[tokio::test]
async fn check_host_checks_all_addresses() {
    let url = Url::parse("http://localhost:1/").unwrap();
    assert!(policy(&[]).check_host(&url).await.is_err());
    let local = EgressPolicy::internet().allow_loopback();
    assert_eq!(local.check_host(&url).await, Ok(()));
    let unknown = Url::parse("http://no-such-name.invalid/").unwrap();
    assert_eq!(policy(&[]).check_host(&unknown).await, Ok(()));
}

#[test]
fn parse_network_accepts_address_or_prefix() {
    for (text, inside, outside) in [
        ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("::ffff:127.0.0.1", "127.0.0.1", "::ffff:127.0.0.1"),
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
        ("10.1.2.3/23", "10.1.3.255", "10.1.4.0"),
        ("0.0.0.0/0", "203.0.113.9", "::1"),
        ("::1", "::1", "::2"),
        ("fd00::/8", "fdff::1", "fe00::1"),
        ("::/0", "2001:db8::1", "10.0.0.1"),
    ] {
        let network = parse_network(text).unwrap();
        let contains = |address: &str| network.contains(&address.parse::<IpAddr>().unwrap());
        assert!(contains(inside) && !contains(outside), "{text}");
    }
    for wrong in [
        "",
        "10.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/-1",
        "a/8",
    ] {
        assert_eq!(parse_network(wrong), None, "{wrong}");
    }
}

#[test]
fn list_of_networks_may_have_blanks() {
    let networks = parse_networks(" 10.0.0.7,, 10.1.0.0/16 ,").unwrap();
    let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.7/32", "10.1.0.0/16"]);
    assert_eq!(parse_networks("").unwrap(), []);
    let error = parse_networks("10.0.0.7,intranet").unwrap_err().to_string();
    assert!(error.contains("\"intranet\""), "{error}");
}

#[test]
fn redirects_keep_security() {
    let policy = policy(&[]);
    let check = |from: &str, to: &str| {
        let [from, to] = [from, to].map(|url| Url::parse(url).unwrap());
        redirect::check(&policy, &[from], &to).is_ok()
    };
    let a = "https://a.example.com/";
    for to in [
        "https://a.example.com/b?signed_request=x",
        "https://b.example.com/",
    ] {
        assert!(check(a, to), "{to}");
    }
    assert!(check("http://a.example.com/", a));
    for to in [
        "http://a.example.com/",
        "https://b.example.com/?signed_request=x",
        "https://a.example.com:444/?signed_request=x",
        "https://127.0.0.1/",
        "ftp://a.example.com/",
        "data:,x",
    ] {
        assert!(!check(a, to), "{to}");
    }
    for from in [
        "https://a.example.com/?signed_request=",
        "https://a.example.com/?room=h.c.s",
    ] {
        assert!(check(from, "https://b.example.com/h.c.s"), "{from}");
    }
    let signed = "https://a.example.com/?signed_request=h.c.s";
    assert!(check(signed, "https://b.example.com/"));
    for to in [
        "https://b.example.com/?token=h.c.s",
        "https://b.example.com/h.c.s#",
    ] {
        assert!(!check(signed, to), "{to}");
    }
}

proptest! {
    #[test]
    fn embedded_refused_addresses_are_refused(bits: u32) {
        let (none, v4) = (policy(&[]), Ipv4Addr::from(bits));
        let [a, b, c, d] = v4.octets().map(u16::from);
        let (high, low) = ((a << 8) | b, (c << 8) | d);
        for v6 in [
            v4.to_ipv6_mapped(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5),
        ] {
            prop_assert_eq!(none.check(v6.into()).is_err(), none.check(v4.into()).is_err());
        }
    }

    #[test]
    fn allowed_addresses_pass(bits: u128) {
        let ip = IpAddr::V6(Ipv6Addr::from(bits));
        let is_forbidden = |(network, _): &(IpNet, _)| network.contains(&target(ip));
        prop_assume!(!NETWORKS.forbidden.iter().any(is_forbidden));
        let policy = EgressPolicy::internet().allow_networks([IpNet::from(ip)]);
        prop_assert_eq!(policy.check(ip), Ok(()));
    }
}

/// Resolves each look-up to the next addresses, and the last ones repeatedly.
struct Script(Mutex<VecDeque<&'static [&'static str]>>);

impl Script {
    fn new(answers: &[&'static [&'static str]]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers.iter().copied().collect())))
    }
}

impl Resolve for Script {
    fn resolve(&self, _: Name) -> Resolving {
        let mut answers = self.0.lock().unwrap();
        let next = match answers.len() {
            1 => answers[0],
            _ => answers.pop_front().unwrap(),
        };
        let found: Vec<_> = next
            .iter()
            .map(|ip| (ip.parse::<IpAddr>().unwrap(), 0_u16).into())
            .collect();
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

/// Starts a server at two loopback addresses that responds with the called one: 127.0.0.2 stands
/// for the Internet, 127.0.0.1 for the host's own network.
async fn serve() -> u16 {
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let outside = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    for listener in [inside, outside] {
        let here = listener.local_addr().unwrap().ip().to_string();
        let close = async move || ([(header::CONNECTION, "close")], here.clone());
        let go = async |headers: HeaderMap| {
            let to = headers["x-to"].to_str().unwrap().to_owned();
            (StatusCode::FOUND, [(header::LOCATION, to)])
        };
        let router = Router::new()
            .route("/", get(close))
            .route("/go", get(go))
            .route(
                "/round",
                get(async || (StatusCode::FOUND, [(header::LOCATION, "/round")])),
            )
            .route(
                "/down/{left}",
                get(async |Path(left): Path<u32>| match left.checked_sub(1) {
                    Some(left) => Redirect::to(&format!("/down/{left}")).into_response(),
                    None => StatusCode::OK.into_response(),
                }),
            )
            .route(
                "/many",
                get(async || {
                    let many = (0..200).map(|n| (format!("x-{n}"), "x".to_owned()));
                    axum::response::AppendHeaders(many.collect::<Vec<_>>())
                }),
            )
            .route(
                "/small",
                get(async || ([(header::CONTENT_ENCODING, "gzip")], vec![0x1f, 0x8b])),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    port
}

async fn ask(client: &HttpClient, url: &str, to: &str) -> Result<String, CallError> {
    let request = client.request(Method::GET, Url::parse(url).unwrap());
    let request = request.header("x-to", to).build().unwrap();
    let timeouts = Timeouts::within(Duration::from_secs(20));
    let body = client.send(request, timeouts).await?.read(1000).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn client(names: Arc<Script>) -> HttpClient {
    let builder = HttpClient::builder(policy(&["127.0.0.2/32"]));
    builder
        .redirects(Redirects::Checked)
        .names(names)
        .build()
        .unwrap()
}

fn words(answer: Result<String, CallError>) -> String {
    answer.unwrap_err().to_string()
}

#[tokio::test]
async fn name_is_called_at_checked_address() {
    let port = serve().await;
    let url = format!("http://add-on.example.com:{port}/");

    let changing = client(Script::new(&[&["127.0.0.2"], &["127.0.0.1"]]));
    assert_eq!(ask(&changing, &url, "").await.unwrap(), "127.0.0.2");
    let said = words(ask(&changing, &url, "").await);
    assert!(
        said.starts_with("leads to 127.0.0.1 in the network 127.0.0.0/8 (loopback)"),
        "{said}"
    );
    assert!(
        said.ends_with("name the network in `EgressPolicy::allow_networks`"),
        "{said}"
    );

    for both in [&["127.0.0.1", "127.0.0.2"], &["127.0.0.2", "127.0.0.1"]] {
        let answer = ask(&client(Script::new(&[both])), &url, "").await;
        assert_eq!(answer.unwrap(), "127.0.0.2", "{both:?}");
    }
    let nowhere = client(Script::new(&[&[]]));
    let unknown = ask(&nowhere, &url, "").await.unwrap_err();
    assert!(
        matches!(unknown.failure(), Failure::NotSent(_)),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn redirects_are_checked_like_first_address() {
    let port = serve().await;
    let client = client(Script::new(&[&["127.0.0.1"]]));
    let go = format!("http://127.0.0.2:{port}/go");
    let network = "leads to 127.0.0.1 in the network";

    assert_eq!(ask(&client, &go, "/").await.unwrap(), "127.0.0.2");
    for to in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://inside.example.com:{port}/"),
    ] {
        let said = words(ask(&client, &go, &to).await);
        assert!(
            said.contains(network) || said.contains("127.0.0.0/8"),
            "{to}: {said}"
        );
    }
    let elsewhere = "http://127.0.0.2:1/?signed_request=a.b.c";
    let said = words(ask(&client, &go, elsewhere).await);
    assert_eq!(
        said,
        "answered with a redirect that takes a signed request to another site"
    );
    let round = format!("http://127.0.0.2:{port}/round");
    let said = words(ask(&client, &round, "").await);
    assert_eq!(said, "answered with a redirect for the fourth time");
}

/// A redirect to another origin would take the credentials of the request along.
#[tokio::test]
async fn redirects_may_be_limited_to_origin() {
    let port = serve().await;
    let builder = HttpClient::builder(policy(&["127.0.0.0/8"]));
    let builder = builder.redirects(Redirects::SameOrigin);
    let client = builder
        .names(Script::new(&[&["127.0.0.2"]]))
        .build()
        .unwrap();
    let own = format!("http://127.0.0.2:{port}");
    for (path, to, status, answered) in [
        ("/go", "/".to_owned(), 200, "/"),
        ("/go", format!("{own}/"), 200, "/"),
        ("/go", format!("http://127.0.0.1:{port}/"), 302, "/go"),
        ("/go", format!("http://localhost:{port}/"), 302, "/go"),
        ("/go", "http://127.0.0.2:1/".to_owned(), 302, "/go"),
        ("/go", format!("https://127.0.0.2:{port}/"), 302, "/go"),
        ("/down/5", String::new(), 200, "/down/0"),
        ("/down/6", String::new(), 303, "/down/1"),
    ] {
        let url = format!("{own}{path}").parse().unwrap();
        let request = client.request(Method::GET, url).header("x-to", &to);
        let timeouts = Timeouts::within(Duration::from_secs(20));
        let answer = client.send(request.build().unwrap(), timeouts).await;
        let answer = answer.unwrap();
        let seen = (answer.status().as_u16(), answer.url().as_str());
        assert_eq!(seen, (status, &*format!("{own}{answered}")), "{path} {to}");
    }
}

#[tokio::test]
async fn body_may_have_the_maximum_length() {
    let port = serve().await;
    let client = client(Script::new(&[&["127.0.0.2"]]));
    let read = async |max_bytes| {
        let url = format!("http://127.0.0.2:{port}/").parse().unwrap();
        let request = client.request(Method::GET, url).build().unwrap();
        let timeouts = Timeouts::within(Duration::from_secs(20));
        let answer = client.send(request, timeouts).await.unwrap();
        answer.read(max_bytes).await
    };
    assert_eq!(read(9).await.unwrap(), b"127.0.0.2");
    assert_eq!(
        words(read(8).await.map(|_| String::new())),
        "answered more than 8 bytes"
    );
}

#[test]
fn error_says_whether_request_may_have_arrived() {
    let network = policy(&[]).check("10.0.0.1".parse().unwrap()).unwrap_err();
    let timed_out = |phase| Failure::TimedOut {
        phase,
        limit: Duration::from_millis(500),
    };
    for (failure, may_have_arrived, text) in [
        (Failure::Refused(network), false, "leads to 10.0.0.1"),
        (
            Failure::Refused(Refused::Redirect("to nowhere")),
            true,
            "answered with a redirect to nowhere",
        ),
        (
            Failure::NotSent("no\nroute".to_owned()),
            false,
            r"cannot be reached (no\nroute)",
        ),
        (
            Failure::Closed("reset".to_owned()),
            true,
            "gave no whole answer (reset)",
        ),
        (
            Failure::Broken("no HTTP".to_owned()),
            true,
            "gave no whole answer (no HTTP)",
        ),
        (
            timed_out(Phase::Resolve),
            false,
            "cannot be reached (its name was not resolved within 0.5 seconds)",
        ),
        (
            timed_out(Phase::Connect),
            false,
            "cannot be reached (no connection within 0.5 seconds)",
        ),
        (
            timed_out(Phase::Tls),
            false,
            "cannot be reached (no TLS handshake within 0.5 seconds)",
        ),
        (
            timed_out(Phase::Answer),
            true,
            "gave no answer within 0.5 seconds",
        ),
        (
            timed_out(Phase::Body),
            true,
            "stopped answering (nothing more within 0.5 seconds)",
        ),
        (Failure::TooLarge(7), true, "answered more than 7 bytes"),
    ] {
        let error = CallError::new(failure, Some("http://proxy.example:3128".to_owned()));
        assert_eq!(error.may_have_arrived(), may_have_arrived, "{error}");
        let shown = error.to_string();
        assert!(shown.starts_with(text), "{shown}");
        assert!(
            shown.ends_with(", through the proxy http://proxy.example:3128"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn response_headers_are_limited_and_body_stays_compressed() {
    let port = serve().await;
    let client = client(Script::new(&[&["127.0.0.2"]]));
    let many = ask(&client, &format!("http://127.0.0.2:{port}/many"), "").await;
    let many = many.unwrap_err();
    assert!(matches!(many.failure(), Failure::Broken(_)), "{many:?}");
    let small = ask(&client, &format!("http://127.0.0.2:{port}/small"), "").await;
    assert_eq!(small.unwrap(), "\u{1f}\u{fffd}");
}
