//! The macros as an author meets them.

#![allow(clippy::unwrap_used)]

mod agreement;
mod attribute_types;
mod lowering;

use std::process::Command;

/// The compiler whose words the expected messages are; another says the same in others.
const WRITTEN_WITH: &str = "rustc 1.95.";

#[test]
fn what_should_compile_does_and_what_should_not_says_why() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    let version = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if version.starts_with(WRITTEN_WITH) {
        cases.compile_fail("tests/ui/fail/*.rs");
    } else {
        eprintln!("skipped: the expected messages are those of {WRITTEN_WITH}, this is {version}");
    }
}
