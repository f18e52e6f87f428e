//! `cargo glance new NAME`: creates a crate that builds, with a passing test.

mod ask;
mod create;
mod from;
mod name;
mod sdk;
mod template;
mod workspace;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use minijinja::{Environment, context};

use crate::error::CommandError;
use crate::print;
use from::Original;
use sdk::Sdk;
use template::{File, Template, Variable};
use workspace::Workspace;

/// Create a new add-on: a crate with a glance, a panel and a passing test.
///
/// With --from the crate declares the same as an existing descriptor of an add-on in any language:
/// its glances with their conditions, its pages, actions, webhooks and scopes, each with a handler
/// that responds with its name. A test compares the two descriptors.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance new stand-up
  cargo glance new builds --template webhook --into ~/src
  cargo glance new stand-up --from old/atlassian-connect.json
  cargo glance new stand-up --sdk https://git.example.com/glance")]
pub(crate) struct Arguments {
    /// The add-on's name: lower-case letters, digits and `-`. Its folder has the same name
    name: String,
    /// The folder in which the add-on's folder is created
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// The template of the add-on. By default the command asks on a terminal, and otherwise uses
    /// `minimal`
    #[arg(long, value_enum)]
    template: Option<Template>,
    /// The descriptor of an existing add-on instead of a template: a file, which may be a template
    /// with placeholders such as `{{localBaseUrl}}`, an http or https URL, or - for standard input
    #[arg(long, value_name = "FILE|URL", conflicts_with = "template")]
    from: Option<String>,
    /// The source of glance-sdk and glance-host: the root of a checkout, a Git repository, or a
    /// published version. The default is the checkout that this program was built in or is run in,
    /// otherwise the program's own version
    #[arg(long, value_name = "PATH|GIT_URL|VERSION")]
    sdk: Option<String>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { name, into, .. } = arguments;
    name::check(&name)?;
    let sdk = match arguments.sdk {
        Some(text) => Sdk::read(&text)?,
        None => Sdk::of_this_program(),
    };
    let folder = into.join(&name);
    if folder.symlink_metadata().is_ok() {
        return Err(create::exists(&folder));
    }
    let names = Names::of(&name);
    let origin = match (arguments.from, arguments.template) {
        (Some(source), _) => {
            let original = Original::read(&source, &name, &names.title).await?;
            Origin::Descriptor(Box::new(original))
        }
        (None, Some(template)) => Origin::Template(template),
        (None, None) if io::stdin().is_terminal() && io::stderr().is_terminal() => {
            Origin::Template(ask::template(io::stdin().lock(), io::stderr())?)
        }
        (None, None) => Origin::Template(Template::Minimal),
    };
    let workspace = Workspace::around(&folder);
    let files = render(&names, &origin, &sdk, workspace.as_ref())?;
    create::create(&into, &name, files).await?;

    match &origin {
        Origin::Template(template) => print::line(format_args!(
            "Created {} from the template {}.",
            folder.display(),
            template.name()
        )),
        Origin::Descriptor(original) => report(&folder, original),
    }
    match sdk {
        Sdk::Checkout(root) => print::line(format_args!(
            "It uses the SDK of the checkout {}; choose another source with --sdk.",
            root.display()
        )),
        Sdk::Git(address) => print::line(format_args!("It uses the SDK from {address}.")),
        Sdk::Version(version) => print::line(format_args!("It uses the SDK {version}.")),
    }
    if let Some(Workspace::Another(root)) = workspace
        && !workspace::is_member(&folder)
    {
        print::line(format_args!(
            "Add it to `members` in {}, otherwise cargo does not build it there.",
            root.display()
        ));
    }
    print::line(format_args!("\n  cd {}", folder.display()));
    print::line(
        "  cargo glance dev --open   # runs it beside a host, and shows the room in a browser",
    );
    print::line("  cargo test                # a host inside the test installs it");
    Ok(())
}

/// The source of a new crate.
enum Origin {
    Template(Template),
    Descriptor(Box<Original>),
}

/// Prints the declarations of the crate, and its differences from the descriptor.
fn report(folder: &Path, original: &Original) {
    print::line(format_args!(
        "Created {} from {}: {}.",
        folder.display(),
        original.source(),
        original.summary()
    ));
    for change in original.changes() {
        let what = if change.value.is_some() {
            "Changed"
        } else {
            "Removed"
        };
        print::line(format_args!("{what} {}: {}", change.pointer, change.why));
    }
}

