//! Installs or updates an add-on for a script. A script approves a descriptor by its digest.

use glance_sdk::model::{OauthId, RoomId};
use glance_sdk::validate::Problem;

use super::approval::Approval;
use super::{InstallError, Installer, ReadDescriptor, needs_browser};
use crate::model::{InstallationQuery, Installed, Place};
use crate::storage::StorageError;

/// The change that a script caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Installed,
    Updated,
    /// The installation has this descriptor already.
    Unchanged,
}

/// The result of a request.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) outcome: Outcome,
    pub(crate) id: OauthId,
    /// The digest of the installed descriptor.
    pub(crate) digest: String,
    pub(crate) warnings: Vec<Problem>,
}

/// The reason why nothing was installed or updated.
#[derive(Debug)]
pub(crate) enum ScriptError {
    /// The descriptor is not the approved one. Its digest approves these requests.
    OtherDescriptor {
        digest: String,
        requests: Approval,
    },
    /// The descriptor of an installed add-on requests more than before. Its digest approves that.
    NeedsApproval {
        name: String,
        digest: String,
        requests: Approval,
    },
    /// The add-on has to be installed in a browser, from its descriptor at this URL.
    NeedsBrowser {
        name: String,
        url: String,
    },
    Install(InstallError),
}

impl From<InstallError> for ScriptError {
    fn from(error: InstallError) -> Self {
        Self::Install(error)
    }
}

impl From<StorageError> for ScriptError {
    fn from(error: StorageError) -> Self {
        Self::Install(error.into())
    }
}

impl Installer {
    /// Installs an add-on in a room or in all rooms, or updates its installation there. With a digest it installs only
    /// the descriptor that has it; without one, an update may not request more than before.
    pub(crate) async fn install_for_script(
        &self,
        url: &str,
        room: Option<RoomId>,
        approved_digest: Option<&str>,
    ) -> Result<Applied, ScriptError> {
        let read = self.read(url).await?;
        if approved_digest.is_some_and(|digest| digest != read.digest) {
            return Err(ScriptError::OtherDescriptor {
                requests: Approval::of_new(&read.descriptor),
                digest: read.digest,
            });
        }
        let digest = read.digest.clone();
        let warnings = read.warnings.clone();
        let (outcome, id) = match self.installed_in(&read.descriptor.key, room).await? {
            Some(installed) => {
                let is_approved = approved_digest.is_some();
                let outcome = self.update_if_approved(&installed, read, is_approved);
                (outcome.await?, installed.oauth_id)
            }
            None => {
                self.check(&read.descriptor, room).await?;
                if needs_browser(&read.descriptor) {
                    return Err(ScriptError::NeedsBrowser {
                        name: read.descriptor.name,
                        url: read.url,
                    });
                }
                let installed = self.install_read(read, room).await?;
                (Outcome::Installed, installed.oauth_id)
            }
        };
        Ok(Applied {
            outcome,
            id,
            digest,
            warnings,
        })
    }

    async fn update_if_approved(
        &self,
        installed: &Installed,
        read: ReadDescriptor,
        is_approved: bool,
    ) -> Result<Outcome, ScriptError> {
        if read.url == installed.descriptor_url && read.descriptor == installed.descriptor {
            return Ok(Outcome::Unchanged);
        }
        if !is_approved
            && let Some(requests) = Approval::needed((&read.url, &read.descriptor), installed)
        {
            return Err(ScriptError::NeedsApproval {
                name: read.descriptor.name,
                digest: read.digest,
                requests,
            });
        }
        self.replace(installed, read).await?;
        Ok(Outcome::Updated)
    }

    /// Returns the accepted installation of an add-on in exactly this place.
    async fn installed_in(
        &self,
        key: &str,
        room: Option<RoomId>,
    ) -> Result<Option<Installed>, StorageError> {
        let query = InstallationQuery {
            key: Some(key.to_owned()),
            place: Some(room.map_or(Place::Global, Place::Room)),
            ..InstallationQuery::default()
        };
        let found = self.storage.list_installations(&query, None, 1).await?;
        let accepted = found.into_iter().find(|one| one.is_accepted);
        Ok(accepted.map(|one| one.installed))
    }
}
