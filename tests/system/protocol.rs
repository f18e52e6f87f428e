//! Tests that the protocol page names an existing test, or a reason, at each point, and the page about hosts a test for
//! each promise.

use std::path::{Path, PathBuf};

/// The first lines of each table.
const HEAD: [&str; 2] = ["| point | the host | test |", "|---|---|---|"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `module::test`, in this program.
    System,
    /// `file.test.mjs: title`.
    Browser,
    /// `path/to/file.rs: test`.
    Other,
}

/// Returns the rows of the page. Each section is a table of them, maybe with text around it.
fn rows(page: &str) -> Vec<&str> {
    let (_, sections) = page.split_once("\n## ").unwrap();
    sections.split("\n## ").flat_map(rows_of_section).collect()
}

fn rows_of_section(section: &str) -> Vec<&str> {
    let mut lines: Vec<_> = section.lines().filter(|it| it.starts_with('|')).collect();
    let title = section.lines().next();
    assert!(lines.starts_with(&HEAD), "{title:?} has no table of points");
    let rows = lines.split_off(HEAD.len());
    assert!(!rows.is_empty(), "{title:?} has no points");
    rows
}

/// A test on the page: its kind, its file, and its name.
fn named(word: &str) -> Option<(Kind, PathBuf, &str)> {
    if let Some((file, name)) = word.split_once(": ") {
        if file.ends_with(".test.mjs") {
            return Some((Kind::Browser, Path::new("tests/browser").join(file), name));
        }
        return file
            .ends_with(".rs")
            .then(|| (Kind::Other, file.into(), name));
    }
    let (module, name) = word.split_once("::")?;
    let file = Path::new("tests/system").join(format!("{module}.rs"));
    Some((Kind::System, file, name))
}

/// Returns whether a source has a test with this name, not just a function.
fn has(kind: Kind, source: &str, name: &str) -> bool {
    if kind == Kind::Browser {
        return ['"', '`']
            .iter()
            .any(|quote| source.contains(&format!("test({quote}{name}{quote},")));
    }
    let mut tests = source
        .match_indices("test")
        .map(|(at, word)| &source[at + word.len()..])
        .filter(|after| after.starts_with([']', '(']));
    tests.any(|after| {
        // After the attribute, and the text between it and the function.
        let function = after
            .split_once("]\n")
            .and_then(|(_, after)| after.split_once("fn "));
        let own = function.filter(|(between, _)| !between.contains(['{', ';']));
        own.is_some_and(|(_, after)| after.split(['(', '<']).next() == Some(name))
    })
}

#[test]
fn each_point_of_page_has_existing_test_or_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/protocol.md")).unwrap();
    for line in rows(&page) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [point, _, proof] = cells[..] else {
            panic!("three cells: {line}");
        };
        if tests(root, point, proof) == 0 {
            let reason = proof.strip_prefix("none: ");
            assert!(
                reason.is_some_and(|reason| reason.len() > 20),
                "{point}: {proof}"
            );
        }
    }
}

/// Checks that each test that a cell names exists. Returns how many these are.
fn tests(root: &Path, point: &str, proof: &str) -> usize {
    let words = proof.split('`').skip(1).step_by(2);
    for word in words.clone() {
        let Some((kind, file, name)) = named(word) else {
            panic!("{point}: `{word}` names no test");
        };
        let source = std::fs::read_to_string(root.join(&file)).unwrap_or_default();
        assert!(
            has(kind, &source, name),
            "{point}: {} has no test {name}",
            file.display()
        );
    }
    words.count()
}

#[test]
fn each_promise_of_host_has_existing_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/running-a-host.md")).unwrap();
    let (_, section) = page.split_once("\n## What the host promises\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<_> = rows.skip(1).collect();
    assert!(rows.len() >= 6, "{rows:?}");
    for row in rows {
        let (promise, proof) = row.trim_matches('|').rsplit_once(" | ").unwrap();
        assert!(tests(root, promise, proof) > 0, "{promise} has no test");
    }
}

#[test]
fn every_row_of_page_is_a_point() {
    let section = |title: &str| format!("## {title}\n\n{}\n{}\n| a | b | c |\n", HEAD[0], HEAD[1]);
    let page = format!("# Page\n\n{}|d|e|f|\n\n{}", section("One"), section("Two"));
    assert_eq!(rows(&page), ["| a | b | c |", "|d|e|f|", "| a | b | c |"]);
    for broken in ["| point | host | test |", "No table.", ""] {
        let page = page.replacen(HEAD[0], broken, 1);
        let found = std::panic::catch_unwind(|| rows(&page).len());
        assert!(found.is_err(), "{broken}");
    }
}

#[test]
fn plain_function_is_not_a_test() {
    let source = r#"
use glance_host::testing::TestRoom;

#[glance(key = "four")]
async fn four() {}

#[test]
fn one() {}

fn helper() {}

#[tokio::test(flavor = "multi_thread")]
async fn two_tests() {}

proptest! {
    #[test]
    fn three(x in 0..1) {}
}
"#;
    let names = ["one", "two_tests", "three", "four", "helper", "two"];
    let found = names.map(|name| has(Kind::Other, source, name));
    assert_eq!(found, [true, true, true, false, false, false]);
    let script = "test(\"a title\", async (t) => {});\n// test(\"another\"";
    let found = ["a title", "title", "another"].map(|name| has(Kind::Browser, script, name));
    assert_eq!(found, [true, false, false]);
}
