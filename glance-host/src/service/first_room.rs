//! The room that a host without any begins with.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::model::NewRoom;
use crate::service::rooms;
use crate::service::rooms::RoomError;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// Its name, as long as it may have to be made.
#[derive(Debug)]
pub(crate) struct FirstRoom(Mutex<Option<String>>);

impl FirstRoom {
    pub(crate) fn new(name: Option<String>) -> Self {
        Self(Mutex::new(name))
    }

    /// Makes it once somebody is there who can own it.
    pub(crate) async fn open(&self, shared: &Arc<Shared>) -> Result<(), StorageError> {
        let mut wanted = self.0.lock().await;
        let Some(name) = &*wanted else {
            return Ok(());
        };
        if shared.state.first_room().await?.is_none() {
            let Some(owner) = shared.steward().await? else {
                return Ok(());
            };
            let new = NewRoom {
                name: name.clone(),
                is_public: true,
                owner: owner.id,
                topic: String::new(),
            };
            match rooms::create(shared, &new).await {
                Ok(_) | Err(RoomError::Taken(_)) => {}
                Err(refused) => return Err(StorageError::other(refused)),
            }
        }
        *wanted = None;
        Ok(())
    }
}
