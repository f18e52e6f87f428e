//! `/metrics`, as Prometheus reads it.

use std::collections::{HashMap, HashSet};
use std::fs;

use reqwest::StatusCode;

use crate::process::Server;

const TOKEN: &str = "0123456789abcdef";

async fn start(settings: &str) -> (Server, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let settings = format!("[metrics]\nlisten = \"127.0.0.1:0\"\n{settings}");
    let mut server = Server::start(folder.path(), &settings).await;
    let line = server.logged("metrics at ").await;
    let url = line["message"].as_str().unwrap();
    let url = url.strip_prefix("metrics at ").unwrap().to_owned();
    (server, url, folder)
}

#[tokio::test]
async fn they_have_an_address_of_their_own_and_a_token() {
    let (server, url, _folder) = start("token_file = \"token\"").await;
    let status = async |token: Option<&str>, url: &str| {
        let mut request = server.client.get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status()
    };
    assert_eq!(status(None, &url).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(Some("wrong"), &url).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(Some(TOKEN), &url).await, StatusCode::OK);
    let own = server.url("/metrics");
    assert_eq!(status(Some(TOKEN), &own).await, StatusCode::NOT_FOUND);
    server.stop().await;
}

type Labels = Vec<(String, String)>;

/// What stands in a line of a sample.
struct Sample {
    name: String,
    labels: Labels,
    value: f64,
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn sample(line: &str) -> Sample {
    let (named, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match named.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
        None => (named, ""),
    };
    assert!(is_name(name), "{line}");
    let labels = labels.split(',').filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (name, value) = label.split_once("=\"").unwrap();
        let value = value.strip_suffix('"').unwrap();
        assert!(is_name(name) && !value.contains(['"', '\\']), "{line}");
        (name.to_owned(), value.to_owned())
    });
    Sample {
        name: name.to_owned(),
        labels: labels.collect(),
        value: value.parse().unwrap(),
    }
}

/// The family a sample belongs to.
fn family(name: &str) -> &str {
    let parts = ["_bucket", "_sum", "_count"];
    let own = parts.iter().find_map(|part| name.strip_suffix(part));
    own.unwrap_or(name)
}

#[tokio::test]
async fn they_are_in_the_text_format() {
    let (server, url, _folder) = start("").await;
    let answer = glance_host::testing::http_client()
        .get(&url)
        .send()
        .await
        .unwrap();
    let content_type = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(content_type, "text/plain; version=0.0.4");
    let text = answer.text().await.unwrap();
    assert!(text.ends_with('\n'));

    let mut kinds = HashMap::new();
    let mut helped = HashSet::new();
    let mut seen = HashSet::new();
    let mut buckets: HashMap<Labels, Vec<(f64, f64)>> = HashMap::new();
    let mut counts = HashMap::new();
    let mut current = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(helped.insert(name) && !words.is_empty(), "{line}");
            current = name;
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(name, current);
            assert!(kinds.insert(name, kind).is_none(), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            continue;
        }
        assert!(seen.insert(line.rsplit_once(' ').unwrap().0), "{line}");
        let Sample {
            name,
            mut labels,
            value,
        } = sample(line);
        assert!(name.starts_with("glance_host_") && value >= 0.0, "{line}");
        match kinds[current] {
            "histogram" => assert_eq!(family(&name), current),
            _ => assert_eq!(name, current),
        }
        if name.ends_with("_bucket") {
            let end = labels.iter().position(|(name, _)| name == "le").unwrap();
            let end = labels.remove(end).1;
            let end = end.replace("+Inf", "inf").parse().unwrap();
            buckets.entry(labels).or_default().push((end, value));
        } else if name.ends_with("_count") {
            counts.insert(labels, value);
        }
    }
    assert_eq!(kinds.len(), helped.len());
    assert_eq!(buckets.len(), 3);
    for (labels, buckets) in buckets {
        assert!(buckets.is_sorted(), "{buckets:?}");
        let (end, last) = buckets.last().unwrap();
        assert!(end.is_infinite() && *last == counts[&labels]);
    }
    server.stop().await;
}
