//! `cargo glance new` as a person uses it. That the crate it makes builds and passes its test,
//! `.ci/run` shows.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn new(folder: &Path, name: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
        .args(["new", name, "--into"])
        .arg(folder)
        .output()
        .unwrap()
}

#[test]
fn it_makes_a_crate_and_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let made = new(folder.path(), "stand-up");
    assert!(made.status.success(), "{made:?}");
    let read = |file| std::fs::read_to_string(folder.path().join("stand-up").join(file)).unwrap();
    assert!(read("Cargo.toml").contains("name = \"stand-up\""));
    assert!(read("src/lib.rs").contains("pub async fn stand_up_glance("));
    assert!(read("README.md").starts_with("# Stand up\n"));
    std::fs::write(folder.path().join("stand-up/src/lib.rs"), "mine").unwrap();

    let again = new(folder.path(), "stand-up");
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    assert_eq!(read("src/lib.rs"), "mine");
}

#[test]
fn what_cannot_be_made_is_said_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Stand Up", "../x", "type"] {
        let refused = new(folder.path(), name);
        assert_eq!(refused.status.code(), Some(1), "{name}");
        assert!(!String::from_utf8_lossy(&refused.stderr).contains("panicked"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
