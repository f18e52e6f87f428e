//! Hosts to which people sign in.

use std::fs;

use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};
use tokio::net::TcpListener;

use crate::add_on::AddOn;
use crate::browser::Browser;
use crate::process::{Server, program, said};
use crate::provider::{CLIENT, Provider, SECRET};

/// A host behind a proxy that ends TLS, with add-ons on its own machine.
const BEHIND_A_PROXY: &str = "public_url = \"https://chat.example.com\"
    allow_networks = [\"127.0.0.1\"]
    sign_in.way = \"name\"";

/// A browser of somebody beyond the proxy.
fn beyond(server: &Server) -> Browser {
    let mut browser = server.browser();
    browser.name = Some("chat.example.com".to_owned());
    browser
}

#[tokio::test]
async fn a_person_comes_in_by_name_and_stays_through_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let server = Server::start(folder.path(), BEHIND_A_PROXY).await;
    assert_eq!(server.base_url, "https://chat.example.com");

    let mut ann = beyond(&server);
    let (status, to, _) = ann.open("/").await;
    assert_eq!((status, to.as_str()), (303, "/sign-in?to=%2F"));
    let rooms = ann.say_name("Ann").await;
    assert!(
        rooms.contains("Lobby"),
        "the first admin finds a room: {rooms}"
    );
    let form = [("name", "Kitchen"), ("privacy", "private")];
    let (status, page) = ann.post("/rooms", &form).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Kitchen"), "{page}");
    let installed = ann.install(2, &add_on.url("one")).await.unwrap();
    assert_eq!(installed, StatusCode::OK);

    let mut ben = beyond(&server);
    let rooms = ben.say_name("Ben").await;
    assert!(
        rooms.contains("Lobby") && !rooms.contains("Kitchen"),
        "{rooms}"
    );
    let refused = ben.install(1, &add_on.url("two")).await.unwrap();
    assert_eq!(refused, StatusCode::FORBIDDEN, "the Lobby is the admin's");
    server.stop().await;

    let server = Server::start(folder.path(), BEHIND_A_PROXY).await;
    let mut again = beyond(&server);
    again.cookies = ann.cookies;
    let (status, _, page) = again.open("/rooms/2/integrations").await;
    assert_eq!(status, 200);
    assert!(page.contains("com.example.one"), "{page}");
    let (_, _, rooms) = again.open("/").await;
    assert_eq!(rooms.matches(">Lobby<").count(), 1, "{rooms}");
    // Under the address at which the proxy asks, the host is not to be had from another site.
    again.name = Some("evil.example".to_owned());
    assert_eq!(again.open("/").await.0, 421);
    server.stop().await;
}

#[tokio::test]
async fn with_sign_in_it_listens_at_every_address() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("glance-host.toml"), BEHIND_A_PROXY).unwrap();
    let mut command = program(folder.path());
    command.env("GLANCE_HOST_LISTEN", "0.0.0.0:0");
    let server = Server::run(command).await;
    let rooms = beyond(&server).say_name("Ann").await;
    assert!(rooms.contains("Lobby"), "{rooms}");
    server.stop().await;
}

#[tokio::test]
async fn the_word_of_a_proxy_counts_only_from_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let settings = |peer: &str| {
        format!(
            "sign_in = {{ way = \"proxy\", admin_group = \"admins\" }}
             proxy = {{ peers = [\"{peer}\"], user_header = \"X-Person\" }}"
        )
    };
    let ask = async |server: &Server, name: &str, groups: &str| {
        let request = server
            .client
            .get(server.url("/"))
            .header(ACCEPT, "text/html");
        let request = request.header("X-Person", name);
        let answer = request.header("X-Forwarded-Groups", groups).send().await;
        let answer = answer.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let server = Server::start(folder.path(), &settings("10.1.0.0/16")).await;
    let (status, page) = ask(&server, "ann", "admins").await;
    assert!(!status.is_success() && !page.contains("Lobby"), "{status}");
    assert!(page.contains("reached through its proxy only"), "{page}");
    server.stop().await;

    let mut server = Server::start(folder.path(), &settings("127.0.0.1")).await;
    let warning = server.logged("nobody is an admin yet").await;
    assert_eq!(warning["level"], "WARN");
    let sentence = warning["message"].as_str().unwrap();
    let end = "until somebody signs in whom sign_in.admin_group names";
    assert!(sentence.ends_with(end), "{sentence}");
    let (status, page) = ask(&server, "ben", "staff").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("Lobby"), "it has no owner yet: {page}");
    let (_, page) = ask(&server, "ann", "staff, admins").await;
    assert!(page.contains("Lobby"), "{page}");
    let (_, page) = ask(&server, "ben", "staff").await;
    assert!(page.contains("Lobby"), "{page}");
    server.stop().await;

    let server = Server::start(folder.path(), &settings("127.0.0.1")).await;
    let log = server.log().join("\n");
    assert!(!log.contains("nobody is an admin yet"), "{log}");
    server.stop().await;
}

fn by(issuer: &str) -> String {
    format!(
        "sign_in.way = \"openid\"
         [openid]
         issuer = \"{issuer}\"
         client_id = \"{CLIENT}\"
         client_secret_file = \"secret\"
         [log]
         filter = \"trace\""
    )
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    let settings = by(&issuer).replace("trace", "error");
    let settings = format!("listen = \"127.0.0.1:0\"\n{settings}");
    fs::write(folder.path().join("secret"), SECRET).unwrap();
    fs::write(folder.path().join("glance-host.toml"), settings).unwrap();
    let (_, err, content) = said(&mut program(folder.path())).await;
    assert!(!content && err.lines().count() == 1, "{err}");
    let sentence = format!("people cannot sign in with {issuer}: it ");
    assert!(err.contains(&sentence), "{err}");
}

#[tokio::test]
async fn no_secret_of_a_sign_in_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start().await;
    fs::write(folder.path().join("secret"), SECRET).unwrap();
    let mut server = Server::start(folder.path(), &by(&provider.issuer)).await;
    let mut ann = server.browser();
    let mut secrets = vec![SECRET.to_owned()];
    let back = ann.go().await;
    secrets.extend(ann.cookies.values().cloned());
    let (status, to, _) = ann.open(&back).await;
    assert_eq!((status, to.as_str()), (303, "/people"));
    assert_eq!(ann.open("/people").await.0, 200);
    secrets.extend(ann.cookies.values().cloned());
    // The same code once more, and one that nobody gave.
    assert_eq!(ann.open(&back).await.0, 400);
    let back = ann.go().await;
    let forged = back.replace("code=", "code=not-a-code-of-anybody-");
    assert_eq!(ann.open(&forged).await.0, 403);
    let request = ann.request(Method::POST, "/sign-out");
    assert_eq!(ann.send(request).await.unwrap().0, 303);
    server.signal("TERM").await;
    server.ended().await;

    secrets.push("not-a-code-of-anybody".to_owned());
    secrets.extend(provider.secrets.lock().unwrap().clone());
    assert!(secrets.len() >= 11, "{secrets:?}");
    let log = server.log();
    assert!(log.iter().any(|line| line.contains("\"TRACE\"")));
    for secret in &secrets {
        assert!(secret.len() >= 20, "{secret}");
        let found: Vec<_> = log.iter().filter(|line| line.contains(secret)).collect();
        assert!(found.is_empty(), "{secret} is in {found:#?}");
    }
}
