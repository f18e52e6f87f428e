//! The manual: a page per task.
//!
//! | page | what it is about |
//! |---|---|
//! | [`first_glance`] | from a function to a line beside the room |
//! | [`conditions`] | when it shows |
//! | [`pushing`] | how it changes while people look at it |
//! | [`runtime_glances`] | glances that come and go while the add-on runs |
//! | [`pages`] | panels, dialogs and actions, and what their scripts can do |
//! | [`installing`] | what happens between a host and an add-on before all that |
//! | [`testing`] | a host inside a test, where things go wrong as you wish |
//! | [`inspector`] | what the host knows of a room's glances, and why each shows or hides |
//! | [`record_and_replay`] | what was said, kept in a file, and held against an add-on of today |
//! | [`command_line`] | `cargo glance`: run and reload, check, record, replay |
//! | [`deploying`] | on one machine, or on several with PostgreSQL |
//! | [`opentelemetry`] | spans, metrics, and traces that go on through the add-on |
//! | [`databases`] | rusqlite, sqlx, diesel or another database crate beside the SDK |
//! | [`from_node`] | moving from the Node framework |
//! | [`old_add_ons`] | running what was written for HipChat, unchanged |
//! | [`migration`] | breaking changes, and what to write instead |

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
