//! The cargo workspace that contains a new crate.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The cargo workspace that contains a new crate.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Workspace {
    /// Glance's own workspace, of which new add-ons are not members.
    Glance,
    /// Another workspace, by its Cargo.toml.
    Another(PathBuf),
}

impl Workspace {
    /// Returns the workspace around this folder, which need not exist.
    pub(super) fn around(folder: &Path) -> Option<Self> {
        let folder = std::path::absolute(folder).ok()?;
        let manifests = folder
            .ancestors()
            .skip(1)
            .map(|folder| folder.join("Cargo.toml"));
        let (manifest, _) = manifests
            .filter_map(|manifest| {
                let text = std::fs::read_to_string(&manifest).ok()?;
                let table = text.parse::<toml::Table>().ok()?;
                Some((manifest, table))
            })
            .find(|(_, table)| table.contains_key("workspace"))?;
        let is_glance = manifest.with_file_name("glance-sdk").is_dir()
            && manifest.with_file_name("cargo-glance").is_dir();
        Some(match is_glance {
            true => Self::Glance,
            false => Self::Another(manifest),
        })
    }
}

/// Returns whether cargo treats the crate in this folder as a member of the workspace around it.
pub(super) fn is_member(folder: &Path) -> bool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
