//! Recordings: the calls with one add-on in a file, with names instead of the ids that differ each time.

mod names;
mod recorder;

pub(crate) use names::Names;
pub(crate) use recorder::{FORMAT, Recorder};
