//! What the host acknowledged is there after it was killed.

mod ledger;
mod worker;

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::Connection;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::add_on::AddOn;
use crate::browser::Browser;
use crate::process::Server;
use ledger::{Done, Ledger, Thing};
use worker::Worker;

/// The number of rounds, unless `GLANCE_KILLS` says another.
const ROUNDS: u64 = 20;

/// How many add-ons work at once.
const WORKERS: u64 = 4;

/// The largest number of acknowledgements in a round.
const MAX_ACKNOWLEDGED: u64 = 80;

const SETTINGS: &str = "sign_in.way = \"name\"\n[limits]\nrequests = 1000000\nmessages = 1000000";

/// The add-on of the whole group, which manages rooms.
const KEEPER: &str = "quiet-keeper";

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

/// The parts of the test that outlive all rounds.
#[derive(Clone)]
struct Group {
    add_on: Arc<AddOn>,
    ledger: Ledger,
    /// The session of the admin.
    session: String,
    /// The token of the add-on of the whole group.
    token: String,
}

impl Group {
    async fn create(server: &Server) -> Self {
        let add_on = Arc::new(AddOn::serve().await);
        let mut ann = server.browser();
        ann.say_name("Ann").await;
        let installed = ann.install_everywhere(&add_on.url(KEEPER)).await.unwrap();
        assert!(installed.is_success(), "{installed}");
        let (id, secret) = add_on.installation(KEEPER);
        Self {
            token: server.token(&id, &secret).await.unwrap(),
            session: session(&ann),
            ledger: Ledger::default(),
            add_on,
        }
    }

    /// The browser of the admin.
    fn ann(&self, server: &Server) -> Browser {
        signed_in(server, &self.session)
    }
}

/// Returns the session of somebody who is signed in.
fn session(browser: &Browser) -> String {
    browser.cookies.values().next().cloned().unwrap_or_default()
}

/// Returns a browser with a session. The name of the cookie contains the port, which is another after each start.
fn signed_in(server: &Server, session: &str) -> Browser {
    let mut browser = server.browser();
    let (_, port) = server.base_url.rsplit_once(':').unwrap();
    let cookie = (format!("glance-{port}"), session.to_owned());
    browser.cookies = [cookie].into();
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_kill_9() {
    let seed = seed();
    println!("GLANCE_SEED={seed} repeats this");
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), SETTINGS).await;
    let group = Group::create(&server).await;
    let mut server = Arc::new(server);

    // What the rounds before did is looked at after each, and everything at the end.
    let mut seen = 0;
    let rounds = env::var("GLANCE_KILLS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let mut working = JoinSet::new();
        for worker in 0..WORKERS {
            let number = round * WORKERS + worker;
            let chance = Chance(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d));
            let name = format!("quiet-{round}-{worker}");
            // Few installations stay: the rooms of a host with thousands in each are not what is tested.
            let old = round.checked_sub(1);
            let old = old.map(|round| format!("quiet-{round}-{worker}"));
            let worker = Worker::new(Arc::clone(&server), group.clone(), name, chance, old);
            working.spawn(worker.work());
        }
        // What the others are at is cut off wherever it stands.
        let enough = chance.below(MAX_ACKNOWLEDGED);
        let enough = seen + 1 + usize::try_from(enough).unwrap();
        tokio::select! {
            () = group.ledger.reached(enough) => {}
            Some(ended) = working.join_next() => panic!("an add-on ended early: {ended:?}"),
        }
        server.signal("KILL").await;
        while let Some(worker) = working.join_next().await {
            worker.unwrap();
        }
        let process = Arc::get_mut(&mut server).unwrap();
        assert!(!process.ended().await.success());
        check_file(folder.path());

        server = Arc::new(Server::start(folder.path(), SETTINGS).await);
        let all = group.ledger.all();
        verify(&server, &group, &all, seen).await;
        seen = all.len();
    }
    let all = group.ledger.all();
    verify(&server, &group, &all, 0).await;
    let kinds = all.iter().map(|(_, done)| done.kind());
    let mut counts = BTreeMap::<_, u64>::new();
    kinds.for_each(|kind| *counts.entry(kind).or_default() += 1);
    println!(
        "{} acknowledged things outlived {rounds} kills: {counts:?}",
        all.len()
    );
    Arc::into_inner(server).unwrap().stop().await;
}

