//! The templates of new add-ons.

use clap::ValueEnum;

/// What a new add-on starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Template {
    /// One glance, one panel, one push
    Minimal,
    /// A background task that feeds the glance
    Push,
    /// A signed webhook of another service that feeds the glance
    Webhook,
    /// A panel with a form, a SQLite database and page tokens
    Settings,
    /// A glance that is created in a room and removed while the add-on runs
    Runtime,
}

/// A file of a template: where it goes, what it is made from, and what the README says it holds.
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) text: &'static str,
    pub(super) about: Option<&'static str>,
}

/// A variable that the program reads: its name, its meaning and its default, as the README has them.
pub(super) type Variable = [&'static str; 3];

/// A file at this path of the new crate, made from this one of the folder `templates`.
macro_rules! file {
    ($path:literal, $from:literal) => {
        File {
            path: $path,
            text: include_str!(concat!("../../templates/", $from)),
            about: None,
        }
    };
    ($path:literal, $from:literal, $about:literal) => {
        File {
            about: Some($about),
            ..file!($path, $from)
        }
    };
}

/// What every add-on has, whatever it starts from.
const COMMON: [File; 8] = [
    // Not named Cargo.toml: cargo would leave it out of the package, as one of another package.
    file!("Cargo.toml", "common/Cargo.toml.txt"),
    file!(".gitignore", "common/gitignore"),
    file!(".dockerignore", "common/dockerignore"),
    file!("Dockerfile", "common/Dockerfile"),
    file!(".github/workflows/ci.yml", "common/ci.yml"),
    file!("README.md", "common/README.md"),
    file!("icon.svg", "common/icon.svg"),
    file!("src/log.rs", "common/log.rs"),
];

const MAIN: File = file!("src/main.rs", "common/main.rs", "serves the add-on");

const MINIMAL: &[File] = &[
    file!(
        "src/lib.rs",
        "minimal/src/lib.rs",
        "the glance, its panel, and the push"
    ),
    MAIN,
    file!(
        "tests/glance.rs",
        "minimal/tests/glance.rs",
        "what a person in the room sees"
    ),
];

const PUSH: &[File] = &[
    file!(
        "src/lib.rs",
        "push/src/lib.rs",
        "the glance, and the task that feeds it"
    ),
    file!(
        "src/main.rs",
        "push/src/main.rs",
        "serves the add-on beside that task"
    ),
    file!(
        "tests/glance.rs",
        "push/tests/glance.rs",
        "what a person in the room sees"
    ),
];

const WEBHOOK: &[File] = &[
    file!(
        "src/lib.rs",
        "webhook/src/lib.rs",
        "the glance, and what it shows"
    ),
    file!(
        "src/delivery.rs",
        "webhook/src/delivery.rs",
        "the webhook: signature, payload, push"
    ),
    file!("src/main.rs", "webhook/src/main.rs", "serves the add-on"),
    file!(
        "tests/glance.rs",
        "webhook/tests/glance.rs",
        "signed deliveries, and what a person in the room sees"
    ),
];

const SETTINGS: &[File] = &[
    file!("src/lib.rs", "settings/src/lib.rs", "the glance"),
    file!(
        "src/notes.rs",
        "settings/src/notes.rs",
        "what rooms have written, in `notes.sqlite`"
    ),
    file!(
        "src/panel.rs",
        "settings/src/panel.rs",
        "the panel and its form"
    ),
    file!(
        "src/panel.js",
        "settings/src/panel.js",
        "the panel's script, which uses the page token"
    ),
    file!("src/main.rs", "settings/src/main.rs", "serves the add-on"),
    file!(
        "tests/glance.rs",
        "settings/tests/glance.rs",
        "the panel, and what a person in the room sees"
    ),
];

const RUNTIME: &[File] = &[
    file!(
        "src/lib.rs",
        "runtime/src/lib.rs",
        "both glances, and how one comes and goes"
    ),
    file!(
        "src/panel.rs",
        "runtime/src/panel.rs",
        "the panel, which begins and ends a deployment"
    ),
    MAIN,
    file!(
        "tests/glance.rs",
        "runtime/tests/glance.rs",
        "what people in two rooms see"
    ),
];

/// The files of a crate that is made from a descriptor, but for those that are written for it.
pub(super) fn around_a_descriptor() -> impl Iterator<Item = &'static File> {
    const { &COMMON }.iter().chain(const { &[MAIN] })
}

impl Template {
    pub(super) fn files(self) -> impl Iterator<Item = &'static File> {
        let own = match self {
            Self::Minimal => MINIMAL,
            Self::Push => PUSH,
            Self::Webhook => WEBHOOK,
            Self::Settings => SETTINGS,
            Self::Runtime => RUNTIME,
        };
        const { &COMMON }.iter().chain(own)
    }

    /// What the add-on does as it is created: the first paragraph of its README.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Minimal => "A chat add-on with one glance and one panel.",
            Self::Push => "A chat add-on that watches a service and shows whether it answers.",
            Self::Webhook => {
                "A chat add-on that shows the broken projects of a build server, which reports each \
                 build to `BASE_URL/hooks/builds`. `src/delivery.rs` says what it posts and how it signs."
            }
            Self::Settings => {
                "A chat add-on that keeps a note for each room. While a room has none, only its owner \
                 sees the line, to write one."
            }
            Self::Runtime => {
                "A chat add-on that shows a line in a room while a deployment runs there. People begin \
                 and end deployments on the panel."
            }
        }
    }

    pub(super) fn variables(self) -> &'static [Variable] {
        match self {
            Self::Push => &[[
                "SERVICE",
                "the service to watch, a host and a port",
                "`localhost:5432`",
            ]],
            Self::Webhook => &[[
                "WEBHOOK_SECRET",
                "the secret with which the build server signs",
                "none: deliveries are refused",
            ]],
            Self::Minimal | Self::Settings | Self::Runtime => &[],
        }
    }

    /// The name on the command line.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What it is, in a few words.
    pub(super) fn help(self) -> String {
        let value = self.to_possible_value();
        let help = value
            .as_ref()
            .and_then(clap::builder::PossibleValue::get_help);
        help.map_or_else(String::new, ToString::to_string)
    }
}
