//! Writes a new crate atomically: all files or none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use glance_sdk::addon::interrupted;
use tokio::process::Command;
use tokio::task::spawn_blocking;

use crate::error::CommandError;

const HELP: &str = "choose another name, or another folder with --into";

/// Whether the person has cancelled the command.
#[derive(Debug, Clone, Default)]
struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), CommandError> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(CommandError::interrupted()),
            false => Ok(()),
        }
    }
}

/// Returns the error for an existing folder of the crate.
pub(super) fn exists(folder: &Path) -> CommandError {
    CommandError::new(
        "folder-exists",
        format!("{} exists already", folder.display()),
        HELP,
    )
}

/// Writes and formats the files in a folder beside the crate's, and renames it at the end. Other
/// programs therefore see all files or none, also after Ctrl-C or on a full disk.
pub(super) async fn create(
    into: &Path,
    name: &str,
    files: Vec<(&'static str, String)>,
) -> Result<(), CommandError> {
    let folder = into.join(name);
    // Ctrl-C counts from here on, before there is anything to remove.
    let ended = interrupted();
    tokio::pin!(ended);
    let cancelled = Cancelled::default();
    let sources: Vec<_> = files
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| path.ends_with(".rs"))
        .collect();
    let (into, name, seen) = (into.to_owned(), name.to_owned(), cancelled.clone());
    let mut writing = spawn_blocking(move || write(&into, &name, &files, &seen));
    let partial = tokio::select! {
        written = &mut writing => written,
        () = &mut ended => {
            cancelled.set();
            writing.await
        }
    };
    let failed = |cause| {
        CommandError::new(
            "not-created",
            format!("the crate was not written: {cause}"),
            HELP,
        )
    };
    let partial = partial.map_err(failed)??;
    cancelled.check()?;
    tokio::select! {
        () = format(&partial.folder, &sources) => {}
        () = &mut ended => return Err(CommandError::interrupted()),
    }
    partial.finish(&folder)
}

/// Writes the files into a folder beside the crate's.
fn write(
    into: &Path,
    name: &str,
    files: &[(&'static str, String)],
    cancelled: &Cancelled,
) -> Result<Partial, CommandError> {
    let folder = into.join(name);
    if folder.symlink_metadata().is_ok() {
        return Err(exists(&folder));
    }
    let partial = Partial::new(into, name)?;
    for (path, text) in files {
        cancelled.check()?;
        let path = partial.folder.join(path);
        let write = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, text)
        };
        write().map_err(|cause| failed(&path, &cause))?;
    }
    Ok(partial)
}

/// A temporary folder that is removed unless it is finished, together with the parent folders that
/// were created for it.
struct Partial {
    folder: PathBuf,
    /// The created parent folders, the innermost first.
    made: Vec<PathBuf>,
    is_finished: bool,
}

impl Partial {
    fn new(into: &Path, name: &str) -> Result<Self, CommandError> {
        let missing = into
            .ancestors()
            .filter(|folder| !folder.as_os_str().is_empty());
        let made = missing
            .take_while(|folder| !folder.exists())
            .map(Path::to_owned);
        let mut partial = Self {
            // No other process has this number while this one runs.
            folder: into.join(format!(".{name}.{}.partial", std::process::id())),
            made: made.collect(),
            is_finished: false,
        };
        let made = fs::create_dir_all(into).and_then(|()| fs::create_dir(&partial.folder));
        made.map_err(|cause| {
            let error = failed(&partial.folder, &cause);
            if cause.kind() == io::ErrorKind::AlreadyExists {
                // The folder belongs to another program, so it is not removed.
                partial.is_finished = true;
            }
            error
        })?;
        Ok(partial)
    }

    fn finish(mut self, folder: &Path) -> Result<(), CommandError> {
        fs::rename(&self.folder, folder).map_err(|cause| match folder.symlink_metadata() {
            Ok(_) => exists(folder),
            Err(_) => failed(folder, &cause),
        })?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_dir_all(&self.folder);
            for folder in &self.made {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

fn failed(path: &Path, cause: &io::Error) -> CommandError {
    CommandError::new(
        "not-created",
        format!("cannot create {}: {cause}", path.display()),
        "choose a folder that you may write to with --into, and look for free space",
    )
}

/// Formats the crate: the length of lines depends on its name. Without rustfmt the files stay
/// unformatted.
async fn format(folder: &Path, sources: &[&str]) {
    let rustfmt = Command::new("rustfmt")
        .args(["--quiet", "--edition", "2024"])
        .args(sources.iter().map(|path| folder.join(path)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    if let Ok(mut rustfmt) = rustfmt {
        let _ = rustfmt.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn crate_is_written_completely() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("a/b");
        let files = [
            ("src/lib.rs", "fn  x(){}".to_owned()),
            ("b.txt", "x".to_owned()),
        ];
        create(&into, "new", files.to_vec()).await.unwrap();
        assert_eq!(entries(&into), ["new"]);
        assert_eq!(fs::read_to_string(into.join("new/b.txt")).unwrap(), "x");
        let again = create(&into, "new", files.to_vec()).await.unwrap_err();
        assert_eq!(again.code(), "folder-exists");
        assert_eq!(entries(&into), ["new"]);
    }

    #[test]
    fn failed_or_cancelled_crate_leaves_no_files() {
        let folder = tempfile::tempdir().unwrap();
        // A file occupies the path of a required folder.
        let files = [("a", "x".to_owned()), ("a/b", "x".to_owned())];
        for into in [folder.path().to_owned(), folder.path().join("made/for/it")] {
            let error = write(&into, "new", &files, &Cancelled::default())
                .err()
                .unwrap();
            assert_eq!(error.code(), "not-created");
            assert_eq!(entries(folder.path()), [""; 0]);
            let cancelled = Cancelled::default();
            cancelled.set();
            let error = write(&into, "new", &files[..1], &cancelled).err().unwrap();
            assert_eq!(error, CommandError::interrupted());
            assert_eq!(entries(folder.path()), [""; 0]);
        }
    }
}
