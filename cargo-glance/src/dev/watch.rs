//! Detects when the add-on's sources are saved.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::package::Package;
use crate::error::CommandError;

/// The folders of a package that are watched recursively.
const FOLDERS: [&str; 8] = [
    "assets",
    "locales",
    "migrations",
    "public",
    "src",
    "static",
    "templates",
    "www",
];

/// The files beside them that are watched, in any folder.
const FILES: [&str; 4] = [
    "Cargo.lock",
    "Cargo.toml",
    "build.rs",
    "rust-toolchain.toml",
];

/// The types of files in a package's own folder that a program may contain, such as its icon.
const KINDS: [&str; 10] = [
    "css", "gif", "html", "ico", "js", "json", "png", "sql", "svg", "txt",
];

/// The time without changes after which a change counts: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(60);

/// The time after which continuous changes count anyway.
const LONGEST: Duration = Duration::from_secs(1);

/// The limit on queued changes, which suffices because only one of them is shown.
const MAX_WAITING: usize = 64;

/// The sources of an add-on.
pub(super) struct Watch {
    changes: mpsc::Receiver<PathBuf>,
    watcher: RecommendedWatcher,
    relevant: Arc<Relevant>,
}

impl Watch {
    /// Watches the folders of the package, and all additional paths.
    pub(super) fn start(package: &Package, also: &[PathBuf]) -> Result<Self, CommandError> {
        let (changed, changes) = mpsc::channel(MAX_WAITING);
        let relevant = Arc::new(Relevant::new(package, also));
        let filter = Arc::clone(&relevant);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            // A new owner or access time does not change the program.
            let is_save = !matches!(
                event.kind,
                EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_))
            );
            if is_save {
                // If the channel is full, the queued changes suffice to build again.
                let paths = event.paths.into_iter().filter(|path| filter.is(path));
                paths.for_each(|path| drop(changed.try_send(path)));
            }
        });
        let watcher = watcher.map_err(|cause| unwatched(&package.folder, &cause))?;
        let mut watch = Self {
            changes,
            watcher,
            relevant,
        };
        watch.follow()?;
        Ok(watch)
    }

    /// Watches every existing folder. The parent's watch detects new folders.
    fn follow(&mut self) -> Result<(), CommandError> {
        let Relevant { roots, also, .. } = &*self.relevant;
        let whole = roots
            .iter()
            .flat_map(|root| FOLDERS.map(|name| root.join(name)));
        let whole = whole.filter(|folder| folder.is_dir());
        let whole = whole.chain(also.iter().cloned());
        let flat = roots.iter().cloned();
        let all = whole
            .map(|folder| (folder, RecursiveMode::Recursive))
            .chain(flat.map(|folder| (folder, RecursiveMode::NonRecursive)));
        for (folder, mode) in all {
            let watched = self.watcher.watch(&folder, mode);
            watched.map_err(|cause| unwatched(&folder, &cause))?;
        }
        Ok(())
    }

    /// Waits for a change and for the quiet after it. Returns one of the files.
    pub(super) async fn changed(&mut self) -> PathBuf {
        let Some(first) = self.changes.recv().await else {
            // The watcher holds the sender, and `self` holds the watcher.
            return std::future::pending().await;
        };
        let mut paths = vec![first];
        let end = Instant::now() + LONGEST;
        loop {
            let quiet = (Instant::now() + QUIET).min(end);
            match timeout_at(quiet, self.changes.recv()).await {
                Ok(Some(path)) if Instant::now() < end => {
                    if paths.len() == MAX_WAITING {
                        paths.remove(0);
                    }
                    paths.push(path);
                }
                _ => break,
            }
        }
        // A folder may be new.
        if let Err(error) = self.follow() {
            tracing::warn!(%error, "watching a folder failed");
        }
        visible_file(paths)
    }
}

/// Returns the changed file that people know: editors also write and rename temporary files.
fn visible_file(mut paths: Vec<PathBuf>) -> PathBuf {
    let known = paths.iter().rposition(|path| path.exists());
    paths.swap_remove(known.unwrap_or_default())
}

