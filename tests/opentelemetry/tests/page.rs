//! The manual's page shows the code that is tested here.

use std::path::Path;

/// The Rust blocks of the page, without their fences.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        match &mut block {
            None if line.starts_with("```rust") => block = Some(String::new()),
            None => {}
            Some(_) if line == "```" => blocks.extend(block.take()),
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    blocks
}

#[test]
fn the_page_shows_this_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(folder.join("../../docs/opentelemetry.md")).unwrap();
    let shown = blocks(&page);
    let main = include_str!("../src/main.rs")
        .replace("use glance_opentelemetry::telemetry::", "use telemetry::");
    let expected = [
        include_str!("../src/telemetry.rs").to_owned(),
        format!("mod telemetry;\n\n{main}"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn the_page_names_these_dependencies() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(folder.join("../../docs/opentelemetry.md")).unwrap();
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let named: Vec<_> = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("glance-sdk"))
        .collect();
    assert!(named.len() > 5, "{named:?}");
    for line in named {
        assert!(page.contains(line), "{line}");
    }
}
