//! Tests `cargo glance new --from`: the created crates declare the same as existing descriptors.
//! The script `.ci/templates` tests that such a crate passes its own tests.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../tests/skipped.rs"]
mod skipped;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use skipped::skipped;

/// The base URL of the crates.
const BASE_URL: &str = "https://base.example";

fn new(folder: &Path, name: &str, source: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
        .args(["new", name, "--from", source, "--into"])
        .arg(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// An existing descriptor, with the crate that was created from it.
struct Case {
    name: String,
    original: Value,
    /// The output of `new`.
    said: String,
}

/// Text that would end a literal, a comment, a line or a format string if it were not escaped.
const HOSTILE: &str = "\"); panic!(\"x\"); //\n*/ #\"## '#' {x} {{y y}} \\u{41} \\ \u{202e}\u{2066}\u{feff}\u{0}\r\t😀";

/// Returns a descriptor with the name of a Rust item in nearly every place, and text that must stay
/// text.
fn hostile() -> Value {
    let mut deep = json!(HOSTILE);
    for _ in 0..20 {
        deep = json!({ "a\"b": [deep] });
    }
    let condition = json!({ "condition": HOSTILE, "params": { HOSTILE: deep }, "invert": true });
    let matches = json!({
        "condition": "glance_matches",
        "params": { "metadata": [
            { "attr": "self", "eq": HOSTILE }, { "attr": "fn.Self", "eq": false }, { "attr": "a b", "gt": -1 },
            { "attr": "größe", "lt": 1e300 }, { "attr": HOSTILE.replace('.', ""), "eq": 1 },
        ] },
    });
    let short: String = HOSTILE.chars().take(70).collect();
    let name = json!({ "value": short, "i18n": "a\"b" });
    let icon = json!({ "url": "https://a.example/img/fn.png", "url@2x": "https://a.example/img/{*x}.png" });
    let (page, keys) = (
        "https://a.example/x?a={b}\"#",
        ["fn", "self", "type", "u32", "str", "Result", "1"],
    );
    let pages = |prefix: &str, heading: &str| -> Vec<Value> {
        let page = |key: &&str| json!({ "key": format!("{prefix}{key}"), heading: name, "url": page, "location": "hipchat.sidebar.right" });
        keys.iter().map(page).collect()
    };
    let glances = keys.iter().map(|key| {
        json!({
            "key": key, "name": { "value": short }, "icon": icon, "queryUrl": page, "target": key,
            "conditions": if *key == "fn" { json!([matches]) } else { json!([condition, matches]) },
        })
    });
    let webhooks = ["room_message", "room_enter"].map(|event| {
        json!({ "event": event, "url": page, "name": HOSTILE, "pattern": HOSTILE, HOSTILE: deep })
    });
    let mut dialogs = pages("d.", "title");
    dialogs.push(
        json!({ "key": "d", "title": { "value": short }, "url": page, "options": { HOSTILE: 1 } }),
    );
    json!({
        "key": HOSTILE, "name": HOSTILE, "description": HOSTILE.repeat(3000), HOSTILE: deep,
        "links": { "self": page, "homepage": HOSTILE, HOSTILE: deep },
        "vendor": { "name": HOSTILE, "url": HOSTILE },
        "capabilities": {
            "installable": { "callbackUrl": "https://a.example/i", HOSTILE: deep },
            "hipchatApiConsumer": { "scopes": ["send_notification"], "fromName": HOSTILE, HOSTILE: deep },
            "configurable": { "url": page, HOSTILE: deep },
            "glance": glances.collect::<Vec<_>>(),
            "webPanel": pages("", "name"),
            "dialog": dialogs,
            "webhook": webhooks,
            "action": [{ "key": "fn", "name": name, "location": HOSTILE, "target": "fn", "conditions": [condition] }],
            HOSTILE: deep,
        },
    })
}

/// Returns descriptors with the minimum content.
fn bare() -> [Value; 3] {
    [
        json!({}),
        json!({ "key": "k", "name": "n", "capabilities": { "installable": { "installedUrl": "https://a.example/i" } } }),
        json!({
            "key": "k", "name": "🤖", "links": { "self": "a" },
            "capabilities": {
                "installable": { "allowRoom": false, "allowGlobal": false },
                "hipchatApiConsumer": { "scopes": [], "avatar": ["a"] },
                "glance": [], "webhook": [], "dialog": [], "action": [], "webPanel": [], "externalPage": [],
            },
        }),
    ]
}

/// Creates a crate from each descriptor, in one workspace.
fn cases(folder: &Path) -> Vec<Case> {
    let mut sources = vec![("everything".to_owned(), fixture())];
    let mut written = vec![hostile()];
    written.extend(bare());
    for (number, document) in written.iter().enumerate() {
        let file = folder.join(format!("{number}.json"));
        fs::write(&file, document.to_string()).unwrap();
        sources.push((format!("written-{number}"), file));
    }
    sources.extend(corpus());
    let cases = sources.into_iter().map(|(name, file)| {
        let made = new(folder, &name, file.to_str().unwrap());
        assert!(
            made.status.success(),
            "{}: {}",
            file.display(),
            text(&made.stderr)
        );
        let original = fs::read_to_string(folder.join(&name).join("descriptor.json")).unwrap();
        let original: Value = serde_json::from_str(&original).unwrap();
        if let Some(number) = name.strip_prefix("written-") {
            assert_eq!(original, written[number.parse::<usize>().unwrap()]);
        }
        Case {
            name,
            original,
            said: text(&made.stdout),
        }
    });
    cases.collect()
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/everything.json")
}

/// Returns real descriptors, if `GLANCE_CORPUS` is set.
fn corpus() -> Vec<(String, PathBuf)> {
    let Some(corpus) = std::env::var_os("GLANCE_CORPUS") else {
        skipped("GLANCE_CORPUS is not set, so there are no real descriptors");
        return Vec::new();
    };
    let files = fs::read_dir(Path::new(&corpus).join("descriptors")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(
        files.len() > 50,
        "{corpus:?} has {} descriptors",
        files.len()
    );
    let named = files.into_iter().enumerate();
    named
        .map(|(number, file)| (format!("real-{number}"), file))
        .collect()
}

/// Returns the declarations of each crate, which one program prints.
fn declared(folder: &Path, cases: &[Case]) -> Vec<Value> {
    let sdk = checkout().join("glance-sdk");
    let mut manifest = format!(
        "[package]\nname = \"all\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         glance-sdk = {{ path = {sdk:?} }}\nserde_json = \"1\"\n"
    );
    let mut main = "fn main() {\n".to_owned();
    for Case { name, .. } in cases {
        writeln!(manifest, "{name} = {{ path = \"../{name}\" }}").unwrap();
        let krate = name.replace('-', "_");
        writeln!(
            main,
            "    println!(\"{{}}\", serde_json::json!({krate}::add_on().build({BASE_URL:?}).unwrap().descriptor()));"
        )
        .unwrap();
    }
    fs::create_dir_all(folder.join("all/src")).unwrap();
    fs::write(folder.join("all/Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("all/src/main.rs"), main + "}\n").unwrap();
    let printed = cargo(folder, &["run", "--quiet", "--package", "all"]);
    let lines = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// Runs cargo in the workspace of the crates, with the checkout's existing build.
fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let target = Path::new(env!("CARGO_BIN_EXE_cargo-glance"));
    let target = target.parent().unwrap().parent().unwrap();
    let ended = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    assert!(
        ended.status.success(),
        "{arguments:?}: {}",
        text(&ended.stderr)
    );
    text(&ended.stdout)
}

#[test]
fn crates_match_their_originals_and_have_no_lints() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-from");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"*/\"]\n";
    fs::write(folder.join("Cargo.toml"), workspace).unwrap();
    fs::copy(checkout().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let cases = cases(&folder);
    let declared = declared(&folder, &cases);
    assert_eq!(declared.len(), cases.len());
    let mut changes = BTreeMap::new();
    for (case, declared) in cases.iter().zip(declared) {
        compare(case, declared, &mut changes);
    }
    if std::env::var_os("GLANCE_CORPUS").is_some() {
        let expected = REAL_CHANGES
            .iter()
            .map(|(why, count)| ((*why).to_owned(), *count));
        assert_eq!(changes, expected.collect());
    }
    let sources = cases.iter().flat_map(|case| {
        let folders = ["src", "tests"].map(|part| folder.join(&case.name).join(part));
        folders
            .into_iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap())
    });
    let formatted = Command::new("rustfmt")
        .args(["--edition", "2024", "--check"])
        .args(sources.map(|source| source.unwrap().path()))
        .output()
        .unwrap();
    assert!(formatted.status.success(), "{}", text(&formatted.stdout));
    cargo(
        &folder,
        &[
            "clippy",
            "--quiet",
            "--workspace",
            "--",
            "--deny",
            "warnings",
        ],
    );
}

/// The number of changes of real descriptors, by reason.
const REAL_CHANGES: [(&str, usize); 10] = [
    (
        "The webhook is not in a list, but HipChat's schema requires one.",
        18,
    ),
    (
        "The webhook is not signed, so anybody could call it; the SDK accepts signed calls only.",
        18,
    ),
    (
        "This is not the URL of an image; `icon.svg` replaces it.",
        5,
    ),
    (
        "The action's target is not a page of the add-on, so it opens nothing.",
        3,
    ),
    (
        "The target is not a page of the add-on, so a click opens nothing.",
        2,
    ),
    (
        "`installable` is missing, so no host could send the add-on its secret.",
        2,
    ),
    (
        "The page is opened without a signature, so the viewer is unknown; pages of the SDK are signed.",
        1,
    ),
    ("The key is missing, by which hosts identify add-ons.", 1),
    ("The name is missing.", 1),
    ("The description is missing; the name replaces it.", 1),
];

/// Fails unless the crate matches the original, except for URLs and the changes that `new` printed.
fn compare(case: &Case, declared: Value, changes: &mut BTreeMap<String, usize>) {
    let name = &case.name;
    let mut original = case.original.clone();
    let mut is_allowed = Vec::new();
    for line in case.said.lines() {
        let (is_removed, rest) =
            match (line.strip_prefix("Removed "), line.strip_prefix("Changed ")) {
                (Some(rest), _) => (true, rest),
                (_, Some(rest)) => (false, rest),
                _ => continue,
            };
        let (pointer, why) = rest.split_once(": ").unwrap();
        if name.starts_with("real-") {
            *changes.entry(why.to_owned()).or_default() += 1;
        }
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        if is_removed {
            match original.pointer_mut(parent).unwrap() {
                Value::Array(entries) => drop(entries.remove(member.parse().unwrap())),
                Value::Object(members) => {
                    assert!(members.remove(member).is_some(), "{name}: {line}")
                }
                other => panic!("{name}: {line}: {other}"),
            }
        } else if pointer == "/capabilities/webhook" {
            original["capabilities"]["webhook"] = json!([original["capabilities"]["webhook"]]);
        } else {
            is_allowed.push(pointer.to_owned());
        }
    }
    let own = own_addresses(&original);
    let installable = &original["capabilities"]["installable"];
    let by_browser =
        installable.get("callbackUrl").is_none() && installable.get("installedUrl").is_some();
    let mut differences = Vec::new();
    differ(
        "",
        Some(&original),
        Some(&declared),
        &mut |pointer, original, declared| {
            let is_changed = is_allowed.iter().any(|allowed| allowed == pointer);
            if !is_changed && !is_address(pointer, original, declared, &own, by_browser) {
                differences.push(format!("{pointer}: {original:?} became {declared:?}"));
            }
        },
    );
    assert_eq!(differences, [""; 0], "{name}");
}

/// A function with a JSON pointer and the values of two documents there.
type Report<'a> = dyn FnMut(&str, Option<&Value>, Option<&Value>) + 'a;

/// Calls `report` at each difference between two documents.
fn differ(pointer: &str, one: Option<&Value>, other: Option<&Value>, report: &mut Report<'_>) {
    match (one, other) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for name in names {
                differ(
                    &format!("{pointer}/{name}"),
                    a.get(name),
                    b.get(name),
                    report,
                );
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                differ(&format!("{pointer}/{at}"), a.get(at), b.get(at), report);
            }
        }
        // The SDK adds its own URLs.
        (None, Some(Value::Object(b)))
            if ["/links", "/capabilities", "/capabilities/installable"].contains(&pointer) =>
        {
            for (name, value) in b {
                differ(&format!("{pointer}/{name}"), None, Some(value), report);
            }
        }
        _ if one == other => {}
        _ => report(pointer, one, other),
    }
}

/// Returns the base URLs of the original: scheme, host and port of its URLs.
fn own_addresses(original: &Value) -> Vec<String> {
    let capabilities = &original["capabilities"];
    let mut urls = vec![&capabilities["installable"]["callbackUrl"]];
    for (list, member) in [
        ("glance", "queryUrl"),
        ("webPanel", "url"),
        ("dialog", "url"),
        ("webhook", "url"),
    ] {
        let entries = capabilities[list].as_array().into_iter().flatten();
        urls.extend(entries.map(|entry| &entry[member]));
    }
    let urls = urls.into_iter().filter_map(Value::as_str);
    let authorities = urls.map(|url| url.split('/').take(3).collect::<Vec<_>>().join("/"));
    authorities.collect()
}

/// Returns whether a place contains a URL of the add-on, which the crate serves at another URL.
fn is_address(
    pointer: &str,
    original: Option<&Value>,
    declared: Option<&Value>,
    own: &[String],
    by_browser: bool,
) -> bool {
    let member = pointer.rsplit('/').next().unwrap();
    let Some(declared) = declared else {
        // Members that the SDK does not need.
        return ["callbackUrl", "updateCallbackUrl"].contains(&member);
    };
    let is_served = declared
        .as_str()
        .is_some_and(|url| url.starts_with(BASE_URL));
    match member {
        "self" | "callbackUrl" | "updateCallbackUrl" => is_served,
        "installedUrl" | "uninstalledUrl" | "updatedUrl" => {
            is_served && (original.is_some() || by_browser)
        }
        "queryUrl" => is_served && original.is_some(),
        "url"
            if !pointer.contains("/icon")
                && !pointer.contains("/avatar")
                && pointer.starts_with("/capabilities/") =>
        {
            is_served && original.is_some()
        }
        // Images and the home page move only together with the add-on.
        "homepage" | "url" | "url@2x" | "avatar" => {
            let was_own = original.and_then(Value::as_str).is_some_and(|url| {
                url.starts_with('/') || own.iter().any(|own| url.starts_with(own.as_str()))
            });
            is_served && was_own
        }
        _ => false,
    }
}

#[test]
fn unsupported_descriptors_are_refused_without_files() {
    let folder = tempfile::tempdir().unwrap();
    let sources = tempfile::tempdir().unwrap();
    let glance = |key: String| json!({ "key": key, "name": { "value": "G" }, "icon": { "url": "https://a.example/i", "url@2x": "https://a.example/i" } });
    let panel = |key: &str| json!({ "key": key, "name": { "value": "P" }, "url": "https://a.example/p", "location": "hipchat.sidebar.right" });
    let with = |capabilities: Value| {
        json!({ "key": "k", "name": "N", "capabilities": capabilities }).to_string()
    };
    let many = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|number| glance(format!("g{number}")))
            .collect()
    };
    let hook = json!({ "event": "room_enter", "url": "https://a.example/h" });
    let nested = "[".repeat(1000) + &"]".repeat(1000);
    for (document, code, words) in [
        (
            with(json!({ "glance": many(10_000) })),
            "too-large",
            "more than 1048576 bytes",
        ),
        (
            with(json!({ "glance": many(5000) })),
            "no-descriptor",
            "5000 glances are declared",
        ),
        (
            with(json!({ "webhook": vec![hook; 5000] })),
            "no-descriptor",
            "5000 webhooks, pages and actions",
        ),
        (
            with(json!({ "glance": [glance("ünï".to_owned())] })),
            "no-descriptor",
            "the key `ünï` may have only",
        ),
        (
            with(json!({ "glance": [glance("a\nb".to_owned())] })),
            "no-descriptor",
            "the key `a\\nb` may have only",
        ),
        (
            with(json!({ "webPanel": [panel("a"), panel("a")] })),
            "no-descriptor",
            "the key `a` is used twice",
        ),
        (
            with(
                json!({ "webPanel": [panel("a")], "dialog": [{ "key": "a", "title": { "value": "D" }, "url": "https://a.example/d" }] }),
            ),
            "no-descriptor",
            "the key `a` is used twice",
        ),
        (
            with(
                json!({ "glance": [{ "key": "g", "name": { "value": "😀".repeat(60) }, "icon": { "url": "https://a.example/i" } }] }),
            ),
            "no-descriptor",
            "more than 100 UTF-16 units",
        ),
        (
            json!({ "modules": {} }).to_string(),
            "no-descriptor",
            "a descriptor of Jira or Confluence",
        ),
        (json!([1]).to_string(), "no-descriptor", "object"),
        (with(json!([])), "no-descriptor", "`capabilities`"),
        ("{\"key\": }".to_owned(), "not-json", "is not JSON"),
        (String::new(), "not-json", "is not JSON"),
        (nested, "not-json", "more than 64 levels deep"),
        (
            format!("\"{}\"", "x".repeat(2_000_000)),
            "too-large",
            "has more than",
        ),
    ] {
        let file = sources.path().join("d.json");
        fs::write(&file, &document).unwrap();
        let refused = new(folder.path(), "refused", file.to_str().unwrap());
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{words}: {said}");
        assert!(
            said.starts_with(&format!("error[{code}]: ")) && said.contains(words),
            "{words}: {said}"
        );
        assert!(said.contains("\n  help: ") && said.len() < 2000, "{said}");
        assert_eq!(text(&refused.stdout), "");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    for (source, code) in [
        ("missing.json", "no-file"),
        ("http://127.0.0.1:1/", "no-answer"),
        (".", "no-file"),
    ] {
        let refused = new(folder.path(), "refused", source);
        let said = text(&refused.stderr);
        assert!(said.starts_with(&format!("error[{code}]: ")), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let both = Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
        .args([
            "new",
            "both",
            "--from",
            "x.json",
            "--template",
            "push",
            "--into",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(both.status.code(), Some(2));
    assert!(
        text(&both.stderr).contains("cannot be used with"),
        "{both:?}"
    );
}