/// The names of a new add-on.
struct Names {
    name: String,
    /// The name of the crate in Rust.
    krate: String,
    /// The name for people.
    title: String,
}

impl Names {
    fn of(name: &str) -> Self {
        let words = name.replace('-', " ");
        Self {
            name: name.to_owned(),
            krate: name.replace('-', "_"),
            title: words[..1].to_ascii_uppercase() + &words[1..],
        }
    }
}

fn render(
    names: &Names,
    origin: &Origin,
    sdk: &Sdk,
    workspace: Option<&Workspace>,
) -> Result<Vec<(&'static str, String)>, CommandError> {
    let Names { name, krate, title } = names;
    let made = match origin {
        Origin::Template(_) => None,
        Origin::Descriptor(original) => Some(original.generate(krate)),
    };
    let (template, about, described, files, variables): (
        _,
        _,
        Vec<[&str; 2]>,
        Vec<&File>,
        &[Variable],
    ) = match (origin, &made) {
        (Origin::Template(template), _) => {
            let files: Vec<_> = template.files().collect();
            let described = files
                .iter()
                .filter_map(|file| Some([file.path, file.about?]));
            let described = described.collect();
            let about = template.about().to_owned();
            (
                template.name(),
                about,
                described,
                files,
                template.variables(),
            )
        }
        (Origin::Descriptor(_), made) => {
            let (about, described) = made
                .as_ref()
                .map(|made| (made.about.clone(), made.described.clone()))
                .unwrap_or_default();
            let files = template::around_a_descriptor().collect();
            ("descriptor".to_owned(), about, described, files, &[])
        }
    };
    let values = context! {
        name, title, template, about,
        // Not the crate's own name: `use crate_name::crate_name` would shadow the crate.
        glance => format!("{krate}_glance"),
        crate => krate,
        variables => variables.iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
        files => described.iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
        sdk => sdk.dependency("glance-sdk", &[]),
        host => sdk.dependency("glance-host", &["testing"]),
        sdk_is_a_path => matches!(sdk, Sdk::Checkout(_)),
        is_apart => matches!(workspace, Some(Workspace::Glance)),
        uses_json => made.as_ref().is_some_and(|made| made.uses_json),
        uses_tracing => made.as_ref().is_some_and(|made| made.uses_tracing),
        rust_version => env!("CARGO_PKG_RUST_VERSION"),
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let rendered = files.iter().map(|file| {
        let text = environment
            .render_str(file.text, values.clone())
            .map_err(|cause| {
                CommandError::new(
                    "bad-template",
                    format!("the template of {} is wrong: {cause:#}", file.path),
                    "report this as a bug of cargo-glance",
                )
            })?;
        // The engine strips the final line end.
        Ok((file.path, text + "\n"))
    });
    let mut rendered: Vec<_> = rendered.collect::<Result<_, CommandError>>()?;
    rendered.extend(made.into_iter().flat_map(|made| made.files));
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn no_placeholder_of_templates_is_left() {
        let sdk = Sdk::Version("0.1".to_owned());
        for template in Template::value_variants() {
            let origin = Origin::Template(*template);
            for (path, text) in render(&Names::of("stand-up"), &origin, &sdk, None).unwrap() {
                for mark in ["{{", "}}", "{%", "%}"] {
                    let is_rust = path.ends_with(".rs") && mark == "}}";
                    assert!(is_rust || !text.contains(mark), "{path}: {text}");
                }
            }
        }
    }

    #[test]
    fn manifests_are_toml_and_readmes_list_all_sources() {
        let checkout = Sdk::Checkout("/srv/glance".into());
        for template in Template::value_variants() {
            let origin = Origin::Template(*template);
            let around = Some(&Workspace::Glance);
            let files = render(&Names::of("stand-up"), &origin, &checkout, around).unwrap();
            let manifest = files
                .iter()
                .find(|(path, _)| *path == "Cargo.toml")
                .unwrap();
            let manifest: toml::Table = manifest.1.parse().unwrap();
            let sdk = &manifest["dependencies"]["glance-sdk"]["path"];
            assert_eq!(sdk.as_str(), Some("/srv/glance/glance-sdk"));
            let host = &manifest["dev-dependencies"]["glance-host"];
            assert_eq!(host["path"].as_str(), Some("/srv/glance/glance-host"));
            assert_eq!(host["features"][0].as_str(), Some("testing"));
            assert!(manifest.contains_key("workspace"));
        }
    }
}
