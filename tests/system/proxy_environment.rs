//! Tests that calls on one machine work, whatever proxy the environment contains.

use tokio::process::Command;

/// Tests that install add-ons, query glances, push, notify, deliver webhooks and open pages.
const TESTS: [&str; 4] = [
    "add_on_egress::operator_allows_networks",
    "push::",
    "notifications::",
    "webhooks::",
];

#[tokio::test]
async fn in_process_tests_pass_behind_a_dead_proxy() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(TESTS);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:1");
        command.env(name.to_lowercase(), "http://127.0.0.1:1");
    }
    for name in ["NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("running 0 tests"), "{said}");
}