fn unwatched(path: &Path, cause: &notify::Error) -> CommandError {
    let help = match cause.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "the system's limit is reached: raise it with `sysctl fs.inotify.max_user_watches=524288`"
        }
        notify::ErrorKind::PathNotFound => "check the path in --watch",
        _ => "check that the folder can be read",
    };
    let what = format!("cannot watch {}: {cause}", path.display());
    CommandError::new("no-watch", what, help)
}

/// Decides which files are relevant.
struct Relevant {
    roots: BTreeSet<PathBuf>,
    also: Vec<PathBuf>,
    target: PathBuf,
}

impl Relevant {
    fn new(package: &Package, also: &[PathBuf]) -> Self {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let mut roots = package.folders.clone();
        roots.insert(package.workspace.clone());
        Self {
            roots,
            also: also.iter().map(absolute).collect(),
            target: package.target.clone(),
        }
    }

    fn is(&self, path: &Path) -> bool {
        if path.starts_with(&self.target) || is_temporary(path) {
            return false;
        }
        if self.also.iter().any(|also| path.starts_with(also)) {
            return true;
        }
        let is_in = |root: &PathBuf| {
            let Ok(below) = path.strip_prefix(root) else {
                return false;
            };
            let mut parts = below.iter();
            let first = parts.next().unwrap_or_default();
            let is_folder = FOLDERS.iter().any(|name| first == *name);
            is_folder || (parts.next().is_none() && is_file_of_a_package(first))
        };
        self.roots.iter().any(is_in)
    }
}

fn is_file_of_a_package(name: &OsStr) -> bool {
    let kind = Path::new(name).extension();
    FILES.iter().any(|file| name == *file) || KINDS.iter().any(|it| kind == Some(OsStr::new(it)))
}

/// Returns whether the file is an editor's temporary file.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Vim tests write access with a file of this name.
    name == "4913"
        || name.starts_with(['.', '#'])
        || name.ends_with('~')
        || [".swp", ".swx", ".tmp", ".bak", ".orig"]
            .iter()
            .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_file_is_named_instead_of_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let saved = folder.path().join("lib.rs");
        std::fs::write(&saved, "").unwrap();
        let renamed = folder.path().join("lib.rs.1");
        let gone = folder.path().join("lib.rs.2");
        let paths = vec![renamed.clone(), saved.clone(), gone.clone()];
        assert_eq!(visible_file(paths), saved);
        assert_eq!(visible_file(vec![gone.clone(), renamed]), gone);
    }

    #[test]
    fn sources_are_relevant_and_output_is_not() {
        let package = Package {
            id: String::new(),
            name: String::new(),
            program: String::new(),
            folder: "/w/a".into(),
            folders: ["/w/a", "/lib"].map(PathBuf::from).into(),
            workspace: "/w".into(),
            target: "/w/a/src/target".into(),
        };
        let relevant = Relevant::new(&package, &["/data/feed.xml".into()]);
        for path in [
            "/w/a/src/lib.rs",
            "/w/a/src/deep/er/x.rs",
            "/w/a/templates/panel.html",
            "/w/a/templates",
            "/w/a/icon.svg",
            "/w/a/Cargo.toml",
            "/w/a/build.rs",
            "/w/Cargo.lock",
            "/lib/src/lib.rs",
            "/data/feed.xml",
        ] {
            assert!(relevant.is(Path::new(path)), "{path}");
        }
        for path in [
            "/w/a/src/target/debug/a",
            "/w/a/com.example.a.sqlite",
            "/w/a/com.example.a.sqlite-wal",
            "/w/a/src/.lib.rs.swp",
            "/w/a/src/lib.rs~",
            "/w/a/src/4913",
            "/w/a/tests/a.rs",
            "/w/a/notes/todo.svg",
            "/w/a/out.log",
            "/data/other.xml",
        ] {
            assert!(!relevant.is(Path::new(path)), "{path}");
        }
    }
}
