//! Opens the file with an add-on's installations, beside the add-on.

use std::path::Path;
use std::sync::Arc;

use glance_sdk::model::{OauthId, RoomId};
use glance_sdk::store::{EncryptedStore, Installation, InstallationStore, Keyring, SqliteStore};

use crate::error::CommandError;

/// The limit on the installations in a message.
const MAX_NAMED: usize = 20;

/// Opens an existing store, and decrypts its secrets with the keys in `GLANCE_SECRET_KEYS` if that
/// is set. Never creates a file.
pub(crate) fn open(file: &Path) -> Result<Arc<dyn InstallationStore>, CommandError> {
    let shown = file.display();
    if !file.is_file() {
        return Err(CommandError::new(
            "no-store",
            format!("there is no store {shown}"),
            "use the add-on's file, such as com.example.standup.sqlite in its folder",
        ));
    }
    let help = "use the SQLite file with the add-on's installations";
    let store = SqliteStore::open(file);
    let store =
        store.map_err(|error| CommandError::new("bad-store", format!("{error:#}"), help))?;
    let keyring = Keyring::from_env().map_err(|error| {
        let help = "set GLANCE_SECRET_KEYS like for the add-on";
        CommandError::new("bad-keys", format!("{error:#}"), help)
    })?;
    Ok(match keyring {
        Some(keyring) => Arc::new(EncryptedStore::new(store, keyring)),
        None => Arc::new(store),
    })
}

/// Returns the error for a failing store.
pub(crate) fn failed(error: glance_sdk::Error) -> CommandError {
    CommandError::new(
        "bad-store",
        format!("{error:#}"),
        "check the file, and GLANCE_SECRET_KEYS if secrets are encrypted",
    )
}

/// Returns the installation with this id; or, without an id, the only installation, in this room if
/// one is given.
pub(crate) async fn find(
    store: &dyn InstallationStore,
    id: Option<&str>,
    room: Option<RoomId>,
) -> Result<Installation, CommandError> {
    if let Some(id) = id {
        let found = store.get(&OauthId::from(id.to_owned())).await;
        return found.map_err(failed)?.ok_or_else(|| {
            CommandError::new(
                "no-installation",
                format!("the store has no installation {id}"),
                "omit --installation to see the installations",
            )
        });
    }
    let all = store.list().await.map_err(failed)?;
    let mut fitting = all.into_iter().filter(|installation| {
        room.is_none() || installation.room_id().is_none() || installation.room_id() == room
    });
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(CommandError::new(
            "no-installation",
            "the store has no installation for this",
            "install the add-on first, or name another --store",
        )),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(fitting).take(MAX_NAMED);
            let names = all.map(|installation| {
                let room = installation.room_id();
                let room = room.map_or("the whole group".to_owned(), |room| format!("room {room}"));
                format!("\n  {} in {room}", installation.oauth_id())
            });
            let names: String = names.collect();
            Err(CommandError::new(
                "several-installations",
                format!("the store has several installations:{names}"),
                "choose one with --installation",
            ))
        }
    }
}
