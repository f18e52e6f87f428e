//! Installations whose rows were parsed before. Parsing a descriptor takes longer than everything else that most calls
//! to the host do.

use std::fmt;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rusqlite::Row;

use super::error::corrupt;
use super::installations::installed;
use super::rows::room;
use crate::model::Installed;

/// The largest size of all descriptors in the cache, in bytes of their text.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The number of descriptors of a usual size that fit.
const USUAL_NUMBER: usize = 4096;

/// A cache that is never wrong: it compares the row with the one that it parsed.
pub(super) struct ParsedInstallations(Cache<String, Arc<Parsed>, TextLength>);

struct Parsed {
    descriptor: String,
    installed: Arc<Installed>,
}

#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<Parsed>> for TextLength {
    fn weight(&self, _: &String, parsed: &Arc<Parsed>) -> u64 {
        parsed.descriptor.len() as u64 + 1
    }
}

impl Default for ParsedInstallations {
    fn default() -> Self {
        Self(Cache::with_weighter(USUAL_NUMBER, MAX_BYTES, TextLength))
    }
}

impl fmt::Debug for ParsedInstallations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ParsedInstallations")
            .field(&self.0.len())
            .finish()
    }
}

impl ParsedInstallations {
    /// Reads a row whose first columns are those of an installation.
    pub(super) fn read(&self, row: &Row<'_>) -> rusqlite::Result<Arc<Installed>> {
        let text = |column| {
            let value = row.get_ref(column)?;
            value.as_str().map_err(|cause| corrupt(row, column, cause))
        };
        let id = text(0)?;
        if let Some(parsed) = self.0.get(id)
            && parsed.descriptor == text(4)?
            && parsed.installed.oauth_secret.expose() == text(1)?
            && parsed.installed.descriptor_url == text(3)?
            && parsed.installed.room_id == room(row, 2)?
        {
            return Ok(Arc::clone(&parsed.installed));
        }
        let installed = Arc::new(installed(row)?);
        let parsed = Parsed {
            descriptor: text(4)?.to_owned(),
            installed: Arc::clone(&installed),
        };
        self.0.insert(id.to_owned(), Arc::new(parsed));
        Ok(installed)
    }
}
