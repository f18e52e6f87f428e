//! `cargo glance new NAME`: a crate that builds, with a glance, a panel and a passing test.

use std::path::{Path, PathBuf};

use minijinja::{Environment, context};

use crate::print;

/// Where each file goes, and what it is made from.
const FILES: [(&str, &str); 7] = [
    (
        "Cargo.toml",
        include_str!("../templates/minimal/Cargo.toml"),
    ),
    (".gitignore", include_str!("../templates/minimal/gitignore")),
    ("README.md", include_str!("../templates/minimal/README.md")),
    (
        "src/main.rs",
        include_str!("../templates/minimal/src/main.rs"),
    ),
    (
        "src/lib.rs",
        include_str!("../templates/minimal/src/lib.rs"),
    ),
    (
        "tests/glance.rs",
        include_str!("../templates/minimal/tests/glance.rs"),
    ),
    ("icon.svg", include_str!("../templates/minimal/icon.svg")),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The add-on's name: lower-case letters, digits and `-`. A folder of that name is made.
    name: String,
    /// The folder in which it is made.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
}

pub(crate) fn run(Arguments { name, into }: Arguments) -> Result<(), String> {
    check(&name)?;
    let folder = into.join(&name);
    let failed =
        |path: &Path, cause: std::io::Error| format!("{} cannot be made: {cause}", path.display());
    let files = render(&name)?;
    std::fs::create_dir_all(&into).map_err(|cause| failed(&into, cause))?;
    // Fails where it is there already, so that nothing is written over.
    std::fs::create_dir(&folder).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::AlreadyExists => {
            format!(
                "{} is there already; choose another name, or --into another folder",
                folder.display()
            )
        }
        _ => failed(&folder, cause),
    })?;
    for (path, text) in files {
        let path = folder.join(path);
        let write = || {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&path, text)
        };
        write().map_err(|cause| failed(&path, cause))?;
    }
    print::line(format_args!("Made {}.\n", folder.display()));
    print::line(format_args!("  cd {}", folder.display()));
    print::line("  cargo test   # installs it on a host inside the test");
    print::line("  cargo run    # serves it at http://127.0.0.1:8080");
    Ok(())
}

fn render(name: &str) -> Result<Vec<(&'static str, String)>, String> {
    let krate = name.replace('-', "_");
    let words = name.replace('-', " ");
    let title = words[..1].to_ascii_uppercase() + &words[1..];
    let values = context! {
        name, title,
        crate => krate,
        // Not the crate's own name: `use crate_name::crate_name` would hide the crate.
        glance => format!("{}_glance", name.replace('-', "_")),
        version => env!("CARGO_PKG_VERSION"),
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    FILES
        .iter()
        .map(|(path, template)| {
            let text = environment
                .render_str(template, values.clone())
                .map_err(|cause| format!("the template of {path} is wrong: {cause:#}"))?;
            // The engine takes the last line's end off.
            Ok((*path, text + "\n"))
        })
        .collect()
}

/// The name becomes a crate, a folder and a glance's key with `-panel` behind it.
fn check(name: &str) -> Result<(), String> {
    let is_good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 34
        && !name.contains("--")
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_good {
        return Err(format!(
            "{name:?} cannot be the name of a crate and of a glance; use up to 34 lower-case letters, \
             digits and single dashes, a letter first"
        ));
    }
    if KEYWORDS.contains(&name) || CRATES.contains(&name) {
        return Err(format!(
            "{name:?} means something else in Rust; choose another name"
        ));
    }
    Ok(())
}

const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates that the new one depends on, and those of Rust itself.
const CRATES: [&str; 9] = [
    "alloc",
    "core",
    "glance-host",
    "glance-sdk",
    "reqwest",
    "serde",
    "std",
    "test",
    "tokio",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_not_build_are_refused() {
        for good in ["standup", "pull-requests", "a1", "x"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "", "-x", "x-", "1x", "X", "a b", "a_b", "a--b", "../x", "ünï", "type", "test", "serde",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"x".repeat(35)).is_err());
    }

    #[test]
    fn nothing_of_a_template_is_left() {
        for (path, text) in render("stand-up").unwrap() {
            assert!(
                !text.contains("{{") && !text.contains("}}"),
                "{path}: {text}"
            );
        }
    }
}
