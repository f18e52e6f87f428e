//! `cargo glance new NAME`: a crate that builds, with a glance and a passing test.

mod ask;
mod name;
mod sdk;
mod template;
mod workspace;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use minijinja::{Environment, context};

use crate::print;
use sdk::Sdk;
use template::Template;
use workspace::Workspace;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance new stand-up
  cargo glance new builds --template webhook --into ~/src
  cargo glance new stand-up --sdk https://git.example.com/glance")]
pub(crate) struct Arguments {
    /// The add-on's name: lower-case letters, digits and `-`. Its folder has the same name
    name: String,
    /// The folder in which the add-on's folder is created
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// The template of the add-on; without this, a terminal asks, and anything else gets `minimal`
    #[arg(long, value_enum)]
    template: Option<Template>,
    /// Where the add-on gets glance-sdk and glance-host from: the root of a checkout, a Git repository, or a
    /// published version. By default the checkout that this program was built or is run in, else its own version
    #[arg(long, value_name = "PATH|GIT_URL|VERSION")]
    sdk: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), String> {
    let Arguments { name, into, .. } = arguments;
    name::check(&name)?;
    let sdk = match arguments.sdk {
        Some(text) => Sdk::read(&text)?,
        None => Sdk::of_this_program(),
    };
    let folder = into.join(&name);
    if folder.exists() {
        return Err(exists(&folder));
    }
    let template = match arguments.template {
        Some(template) => template,
        None if io::stdin().is_terminal() && io::stderr().is_terminal() => {
            ask::template(io::stdin().lock(), io::stderr())?
        }
        None => Template::Minimal,
    };
    let workspace = Workspace::around(&folder);
    let files = render(&name, template, &sdk, workspace.as_ref())?;
    create(&into, &folder, files)?;
    format(&folder);

    print::line(format_args!(
        "Created {} from the template {}.",
        folder.display(),
        template.name()
    ));
    match sdk {
        Sdk::Checkout(root) => print::line(format_args!(
            "It uses the SDK of the checkout {}; --sdk names another source.",
            root.display()
        )),
        Sdk::Git(address) => print::line(format_args!("It uses the SDK of {address}.")),
        Sdk::Version(version) => print::line(format_args!("It uses the SDK {version}.")),
    }
    if let Some(Workspace::Another(root)) = workspace
        && !workspace::is_member(&folder)
    {
        print::line(format_args!(
            "Add it to `members` in {}, or cargo does not build it there.",
            root.display()
        ));
    }
    print::line(format_args!("\n  cd {}", folder.display()));
    print::line("  cargo test   # a host inside the test installs it");
    print::line("  cargo run    # serves it at http://127.0.0.1:8080");
    Ok(())
}

fn exists(folder: &Path) -> String {
    format!(
        "{} exists already; choose another name, or another folder with --into",
        folder.display()
    )
}

fn render(
    name: &str,
    template: Template,
    sdk: &Sdk,
    workspace: Option<&Workspace>,
) -> Result<Vec<(&'static str, String)>, String> {
    let krate = name.replace('-', "_");
    let words = name.replace('-', " ");
    let title = words[..1].to_ascii_uppercase() + &words[1..];
    let described = template
        .files()
        .filter_map(|file| Some(vec![file.path, file.about?]));
    let values = context! {
        name, title,
        // Not the crate's own name: `use crate_name::crate_name` would hide the crate.
        glance => format!("{krate}_glance"),
        crate => krate,
        template => template.name(),
        about => template.about(),
        variables => template.variables().iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
        files => described.collect::<Vec<_>>(),
        sdk => sdk.dependency("glance-sdk", &[]),
        host => sdk.dependency("glance-host", &["testing"]),
        sdk_is_a_path => matches!(sdk, Sdk::Checkout(_)),
        is_apart => matches!(workspace, Some(Workspace::Glance)),
        rust_version => env!("CARGO_PKG_RUST_VERSION"),
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let files = template.files().map(|file| {
        let text = environment
            .render_str(file.text, values.clone())
            .map_err(|cause| format!("the template of {} is wrong: {cause:#}", file.path))?;
        // The engine takes the last line's end off.
        Ok((file.path, text + "\n"))
    });
    files.collect()
}

/// Writes the files into a new folder; where that fails, nothing of it stays.
fn create(into: &Path, folder: &Path, files: Vec<(&str, String)>) -> Result<(), String> {
    let failed =
        |path: &Path, cause: io::Error| format!("cannot create {}: {cause}", path.display());
    std::fs::create_dir_all(into).map_err(|cause| failed(into, cause))?;
    // Fails where it exists, so that nothing is overwritten.
    std::fs::create_dir(folder).map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => exists(folder),
        _ => failed(folder, cause),
    })?;
    for (path, text) in files {
        let path = folder.join(path);
        let write = || {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&path, text)
        };
        if let Err(cause) = write() {
            let _ = std::fs::remove_dir_all(folder);
            return Err(failed(&path, cause));
        }
    }
    Ok(())
}

/// Formats the crate: lines are as long as its name. Without rustfmt they stay as they are.
fn format(folder: &Path) {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--quiet", "--edition", "2024"]);
    let files = ["src/main.rs", "src/lib.rs", "tests/glance.rs"];
    rustfmt.args(files.map(|file| folder.join(file)));
    let _ = rustfmt
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn nothing_of_a_template_is_left() {
        let sdk = Sdk::Version("0.1".to_owned());
        for template in Template::value_variants() {
            for (path, text) in render("stand-up", *template, &sdk, None).unwrap() {
                for mark in ["{{", "}}", "{%", "%}"] {
                    let is_rust = path.ends_with(".rs") && mark == "}}";
                    assert!(is_rust || !text.contains(mark), "{path}: {text}");
                }
            }
        }
    }

    #[test]
    fn manifests_are_toml_and_name_all_sources() {
        let checkout = Sdk::Checkout("/srv/glance".into());
        for template in Template::value_variants() {
            let files = render("stand-up", *template, &checkout, Some(&Workspace::Glance)).unwrap();
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
