//! `cargo glance validate` as a person and as CI use it.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn validate(text: &str, arguments: &[&str]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
        .args(["validate", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    process.wait_with_output().unwrap()
}

const GOOD: &str = r#"{
  "key": "com.example.a", "name": "A", "description": "It.",
  "links": { "self": "https://a.example/" },
  "capabilities": {}
}"#;

#[test]
fn a_good_descriptor_passes() {
    let ended = validate(GOOD, &["--strict"]);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(
        String::from_utf8_lossy(&ended.stdout),
        "- has no problem.\n"
    );
}

#[test]
fn each_problem_points_into_the_text() {
    let ended = validate(&GOOD.replace("\"A\"", "7"), &[]);
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.starts_with("error[wrong-type]: "), "{said}");
    assert!(said.contains(" --> -:2:35\n"), "{said}");
    assert!(
        said.contains(&format!("  | {}^ /name\n", " ".repeat(34))),
        "{said}"
    );
    assert_eq!(
        String::from_utf8_lossy(&ended.stderr),
        "cargo glance: - has a problem\n"
    );
}

#[test]
fn programs_get_json() {
    let ended = validate(&GOOD.replace("https://a.example/", "/here"), &["--json"]);
    assert_eq!(ended.status.code(), Some(1));
    let problems: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(problems[0]["pointer"], "/links/self");
    assert_eq!(problems[0]["severity"], "error");
    assert_eq!(
        (&problems[0]["line"], &problems[0]["column"]),
        (&3.into(), &22.into())
    );
}

#[test]
fn warnings_fail_only_where_they_should() {
    let text = GOOD.replace(", \"description\": \"It.\"", "");
    assert!(validate(&text, &[]).status.success());
    assert_eq!(validate(&text, &["--strict"]).status.code(), Some(1));
}

#[test]
fn glance_data_is_checked_too() {
    let data = r#"{"label": {"type": "html", "value": ""}}"#;
    let ended = validate(data, &["--kind", "glance-data"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("^ /label/value"));
}

#[test]
fn what_cannot_be_read_is_one_sentence() {
    let no_json = validate("{\n  \"key\": ,\n}", &[]);
    assert_eq!(no_json.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&no_json.stderr).contains("-:2:10"),
        "{no_json:?}"
    );
    for source in ["no/such/file.json", "http://127.0.0.1:1/"] {
        let ended = Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
            .args(["validate", source])
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(1));
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(
            said.contains(source) && !said.contains("panicked"),
            "{said}"
        );
    }
}
