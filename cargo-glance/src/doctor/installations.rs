//! Checks the installations in the add-on's store.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Url;

use super::environment;
use super::finding::Finding;
use crate::store_file;

/// The limit on the hosts that are checked individually.
const MAX_HOSTS: usize = 20;

/// Checks the store in the current folder that an add-on with this key has by default. Names the
/// missing file if there is none.
pub(super) async fn check_default(key: &str, base_url: Option<&Url>, findings: &mut Vec<Finding>) {
    // The file name that AddOn::serve uses.
    let name = format!("{}.sqlite", key.replace(['/', '\\'], "_"));
    let file = Path::new(&name);
    match file.is_file() {
        true => check(file, base_url, findings).await,
        false => findings.push(Finding::warning(
            "store",
            format!("No store was checked: this folder has no {name}."),
            "run this in the add-on's folder, or choose its file with --store; ignore this if it uses another database",
        )),
    }
}

/// Opens the store, decrypts its secrets, and checks that the add-on may call the hosts in it.
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
            format!("{shown} has no installations."),
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
