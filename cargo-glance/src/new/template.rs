//! The templates of new add-ons.

use clap::ValueEnum;

/// The template of a new add-on.
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

/// A file of a template: its path, its source, and its description in the README.
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) text: &'static str,
    pub(super) about: Option<&'static str>,
}

/// An environment variable of the program: its name, its meaning and its default, as in the README.
pub(super) type Variable = [&'static str; 3];

/// Creates a file at this path of the new crate from this file of the folder `templates`.
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

/// The files of every add-on.
const COMMON: [File; 8] = [
    // Not named Cargo.toml, because cargo would treat it as another package and omit it.
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
        "tests the glance in a room"
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
        "tests the glance in a room"
    ),
];

const WEBHOOK: &[File] = &[
    file!(
        "src/lib.rs",
        "webhook/src/lib.rs",
        "the glance with its data"
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
        "tests signed deliveries and the glance in a room"
    ),
];

const SETTINGS: &[File] = &[
    file!("src/lib.rs", "settings/src/lib.rs", "the glance"),
    file!(
        "src/notes.rs",
        "settings/src/notes.rs",
        "the notes of rooms, in `notes.sqlite`"
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
        "tests the panel and the glance in a room"
    ),
];

const RUNTIME: &[File] = &[
    file!(
        "src/lib.rs",
        "runtime/src/lib.rs",
        "both glances, of which one exists during deployments"
    ),
    file!(
        "src/panel.rs",
        "runtime/src/panel.rs",
        "the panel, which starts and ends a deployment"
    ),
    MAIN,
    file!(
        "tests/glance.rs",
        "runtime/tests/glance.rs",
        "tests the glances in two rooms"
    ),
];

/// Returns the files of a crate with a descriptor, except for the generated ones.
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

    /// Returns the first paragraph of the README, which describes the new add-on.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Minimal => "A chat add-on with one glance and one panel.",
            Self::Push => "A chat add-on that monitors a service and shows whether it responds.",
            Self::Webhook => {
                "A chat add-on that shows the broken projects of a build server, which reports each \
                 build to `BASE_URL/hooks/builds`. `src/delivery.rs` describes the payload and the signature."
            }
            Self::Settings => {
                "A chat add-on that keeps a note for each room. While a room has no note, only its owner \
                 sees the glance, to write one."
            }
            Self::Runtime => {
                "A chat add-on that shows a glance in a room while a deployment runs there. People start \
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
                "the secret for the build server's signatures",
                "none: deliveries are refused",
            ]],
            Self::Minimal | Self::Settings | Self::Runtime => &[],
        }
    }

    /// Returns the name on the command line.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Returns a short description.
    pub(super) fn help(self) -> String {
        let value = self.to_possible_value();
        let help = value
            .as_ref()
            .and_then(clap::builder::PossibleValue::get_help);
        help.map_or_else(String::new, ToString::to_string)
    }
}
