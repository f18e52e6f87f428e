//! Types and pure rules: no I/O, no tasks.

pub(crate) mod bounded_map;
pub(crate) mod clock;
pub(crate) mod glance_data;
pub(crate) mod module;
