//! Finds the program to build and the folders of its sources, with cargo's metadata.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use super::Arguments;
use crate::error::CommandError;

/// Returns the cargo that runs this command, or the one in the path.
pub(super) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The add-on's package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// The unambiguous id for `cargo build --package`.
    pub(super) id: String,
    pub(super) name: String,
    /// Its binary target.
    pub(super) program: String,
    /// The folder of its manifest.
    pub(super) folder: PathBuf,
    /// The folders of this package and of its local dependencies.
    pub(super) folders: BTreeSet<PathBuf>,
    /// The folder of the workspace's `Cargo.toml` and `Cargo.lock`.
    pub(super) workspace: PathBuf,
    /// The target folder.
    pub(super) target: PathBuf,
}

impl Package {
    /// Asks cargo for the package in the current folder.
    pub(super) async fn find(arguments: &Arguments) -> Result<Self, CommandError> {
        let mut command = Command::new(cargo());
        command.args(["metadata", "--format-version", "1"]);
        command.args(arguments.build.features());
        let output = command.kill_on_drop(true).output().await;
        let output = output.map_err(|cause| {
            CommandError::new(
                "no-cargo",
                format!("cannot start cargo: {cause}"),
                "install Rust from rustup.rs, or set CARGO to the program",
            )
        })?;
        if !output.status.success() {
            return Err(refused(&String::from_utf8_lossy(&output.stderr)));
        }
        let metadata = serde_json::from_slice(&output.stdout).map_err(|cause| {
            CommandError::new(
                "no-metadata",
                format!("the output of cargo metadata is not JSON: {cause}"),
                "run `cargo metadata --format-version 1` and fix its errors",
            )
        })?;
        let build = &arguments.build;
        Self::read(&metadata, build.package.as_deref(), build.bin.as_deref())
    }

    fn read(
        metadata: &Value,
        package: Option<&str>,
        program: Option<&str>,
    ) -> Result<Self, CommandError> {
        let packages = metadata["packages"].as_array();
        let packages: HashMap<_, _> = packages
            .into_iter()
            .flatten()
            .filter_map(|package| Some((package["id"].as_str()?, package)))
            .collect();
        let id = choose(metadata, &packages, package)?;
        let chosen = packages.get(id).copied().unwrap_or(&Value::Null);
        Ok(Self {
            id: id.to_owned(),
            name: chosen["name"].as_str().unwrap_or_default().to_owned(),
            program: choose_program(chosen, program)?,
            folder: folder(chosen).unwrap_or_default(),
            folders: local_folders(metadata, &packages, id),
            workspace: path(&metadata["workspace_root"]),
            target: path(&metadata["target_directory"]),
        })
    }
}

fn path(text: &Value) -> PathBuf {
    PathBuf::from(text.as_str().unwrap_or_default())
}

/// Returns the folder of a package's manifest.
fn folder(package: &Value) -> Option<PathBuf> {
    let manifest = Path::new(package["manifest_path"].as_str()?);
    manifest.parent().map(Path::to_owned)
}

/// Returns the error for a folder that cargo cannot describe.
fn refused(said: &str) -> CommandError {
    if said.contains("could not find `Cargo.toml`") {
        return CommandError::new(
            "no-crate",
            "there is no Cargo.toml in this folder or above it",
            "change into the add-on's folder, or create an add-on with `cargo glance new NAME`",
        );
    }
    let said = said.trim();
    let said = said.strip_prefix("error: ").unwrap_or(said);
    CommandError::new(
        "bad-manifest",
        format!("cargo cannot read this crate: {said}"),
        "fix cargo's error; `cargo metadata` shows it again",
    )
}

/// Returns the named package; or that of the current folder; or the only one of the workspace with
/// a program that uses the SDK.
fn choose<'m>(
    metadata: &'m Value,
    packages: &HashMap<&'m str, &'m Value>,
    requested: Option<&str>,
) -> Result<&'m str, CommandError> {
    let members = metadata["workspace_members"].as_array();
    let members = members.into_iter().flatten().filter_map(Value::as_str);
    let name = |id: &str| {
        packages
            .get(id)
            .and_then(|package| package["name"].as_str())
    };
    if let Some(requested) = requested {
        let mut members = members.clone();
        return members
            .find(|id| name(id) == Some(requested))
            .ok_or_else(|| {
                CommandError::new(
                    "no-package",
                    format!("the workspace has no package {requested:?}"),
                    "look at `members` in the workspace's Cargo.toml",
                )
            });
    }
    if let Some(root) = metadata["resolve"]["root"].as_str() {
        return Ok(root);
    }
    let add_ons: Vec<_> = members
        .filter(|id| packages.get(id).is_some_and(|package| is_add_on(package)))
        .collect();
    let names: Vec<_> = add_ons.iter().filter_map(|id| name(id)).collect();
    match add_ons[..] {
        [only] => Ok(only),
        [] => Err(CommandError::new(
            "no-package",
            "no package of this workspace is a program that depends on glance-sdk",
            "choose one with --package, or create one with `cargo glance new NAME`",
        )),
        _ => Err(CommandError::new(
            "several-packages",
            format!("this workspace has several add-ons: {}", names.join(", ")),
            "choose one with --package, or change into its folder",
        )),
    }
}

