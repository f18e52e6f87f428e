//! What the host acknowledged is there after it was killed.

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::add_on::AddOn;
use crate::process::Server;

/// The number of rounds, unless `GLANCE_KILLS` says another.
const ROUNDS: u64 = 20;

/// How many add-ons work at once.
const WORKERS: u64 = 4;

/// How many glances each add-on has or has not.
const GLANCES: u64 = 5;

const SETTINGS: &str = "[limits]\nrequests = 1000000\nmessages = 1000000";

/// Something that the host said it has done.
#[derive(Debug, Clone)]
enum Done {
    Installed,
    Token {
        token: String,
    },
    Glance {
        key: String,
        name: Option<String>,
    },
    Said {
        text: String,
    },
    /// Data of a glance, with a greater number than all before it.
    Pushed {
        number: u64,
    },
    /// Not said: the host was killed meanwhile, and this glance may be of before or after it.
    Unknown {
        key: String,
    },
}

/// What was done, in the order in which the host said so.
#[derive(Clone)]
struct Ledger(Arc<Mutex<Vec<(String, Done)>>>, Arc<watch::Sender<usize>>);

impl Ledger {
    fn add(&self, by: &str, done: Done) {
        self.0.lock().unwrap().push((by.to_owned(), done));
        self.1.send_modify(|number| *number += 1);
    }

    fn all(&self) -> Vec<(String, Done)> {
        self.0.lock().unwrap().clone()
    }
}

/// Numbers that look like chance and are the same for the same seed: SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn seed() -> u64 {
    match env::var("GLANCE_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_kill_9() {
    let seed = seed();
    println!("GLANCE_SEED={seed} repeats this");
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().unwrap();
    let add_on = Arc::new(AddOn::serve().await);
    let ledger = Ledger(Arc::default(), Arc::default());

    // What the rounds before did is looked at after each, and everything at the end.
    let mut seen = 0;
    let rounds = env::var("GLANCE_KILLS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let mut server = Arc::new(Server::start(folder.path(), SETTINGS).await);
        let all = ledger.all();
        verify(&server, &add_on, &all[seen..]).await;
        seen = all.len();

        let mut working = JoinSet::new();
        for worker in 0..WORKERS {
            let chance =
                Chance(seed ^ (round * WORKERS + worker).wrapping_mul(0x2545_f491_4f6c_dd1d));
            let (server, add_on) = (Arc::clone(&server), Arc::clone(&add_on));
            let name = format!("quiet-{round}-{worker}");
            working.spawn(work(server, add_on, ledger.clone(), name, chance));
        }
        // What the others are at is cut off wherever it stands.
        let enough = seen + 1 + usize::try_from(chance.below(60)).unwrap();
        let mut done = ledger.1.subscribe();
        tokio::select! {
            reached = done.wait_for(|number| *number >= enough) => drop(reached.unwrap()),
            Some(ended) = working.join_next() => panic!("an add-on ended early: {ended:?}"),
        }
        server.signal("KILL").await;
        while let Some(worker) = working.join_next().await {
            worker.unwrap();
        }
        let process = Arc::get_mut(&mut server).unwrap();
        assert!(!process.ended().await.success());
        check_file(folder.path());
    }
    let server = Server::start(folder.path(), SETTINGS).await;
    let all = ledger.all();
    verify(&server, &add_on, &all).await;
    println!("{} acknowledged things outlived {rounds} kills", all.len());
    server.stop().await;
}

/// Installs an add-on and lets it do this and that, until the host is gone.
async fn work(
    server: Arc<Server>,
    add_on: Arc<AddOn>,
    ledger: Ledger,
    name: String,
    mut chance: Chance,
) {
    let mut at = None;
    let working = async {
        let status = server.install(&add_on.url(&name)).await?;
        assert!(status.is_success(), "{status}");
        ledger.add(&name, Done::Installed);
        let (id, secret) = add_on.installation(&name);
        let mut token = server.token(&id, &secret).await?;
        for step in 0.. {
            let key = format!("glance-{}", chance.below(GLANCES));
            let path = format!("/v2/room/1/extension/glance/{key}");
            let done = match chance.below(6) {
                0 => {
                    token = server.token(&id, &secret).await?;
                    let token = token.clone();
                    Done::Token { token }
                }
                1 | 2 => {
                    at.replace(key.clone());
                    let name = format!("Step {step}");
                    let body = glance(&key, &name);
                    server.send(Method::PUT, &token, &path, &body).await?;
                    let name = Some(name);
                    Done::Glance { key, name }
                }
                3 => {
                    at.replace(key.clone());
                    let removed = server.send(Method::DELETE, &token, &path, &Value::Null);
                    let removed = removed.await;
                    let was_none = matches!(&removed, Err(error) if error.status().is_some());
                    removed.or_else(|error| if was_none { Ok(()) } else { Err(error) })?;
                    Done::Glance { key, name: None }
                }
                4 => {
                    let label = format!("{name} pushed {step}.");
                    let label = json!({ "type": "html", "value": label });
                    let new = json!({ "key": "declared-0", "content": { "label": label } });
                    let body = json!({ "glance": [new] });
                    let path = "/v2/addon/ui/room/1";
                    server.send(Method::POST, &token, path, &body).await?;
                    Done::Pushed { number: step }
                }
                _ => {
                    let text = format!("{name} says {step}");
                    server.notify(&token, &text).await?;
                    Done::Said { text }
                }
            };
            at = None;
            ledger.add(&name, done);
        }
        Ok::<_, reqwest::Error>(())
    };
    let gone = working.await.unwrap_err();
    assert!(gone.status().is_none(), "{gone}");
    if let Some(key) = at {
        ledger.add(&name, Done::Unknown { key });
    }
}

