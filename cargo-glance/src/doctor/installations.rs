//! Checks the installations in the add-on's store.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Url;

use super::environment;
use super::finding::Finding;
use crate::store_file;

/// The most hosts that are looked at one by one.
const MAX_HOSTS: usize = 20;

/// Checks the store that an add-on with this key has in the current folder unless its author chose another. Says where
/// it looked if there is none.
pub(super) async fn check_default(key: &str, base_url: Option<&Url>, findings: &mut Vec<Finding>) {
    // As AddOn::serve names it.
    let name = format!("{}.sqlite", key.replace(['/', '\\'], "_"));
    let file = Path::new(&name);
    match file.is_file() {
        true => check(file, base_url, findings).await,
        false => findings.push(Finding::warning(
            "store",
            format!("No store was checked: this folder has no {name}."),
            "run this in the add-on's folder, or name its file with --store; ignore this where it uses a database",
        )),
    }
}

/// Opens the store, decrypts its secrets, and checks whether the hosts in it may be called.
pub(super) async fn check(file: &Path, base_url: Option<&Url>, findings: &mut Vec<Finding>) {
    let bad = |text: String| {
        Finding::bad(
            "store",
            text,
            "check the file, its owner, and GLANCE_SECRET_KEYS",
        )
    };
    let store = match store_file::open(file) {
        Ok(store) => store,
        Err(error) => return findings.push(bad(error.message().to_owned())),
    };
    let installations = match store.list().await {
        Ok(installations) => installations,
        Err(error) => return findings.push(bad(format!("{error:#}"))),
    };
    let shown = file.display();
    findings.push(match installations.len() {
        0 => Finding::warning(
            "store",
            format!("{shown} has no installation."),
            "install the add-on, or check that the add-on uses this file",
        ),
        1 => Finding::good("store", format!("{shown} has one installation.")),
        count => Finding::good("store", format!("{shown} has {count} installations.")),
    });
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(file) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            findings.push(Finding::warning(
                "store",
                format!("Others can read the secrets in {shown}: its mode is {mode:o}."),
                format!("`chmod 600 {shown}`"),
            ));
        }
    }
    let hosts: BTreeSet<_> = installations
        .iter()
        .filter_map(|one| one.origin())
        .collect();
    for host in hosts.iter().take(MAX_HOSTS) {
        environment::egress(host, base_url, findings).await;
    }
}