fn is_add_on(package: &Value) -> bool {
    let dependencies = package["dependencies"].as_array();
    let mut dependencies = dependencies.into_iter().flatten();
    dependencies.any(|one| one["name"] == "glance-sdk") && programs(package).next().is_some()
}

fn programs(package: &Value) -> impl Iterator<Item = &str> {
    let targets = package["targets"].as_array();
    targets
        .into_iter()
        .flatten()
        .filter(|target| {
            let kinds = target["kind"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
        })
        .filter_map(|target| target["name"].as_str())
}

fn choose_program(package: &Value, requested: Option<&str>) -> Result<String, CommandError> {
    let name = package["name"].as_str().unwrap_or_default();
    let all: Vec<_> = programs(package).collect();
    let default = requested.or(package["default_run"].as_str());
    if let Some(requested) = default {
        return match all.contains(&requested) {
            true => Ok(requested.to_owned()),
            false => Err(CommandError::new(
                "no-program",
                format!("the package {name} has no program {requested:?}"),
                format!("choose one of these with --bin: {}", all.join(", ")),
            )),
        };
    }
    match all[..] {
        [only] => Ok(only.to_owned()),
        [] => Err(CommandError::new(
            "no-program",
            format!("the package {name} has no program"),
            "add src/main.rs that serves the add-on: `add_on().serve().await`",
        )),
        _ => Err(CommandError::new(
            "several-programs",
            format!(
                "the package {name} has several programs: {}",
                all.join(", ")
            ),
            "choose one with --bin, or set `default-run` in Cargo.toml",
        )),
    }
}

/// Returns the folders of a package and of its local dependencies.
fn local_folders(
    metadata: &Value,
    packages: &HashMap<&str, &Value>,
    root: &str,
) -> BTreeSet<PathBuf> {
    let nodes = metadata["resolve"]["nodes"].as_array();
    let nodes: HashMap<_, _> = nodes
        .into_iter()
        .flatten()
        .filter_map(|node| Some((node["id"].as_str()?, &node["dependencies"])))
        .collect();
    let mut folders = BTreeSet::new();
    let mut seen = BTreeSet::from([root]);
    let mut next = vec![root];
    while let Some(id) = next.pop() {
        let local = packages
            .get(id)
            .filter(|package| package["source"].is_null());
        let Some(package) = local else { continue };
        folders.extend(folder(package));
        let dependencies = nodes.get(id).and_then(|ids| ids.as_array());
        let ids = dependencies.into_iter().flatten().filter_map(Value::as_str);
        next.extend(ids.filter(|id| seen.insert(id)));
    }
    folders
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, source: Value, programs: &[&str]) -> Value {
        let targets = programs
            .iter()
            .map(|name| json!({"kind": ["bin"], "name": name}));
        let library = json!({"kind": ["lib"], "name": name});
        json!({
            "id": format!("{name}#1"), "name": name, "source": source,
            "manifest_path": format!("/w/{name}/Cargo.toml"),
            "targets": targets.chain([library]).collect::<Vec<_>>(),
            "dependencies": [{"name": "glance-sdk"}],
        })
    }

    fn metadata(root: Value) -> Value {
        json!({
            "packages": [
                package("one", Value::Null, &["one"]),
                package("two", Value::Null, &["two", "import"]),
                package("kept", Value::Null, &[]),
                package("serde", json!("registry"), &[]),
            ],
            "workspace_members": ["one#1", "two#1", "kept#1"],
            "workspace_root": "/w", "target_directory": "/t",
            "resolve": {"root": root, "nodes": [
                {"id": "one#1", "dependencies": ["kept#1", "serde#1"]},
                {"id": "kept#1", "dependencies": ["one#1"]},
            ]},
        })
    }

    #[test]
    fn package_of_this_folder_is_found_with_its_local_dependencies() {
        let found = Package::read(&metadata(json!("one#1")), None, None).unwrap();
        assert_eq!(found.program, "one");
        assert_eq!(found.name, "one");
        let folders = ["/w/kept", "/w/one"].map(PathBuf::from);
        assert_eq!(found.folders, BTreeSet::from(folders));
        assert_eq!(found.target, Path::new("/t"));
    }

    #[test]
    fn ambiguous_choices_are_refused_with_names() {
        let code = |root, package, program| {
            let found = Package::read(&metadata(root), package, program);
            found.map_err(|error| (error.code().to_owned(), format!("{error:#}")))
        };
        let (several, said) = code(Value::Null, None, None).unwrap_err();
        assert_eq!(several, "several-packages");
        assert!(said.contains("one, two"), "{said}");
        let (several, said) = code(Value::Null, Some("two"), None).unwrap_err();
        assert_eq!(several, "several-programs");
        assert!(said.contains("two, import"), "{said}");
        assert_eq!(
            code(json!("kept#1"), None, None).unwrap_err().0,
            "no-program"
        );
        assert_eq!(
            code(Value::Null, Some("x"), None).unwrap_err().0,
            "no-package"
        );
        assert_eq!(
            code(json!("one#1"), None, Some("x")).unwrap_err().0,
            "no-program"
        );
        assert!(code(Value::Null, Some("two"), Some("import")).is_ok());
    }
}
