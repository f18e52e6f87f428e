//! Tests `cargo glance validate`, as people and CI use it.
#![allow(clippy::unwrap_used)]

#[path = "../../tests/skipped.rs"]
mod skipped;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use skipped::skipped;

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
fn valid_descriptor_passes() {
    let ended = validate(GOOD, &["--strict"]);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(
        String::from_utf8_lossy(&ended.stdout),
        "- has no problem.\n"
    );
}

#[test]
fn each_problem_has_position_in_text() {
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
        "error[invalid]: - has a problem\n  help: fix the problems on standard output, and check again\n"
    );
}

#[test]
fn json_output_is_for_programs() {
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
fn warnings_fail_only_with_strict() {
    let text = GOOD.replace(", \"description\": \"It.\"", "");
    assert!(validate(&text, &[]).status.success());
    assert_eq!(validate(&text, &["--strict"]).status.code(), Some(1));
}

#[test]
fn glance_data_is_checked() {
    let data = r#"{"label": {"type": "html", "value": ""}}"#;
    let ended = validate(data, &["--kind", "glance-data"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("^ /label/value"));
}

#[test]
fn unreadable_source_is_one_sentence() {
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

#[test]
fn unusual_parts_are_listed_with_positions() {
    let text = format!(
        "\u{feff}{}",
        GOOD.replace("\"A\"", "\"A \\ud83d\", \"key\": \"b\"")
    );
    let ended = validate(&text, &[]);
    assert!(ended.status.success(), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stdout);
    for words in [
        "warning[byte-order-mark]",
        "warning[lone-surrogate]",
        "--> -:2:38",
        "warning[duplicate-member]: this key stood in the same object before, at line 2 column 3;",
        "--> -:2:47",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let problems: Value = serde_json::from_slice(&validate(&text, &["--json"]).stdout).unwrap();
    assert_eq!(
        (&problems[2]["line"], &problems[2]["column"]),
        (&2.into(), &47.into())
    );
}

#[test]
fn jira_descriptor_is_recognized() {
    let ended = validate(r#"{"key": "k", "name": "J", "modules": {}}"#, &[]);
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        said.contains("a descriptor of Jira or Confluence"),
        "{said}"
    );
}

#[test]
fn values_are_escaped_and_cut() {
    let bad = format!("\\u001b[2J\u{202e}{}", "x".repeat(300_000));
    let text = GOOD.replace("\"capabilities\": {}", &format!(
        "\"vendor\": {{\"name\": \"V\", \"url\": \"u\", \"{bad}\": \"\u{9b}\"}}, \"capabilities\": {{\"webPanel\": [{{\"location\": \"{bad}\"}}]}}"
    ));
    let ended = validate(&text, &[]);
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        said.contains("unknown-member") && said.contains("unknown-value"),
        "{said}"
    );
    assert!(said.len() < 10_000, "{}", said.len());
    assert!(!said.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{said}");
}

#[test]
fn document_with_many_problems_is_reported_in_part() {
    let conditions = "1,".repeat(50_000);
    let text = GOOD.replace(
        "\"capabilities\": {}",
        &format!("\"capabilities\": {{\"webPanel\": [{{\"conditions\": [{conditions}1]}}]}}"),
    );
    let ended = validate(&text, &["--json"]);
    let problems: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let problems = problems.as_array().unwrap();
    assert_eq!(problems.len(), 101);
    assert_eq!(problems[100]["code"], "more-problems");
}

const TEMPLATE: &str = r#"{
  "key": "{{key}}", "name": "A", "description": "It.",
  "links": { "self": "{{localBaseUrl}}/atlassian-connect.json" },
  "capabilities": { "installable": { "callbackUrl": "${host}/installed" } }
}"#;

#[test]
fn template_placeholders_are_filled_and_listed() {
    let ended = validate(TEMPLATE, &["--strict"]);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(
        String::from_utf8_lossy(&ended.stderr),
        "note: ${host} is checked as https://add-on.example\n\
         note: {{key}} is checked as key\n\
         note: {{localBaseUrl}} is checked as https://add-on.example\n\
         note: --base-url sets the add-on's own address\n"
    );
    let ended = validate(TEMPLATE, &["--base-url", "https://a.example/x/"]);
    assert!(ended.status.success(), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("{{localBaseUrl}} is checked as https://a.example/x\n"),
        "{said}"
    );
    assert!(!said.contains("--base-url sets"), "{said}");
    let ended = validate(TEMPLATE, &["--base-url", "a.example"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).starts_with("error[bad-base-url]: "));
}

#[test]
fn content_of_url_is_checked_unchanged() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut head = [0; 4096];
        let _ = std::io::Read::read(&mut stream, &mut head).unwrap();
        let length = TEMPLATE.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{TEMPLATE}"
        )
        .unwrap();
    });
    let ended = Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
        .args(["validate", &url])
        .output()
        .unwrap();
    served.join().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("/links/self"), "{said}");
}

/// Descriptors from the repositories of add-ons.
#[test]
fn corpus_templates_have_no_placeholder_left() {
    let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
        skipped("GLANCE_CORPUS is not set, so there are no real descriptors");
        return;
    };
    let mut checked = 0;
    for file in std::fs::read_dir(format!("{corpus}/descriptors")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        if !text.contains("{{localBaseUrl}}") || checked == 10 {
            continue;
        }
        let ended = validate(&text, &["--json"]);
        let Ok(problems) = serde_json::from_slice::<Value>(&ended.stdout) else {
            continue;
        };
        checked += 1;
        assert!(
            !problems.to_string().contains("localBaseUrl"),
            "{problems:#}"
        );
    }
    assert_eq!(checked, 10);
}