/// Looks for everything that was acknowledged from the entry `first` on. A later entry replaces an earlier one about the
/// same thing.
async fn verify(server: &Server, group: &Group, all: &[(String, Done)], first: usize) {
    let mut things = BTreeMap::new();
    let mut pushed = BTreeMap::new();
    let mut said = HashSet::new();
    let mut told = HashSet::new();
    for (by, done) in &all[first..] {
        match done {
            Done::Set(thing, value) => drop(things.insert((by, thing), Some(value))),
            Done::Unknown(thing) => drop(things.insert((by, thing), None)),
            Done::Pushed { key, number } => drop(pushed.insert((by, key), number)),
            Done::Said(text) => drop(said.insert(text.clone())),
            Done::Told(text) => drop(told.insert(text.clone())),
        }
    }
    let mut ann = group.ann(server);
    // The page of private messages shows the newest.
    if first > 0 {
        let (_, _, page) = ann.open("/messages").await;
        for text in told {
            assert!(page.contains(&text), "{text:?} to Ann is gone");
        }
    }
    check_history(server, &group.token, said).await;

    let mut removed = HashSet::new();
    let mut tokens = BTreeMap::new();
    for ((by, thing), expected) in things {
        if *thing == Thing::Installation {
            // The host was killed before it could post the secret.
            let Some((id, secret)) = group.add_on.find_installation(by) else {
                continue;
            };
            let token = server.token(&id, &secret).await;
            match expected {
                Some(Some(_)) => assert!(token.is_ok(), "{by} is not installed: {token:?}"),
                Some(None) => assert!(token.is_err(), "{by} is installed again"),
                None => {}
            }
            match token {
                Ok(token) => drop(tokens.insert(by, token)),
                Err(_) => drop(removed.insert(by)),
            }
            continue;
        }
        let is_own = thing.is_of_installation();
        let (Some(expected), false) = (expected, is_own && removed.contains(by)) else {
            continue;
        };
        let token = match tokens.get(by) {
            Some(token) if is_own => token,
            _ => &group.token,
        };
        let found = thing.read(server, token).await;
        assert_eq!(&found, expected, "{by}: {thing:?}");
    }
    let (status, _, page) = ann.open("/rooms/1").await;
    assert_eq!(status, 200, "the session of Ann is gone");
    for ((by, key), number) in pushed {
        if removed.contains(by) || !tokens.contains_key(by) {
            continue;
        }
        let shown = page.split_once(&format!("{by} pushed {key} "));
        let shown = shown.and_then(|(_, rest)| rest.split_once('.')?.0.parse().ok());
        // The host may have been killed after it stored one more.
        let is_there = shown.is_some_and(|shown: u64| shown >= *number);
        assert!(
            is_there,
            "{by} pushed {key} {number}, the page shows {shown:?}"
        );
    }
}

/// Looks for these texts in the first room.
async fn check_history(server: &Server, token: &str, mut texts: HashSet<String>) {
    let mut start = 0;
    while !texts.is_empty() {
        let path = format!("/v2/room/1/history?max-results=1000&start-index={start}");
        let page = server.get(token, &path).await.unwrap();
        let items = page["items"].as_array().unwrap();
        for item in items {
            texts.remove(item["message"].as_str().unwrap());
        }
        start += items.len();
        assert!(
            texts.is_empty() || !page["links"]["next"].is_null(),
            "these are gone: {texts:?}"
        );
    }
}

/// The database by itself is whole.
fn check_file(folder: &Path) {
    let database = Connection::open(folder.join("glance-host-data/host.sqlite")).unwrap();
    let found: String = database
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(found, "ok");
    let dangling = database.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(!{ dangling }.exists([]).unwrap(), "a reference dangles");
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}
