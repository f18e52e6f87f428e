//! The source of SDK and host for a new crate.

use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// The source of SDK and host for a new crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sdk {
    /// A checkout of Glance, by its root.
    Checkout(PathBuf),
    /// A Git repository, by its URL.
    Git(String),
    /// The registry, with a version requirement.
    Version(String),
}

impl Sdk {
    /// Parses `--sdk`: a version requirement, the URL of a Git repository, or the path of a
    /// checkout.
    ///
    /// # Errors
    ///
    /// Returns an error if it is none of these.
    pub(super) fn read(text: &str) -> Result<Self, CommandError> {
        let is_git = text.contains("://") || text.starts_with("git@") || text.ends_with(".git");
        if is_git && !text.contains(char::is_whitespace) {
            return Ok(Self::Git(text.to_owned()));
        }
        if is_requirement(text) {
            return Ok(Self::Version(text.to_owned()));
        }
        let path = Path::new(text);
        let folder = path.canonicalize().map_err(|cause| {
            CommandError::new(
                "bad-sdk",
                format!("--sdk {text} is not a version, not the URL of a Git repository, and not a folder ({cause})"),
                format!(
                    "use for example --sdk {}, or the root of a checkout",
                    env!("CARGO_PKG_VERSION")
                ),
            )
        })?;
        if is_checkout(&folder) {
            Ok(Self::Checkout(folder))
        } else {
            Err(CommandError::new(
                "bad-sdk",
                format!(
                    "--sdk {text} is not a checkout of Glance: it has no glance-sdk/Cargo.toml and \
                     glance-host/Cargo.toml"
                ),
                "use the root of a checkout",
            ))
        }
    }

    /// Returns the checkout that this program was built in or is run in; otherwise the version of
    /// this program, which was installed from the registry.
    pub(super) fn of_this_program() -> Self {
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let run_in = std::env::current_dir().unwrap_or_default();
        let mut checkouts = built_in.into_iter().chain(run_in.ancestors());
        match checkouts.find(|folder| is_checkout(folder)) {
            Some(folder) => Self::Checkout(folder.to_owned()),
            None => Self::Version(env!("CARGO_PKG_VERSION").to_owned()),
        }
    }

    /// Returns the dependency on one of the packages, as in Cargo.toml.
    pub(super) fn dependency(&self, package: &str, features: &[&str]) -> String {
        let mut keys = match self {
            Self::Checkout(folder) => {
                vec![format!(
                    "path = {}",
                    quoted(&folder.join(package).to_string_lossy())
                )]
            }
            Self::Git(address) => vec![format!("git = {}", quoted(address))],
            Self::Version(version) if features.is_empty() => return quoted(version),
            Self::Version(version) => vec![format!("version = {}", quoted(version))],
        };
        if !features.is_empty() {
            let features: Vec<_> = features.iter().map(|feature| quoted(feature)).collect();
            keys.push(format!("features = [{}]", features.join(", ")));
        }
        format!("{{ {} }}", keys.join(", "))
    }
}

/// Returns a TOML string, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns whether this is the root of a checkout. Cargo's copies from the registry have a version
/// in each folder's name.
fn is_checkout(folder: &Path) -> bool {
    ["glance-sdk", "glance-host"]
        .iter()
        .all(|package| folder.join(package).join("Cargo.toml").is_file())
}

/// Returns whether cargo may parse this as a version requirement, such as `0.1`, `^0.1.2` or
/// `>=0.1, <0.3`.
fn is_requirement(text: &str) -> bool {
    let comparators = text.split(',').map(str::trim);
    text.len() <= 100
        && comparators
            .map(|comparator| comparator.trim_start_matches(['^', '~', '=', '<', '>', ' ']))
            .all(|version| {
                version.starts_with(|c: char| c.is_ascii_digit())
                    && version.bytes().all(|b| {
                        b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'*')
                    })
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_urls_and_checkouts_are_distinguished() {
        for version in ["0.1", "0.1.0-alpha.1", "^0.1.2", ">=0.1, <0.3", "1.*"] {
            assert_eq!(Sdk::read(version), Ok(Sdk::Version(version.to_owned())));
        }
        for address in [
            "https://git.example.com/glance",
            "ssh://git@example.com/glance.git",
            "git@example.com:glance.git",
            "file:///srv/glance",
        ] {
            assert_eq!(Sdk::read(address), Ok(Sdk::Git(address.to_owned())));
        }
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let read = Sdk::read(&checkout.to_string_lossy());
        assert_eq!(read, Ok(Sdk::Checkout(checkout.canonicalize().unwrap())));
        for wrong in ["", "nowhere", "/", "0.1 0.2", "https://a b"] {
            assert!(Sdk::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn dependencies_are_toml() {
        let features = ["testing"];
        for (sdk, plain, with_features) in [
            (
                Sdk::Version("0.1".to_owned()),
                r#""0.1""#,
                r#"{ version = "0.1", features = ["testing"] }"#,
            ),
            (
                Sdk::Git("https://git.example.com/a".to_owned()),
                r#"{ git = "https://git.example.com/a" }"#,
                r#"{ git = "https://git.example.com/a", features = ["testing"] }"#,
            ),
            (
                Sdk::Checkout(PathBuf::from("/a \"b\"")),
                r#"{ path = "/a \"b\"/glance-sdk" }"#,
                r#"{ path = "/a \"b\"/glance-sdk", features = ["testing"] }"#,
            ),
        ] {
            assert_eq!(sdk.dependency("glance-sdk", &[]), plain);
            assert_eq!(sdk.dependency("glance-sdk", &features), with_features);
        }
    }
}
