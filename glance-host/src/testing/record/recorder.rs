//! Writes the exchanges with one add-on into a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::Names;
use crate::program::calls::{Exchange, Party, Purpose};

/// The version of the format.
pub(crate) const FORMAT: u64 = 1;

/// Writes a recording.
#[derive(Debug)]
pub(crate) struct Recorder {
    file: File,
    /// The time of its start, in milliseconds since the start of the host.
    began: u64,
    /// The names of the first add-on whose descriptor the host reads, and of its installations.
    names: Names,
    failed: Option<io::Error>,
}

impl Recorder {
    pub(crate) fn create(path: &Path, host: &str, began: u64) -> io::Result<Self> {
        let mut file = File::create(path)?;
        writeln!(file, "{}", json!({ "glance_recording": FORMAT }))?;
        let names = Names {
            host: host.to_owned(),
            ..Names::default()
        };
        Ok(Self {
            file,
            began,
            names,
            failed: None,
        })
    }

    /// Learns names from a call of the host before the answer.
    pub(crate) fn learn_names(&mut self, exchange: &Exchange) {
        let names = &mut self.names;
        if names.add_on.is_none() && exchange.purpose == Purpose::Descriptor {
            names.add_on = origin(&exchange.url).map(ToOwned::to_owned);
        }
        let is_with_it = names.add_on.as_deref() == origin(&exchange.url);
        if let Some(id) = &exchange.installation
            && exchange.purpose == Purpose::Installation
            && is_with_it
            && !names.installations.iter().any(|known| known == id.as_str())
        {
            names.installations.push(id.to_string());
        }
    }

    pub(crate) fn write(&mut self, exchange: &Exchange) {
        if !self.concerns_the_add_on(exchange) || self.failed.is_some() {
            return;
        }
        let mut exchange = exchange.clone();
        exchange.at = exchange.at.saturating_sub(self.began);
        let written = serde_json::to_string(&exchange).map_err(io::Error::other);
        let written = written.and_then(|line| writeln!(self.file, "{}", self.names.name(&line)));
        self.failed = written.err();
    }

    /// Ends the recording. Returns an error if something could not be written.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    fn concerns_the_add_on(&self, exchange: &Exchange) -> bool {
        let names = &self.names;
        match (&exchange.from, &exchange.installation) {
            (Party::Host, _) => {
                names.add_on.is_some() && names.add_on.as_deref() == origin(&exchange.url)
            }
            (Party::AddOn, Some(id)) => names.installations.iter().any(|own| own == id.as_str()),
            (Party::AddOn, None) => exchange.purpose == Purpose::Capabilities,
        }
    }
}

/// Returns the origin of a URL: `http://name:port`.
fn origin(url: &str) -> Option<&str> {
    let (scheme, behind) = url.split_once("://")?;
    let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
    url.get(..scheme.len() + "://".len() + end)
}
