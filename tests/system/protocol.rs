//! The page that says what the host does names tests that there are.

use std::path::Path;

#[test]
fn each_test_that_the_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/protocol.md")).unwrap();
    let words = page.split('`').skip(1).step_by(2);
    let mut named = 0;
    for (module, test) in words.filter_map(|word| word.split_once("::")) {
        if module == "module" {
            continue;
        }
        let file = root.join(format!("tests/system/{module}.rs"));
        let source = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(source.contains(&format!("fn {test}(")), "{module}::{test}");
        named += 1;
    }
    assert!(named > 60, "{named}");
}