fn glance(key: &str, name: &str) -> Value {
    let icon = "https://example.com/i.png";
    json!({ "key": key, "name": { "value": name }, "icon": { "url": icon, "url@2x": icon } })
}

/// Looks for everything that was acknowledged.
async fn verify(server: &Server, add_on: &AddOn, all: &[(String, Done)]) {
    let mut of_each: BTreeMap<&str, Vec<&Done>> = BTreeMap::new();
    for (by, done) in all {
        of_each.entry(by).or_default().push(done);
    }
    let mut said = None;
    let page = reqwest::get(server.url("/rooms/1")).await.unwrap();
    let page = page.text().await.unwrap();
    for (by, own) in of_each {
        let (id, secret) = add_on.installation(by);
        let token = server.token(&id, &secret).await;
        let token = token.unwrap_or_else(|error| panic!("{by} is not installed: {error}"));
        let said = match &mut said {
            Some(said) => said,
            none => none.insert(history(server, &token).await),
        };
        for key in (0..GLANCES).map(|n| format!("glance-{n}")) {
            let latest = own.iter().rev().find_map(|done| match done {
                Done::Glance { key: at, name } if *at == key => Some(name.as_deref()),
                Done::Unknown { key: at } if *at == key => Some(Some("?")),
                _ => None,
            });
            if latest == Some(Some("?")) {
                continue;
            }
            let path = format!("/v2/room/1/extension/glance/{key}");
            let found = server.get(&token, &path).await.ok();
            let found = found
                .as_ref()
                .and_then(|found| found["name"]["value"].as_str());
            assert_eq!(found, latest.flatten(), "{by}: {key}");
        }
        let pushed = own.iter().rev().find_map(|done| match done {
            Done::Pushed { number } => Some(*number),
            _ => None,
        });
        if let Some(pushed) = pushed {
            let shown = page.split_once(&format!("{by} pushed "));
            let shown = shown.and_then(|(_, rest)| rest.split_once('.')?.0.parse().ok());
            // The host may have been killed after it stored one more.
            let is_there = shown.is_some_and(|shown: u64| shown >= pushed);
            assert!(is_there, "{by} pushed {pushed}, the page shows {shown:?}");
        }
        for done in own {
            match done {
                Done::Token { token } => {
                    let path = format!("/v2/oauth/token/{token}");
                    let held = server.get(token, &path).await;
                    assert!(held.is_ok(), "a token of {by} is gone: {held:?}");
                }
                Done::Said { text } => assert!(said.contains(text), "{text:?} is gone"),
                Done::Installed
                | Done::Glance { .. }
                | Done::Pushed { .. }
                | Done::Unknown { .. } => {}
            }
        }
    }
}

/// Everything that was said in the room.
async fn history(server: &Server, token: &str) -> HashSet<String> {
    let mut said = HashSet::new();
    loop {
        let start = said.len();
        let path = format!("/v2/room/1/history?max-results=1000&start-index={start}");
        let page = server.get(token, &path).await.unwrap();
        let items = page["items"].as_array().unwrap();
        let texts = items.iter().map(|item| item["message"].as_str().unwrap());
        said.extend(texts.map(ToOwned::to_owned));
        if page["links"]["next"].is_null() {
            return said;
        }
    }
}

/// The database by itself is whole.
fn check_file(folder: &Path) {
    let database = Connection::open(folder.join("glance-host-data/host.sqlite")).unwrap();
    let found: String = database
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(found, "ok");
}
