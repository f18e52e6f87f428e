//! The manual, with one page per task.
//!
//! | page | content |
//! |---|---|
//! | [`first_glance`] | the first glance, from a function to a line beside the room |
//! | [`conditions`] | the conditions under which a glance shows |
//! | [`pushing`] | updates while people look at a glance |
//! | [`runtime_glances`] | glances that the add-on creates and removes at run time |
//! | [`pages`] | panels, dialogs and actions, and the JavaScript API of their scripts |
//! | [`installing`] | the installation of an add-on on a host |
//! | [`testing`] | a host inside a test, with simulated failures |
//! | [`inspector`] | the state of a room's glances on the host, and why each shows or hides |
//! | [`record_and_replay`] | recordings of the traffic, and replays against a newer add-on |
//! | [`command_line`] | `cargo glance`: run and reload, check, record, replay |
//! | [`deploying`] | deployments on one machine, or on several with PostgreSQL |
//! | [`opentelemetry`] | spans, metrics, and distributed traces through the add-on |
//! | [`databases`] | your own database with rusqlite, sqlx, diesel or another crate |
//! | [`from_node`] | moving from the Node framework |
//! | [`old_add_ons`] | running add-ons that were written for HipChat, unchanged |
//! | [`migration`] | breaking changes, with replacements |

// The pages are files of the repository, where their links lead to each other and to docs.rs. The first definition of
// a link counts, so `links.md` makes them links within these pages.
macro_rules! pages {
    ($($page:ident = $file:literal;)*) => { $(
        #[doc = include_str!("manual/links.md")]
        #[doc = include_str!(concat!("../docs/", $file))]
        pub mod $page {}
    )* };
}

pages! {
    first_glance = "first-glance.md";
    conditions = "conditions.md";
    pushing = "pushing.md";
    runtime_glances = "runtime-glances.md";
    pages = "pages.md";
    installing = "installing.md";
    testing = "testing.md";
    inspector = "inspector.md";
    record_and_replay = "record-and-replay.md";
    command_line = "command-line.md";
    deploying = "deploying.md";
    opentelemetry = "opentelemetry.md";
    databases = "databases.md";
    from_node = "from-node.md";
    old_add_ons = "old-add-ons.md";
    migration = "migration.md";
}
