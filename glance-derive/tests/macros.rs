//! Tests that the macros compile valid add-ons and report errors in invalid ones.

#![allow(clippy::unwrap_used)]

mod agreement;
mod attribute_types;
mod lowering;
#[path = "../../tests/skipped.rs"]
mod skipped;

use std::process::Command;

use skipped::skipped;

/// The version of the compiler whose messages the tests expect. Other versions phrase them
/// differently.
const WRITTEN_WITH: &str = "rustc 1.95.";

#[test]
fn macros_compile_or_report_the_expected_errors() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    let version = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if version.starts_with(WRITTEN_WITH) {
        cases.compile_fail("tests/ui/fail/*.rs");
    } else {
        skipped(&format!(
            "the expected messages are those of {WRITTEN_WITH}x, but the compiler is {}",
            version.trim_end()
        ));
    }
}
