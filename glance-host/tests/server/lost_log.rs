//! A log that cannot be written.

use reqwest::StatusCode;

use crate::add_on::AddOn;
use crate::process::{Server, program};

#[tokio::test]
async fn lines_that_cannot_be_logged_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let settings = "sign_in.way = \"name\"\nlog.filter = \"debug\"\n";
    let mut server = Server::start(folder.path(), settings).await;
    server.close_log().await;
    let mut admin = server.browser();
    admin.say_name("Ann").await;
    let installed = admin.install(1, &add_on.url("one")).await.unwrap();
    assert!(installed.is_success(), "{installed}");
    let (id, secret) = add_on.installation("one");
    let token = server.token(&id, &secret).await.unwrap();
    server.notify(&token, "hello").await.unwrap();
    let health = server.client.get(server.url("/healthz")).send().await;
    assert_eq!(health.unwrap().status(), StatusCode::OK);
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn full_standard_output_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    for argument in ["--check", "--example-config"] {
        let mut command = program(folder.path());
        command.arg(argument).stdout(full());
        let process = command.spawn().unwrap();
        let output = process.wait_with_output().await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        let expected = "glance-host: cannot write to standard output: ";
        assert!(error.starts_with(expected), "{error}");
        let mut command = program(folder.path());
        command.arg(argument).stdout(full()).stderr(full());
        assert_eq!(command.status().await.unwrap().code(), Some(1));
    }
}
