//! Tests `cargo glance new`. The script `.ci/templates` tests that the created crates build and
//! pass their tests.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

const TEMPLATES: [&str; 5] = ["minimal", "push", "webhook", "settings", "runtime"];

fn new(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
        .arg("new")
        .args(arguments)
        .arg("--into")
        .arg(folder)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn new_creates_crate_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let created = new(folder.path(), &["stand-up"]);
    assert!(created.status.success(), "{created:?}");
    assert!(
        text(&created).contains("  cargo glance dev --open "),
        "{created:?}"
    );
    let read = |file| std::fs::read_to_string(folder.path().join("stand-up").join(file)).unwrap();
    assert!(read("Cargo.toml").contains("name = \"stand-up\""));
    assert!(read("src/lib.rs").contains("pub async fn stand_up_glance("));
    assert!(read("README.md").starts_with("# Stand up\n"));
    std::fs::write(folder.path().join("stand-up/src/lib.rs"), "mine").unwrap();

    let again = new(folder.path(), &["stand-up"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again).contains("exists already"), "{again:?}");
    assert_eq!(read("src/lib.rs"), "mine");
}

#[test]
fn every_template_has_repository_files() {
    let folder = tempfile::tempdir().unwrap();
    for template in TEMPLATES {
        let created = new(folder.path(), &[template, "--template", template]);
        assert!(created.status.success(), "{created:?}");
        let read = |file| {
            let path = folder.path().join(template).join(file);
            std::fs::read_to_string(&path)
                .unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
        };
        for file in [
            ".dockerignore",
            ".github/workflows/ci.yml",
            "Dockerfile",
            "icon.svg",
            "tests/glance.rs",
        ] {
            assert!(!read(file).is_empty(), "{template} {file}");
        }
        assert!(read(".gitignore").contains("*.sqlite-wal"));
        assert!(
            read("src/main.rs").contains("log::start();"),
            "{template} does not log"
        );
        let (manifest, readme) = (read("Cargo.toml"), read("README.md"));
        assert!(manifest.contains("features = [\"testing\"]"), "{manifest}");
        // This program was built in a checkout.
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let sdk = format!(
            "glance-sdk = {{ path = \"{}\" }}",
            here.join("glance-sdk").display()
        );
        assert!(manifest.contains(&sdk), "{manifest}");
        // The README lists every source file.
        for source in std::fs::read_dir(folder.path().join(template).join("src")).unwrap() {
            let file = source.unwrap().file_name().into_string().unwrap();
            assert!(
                readme.contains(&format!("| `src/{file}` |")),
                "{template} {file}: {readme}"
            );
        }
    }
}

#[test]
fn source_of_sdk_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sdk, expected) in [
        ("a", "0.1", "glance-sdk = \"0.1\""),
        (
            "b",
            "https://git.example.com/glance",
            "glance-sdk = { git = \"https://git.example.com/glance\" }",
        ),
    ] {
        let created = new(folder.path(), &[name, "--sdk", sdk]);
        assert!(created.status.success(), "{created:?}");
        let manifest = folder.path().join(name).join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        assert!(manifest.contains(expected), "{manifest}");
    }
    let refused = new(folder.path(), &["c", "--sdk", "nowhere"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused).contains("the root of a checkout"),
        "{refused:?}"
    );
    assert!(!folder.path().join("c").exists());
}

#[test]
fn error_names_the_surrounding_workspace_that_must_change() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("Cargo.toml");
    std::fs::write(
        &manifest,
        "[workspace]\nresolver = \"3\"\nmembers = [\"add-ons/*\"]\n",
    )
    .unwrap();

    let outside = new(folder.path(), &["outside"]);
    assert!(outside.status.success(), "{outside:?}");
    assert!(
        text(&outside).contains("Add it to `members`"),
        "{outside:?}"
    );
    let member = new(&folder.path().join("add-ons"), &["member"]);
    assert!(member.status.success(), "{member:?}");
    assert!(!text(&member).contains("members"), "{member:?}");
}

#[test]
fn failed_creation_leaves_no_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Stand Up", "../x", "type"] {
        let refused = new(folder.path(), &[name]);
        assert_eq!(refused.status.code(), Some(1), "{name}");
        assert!(
            text(&refused).starts_with("error[bad-name]: "),
            "{refused:?}"
        );
        assert!(text(&refused).contains("\n  help: "), "{refused:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Sends Ctrl-C while the files exist but the crate does not: rustfmt stands for any slow step.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_files_of_unfinished_crate() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::ExitStatusExt as _;

    let folder = tempfile::tempdir().unwrap();
    let tools = tempfile::tempdir().unwrap();
    let started = tools.path().join("started");
    let fifo = Command::new("mkfifo").arg(&started).status().unwrap();
    assert!(fifo.success());
    let rustfmt = tools.path().join("rustfmt");
    let script = format!(
        "#!/bin/sh\necho started >'{}'\nexec tail -f /dev/null\n",
        started.display()
    );
    std::fs::write(&rustfmt, script).unwrap();
    std::fs::set_permissions(&rustfmt, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(
        std::iter::once(tools.path().to_owned()).chain(std::env::split_paths(&path)),
    );

    let process = Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
        .args(["new", "stand-up", "--into"])
        .arg(folder.path().join("made/for/it"))
        .env("PATH", path.unwrap())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Opens after the other end has opened it, when rustfmt runs.
    assert_eq!(std::fs::read_to_string(&started).unwrap(), "started\n");
    let into = folder.path().join("made/for/it");
    let entries: Vec<_> = std::fs::read_dir(&into).unwrap().collect();
    assert_eq!(entries.len(), 1);
    assert!(!into.join("stand-up").exists());

    let id = process.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let ended = process.wait_with_output().unwrap();
    assert_eq!(
        (ended.status.code(), ended.status.signal()),
        (Some(130), None)
    );
    assert!(
        text(&ended).starts_with("error[interrupted]: "),
        "{ended:?}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
