//! Compares the public API of each library with its committed listing, or updates the listings. `.ci/api` calls
//! this with the JSON that rustdoc wrote.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

const USAGE: &str = "usage: public-api-check [--update] JSON_FOLDER LISTING_FOLDER CRATE...";

const REMEDY: &str = "if the change is meant, run `.ci/api --update`, commit the listing, and add a breaking \
                      change to docs/migration.md";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let update = arguments.first().is_some_and(|first| first == "--update");
    arguments.drain(..usize::from(update));
    let [json_folder, listing_folder, crates @ ..] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut failed = false;
    for name in crates {
        let json = Path::new(json_folder).join(format!("{}.json", name.replace('-', "_")));
        let listing = Path::new(listing_folder).join(format!("{name}.txt"));
        let checked = items(&json).and_then(|items| match update {
            true => write_listing(&listing, &items),
            false => compare(&listing, &items),
        });
        if let Err(error) = checked {
            failed = true;
            eprintln!("{name}: {error}");
        }
    }
    if !failed {
        return ExitCode::SUCCESS;
    }
    if !update {
        eprintln!("{REMEDY}");
    }
    ExitCode::FAILURE
}

/// Reads the public items of a crate, a line each, in the order of their paths.
fn items(json: &Path) -> Result<Vec<String>, String> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build();
    let api = api.map_err(|error| {
        let json = json.display();
        format!("cannot read {json}: {error}; if Rust was updated, update `public-api` in tests/public-api too")
    })?;
    Ok(api.items().map(ToString::to_string).collect())
}

fn write_listing(listing: &Path, items: &[String]) -> Result<(), String> {
    let mut text = String::new();
    for item in items {
        text.push_str(item);
        text.push('\n');
    }
    fs::write(listing, text).map_err(|error| format!("cannot write {}: {error}", listing.display()))
}

fn compare(listing: &Path, items: &[String]) -> Result<(), String> {
    let text = fs::read_to_string(listing)
        .map_err(|error| format!("cannot read {}: {error}", listing.display()))?;
    let committed: BTreeSet<&str> = text.lines().collect();
    let items: BTreeSet<&str> = items.iter().map(String::as_str).collect();
    if committed == items {
        return Ok(());
    }
    let mut difference = format!("the public API differs from {}:", listing.display());
    for line in committed.symmetric_difference(&items) {
        let sign = if items.contains(line) { '+' } else { '-' };
        write!(difference, "\n{sign} {line}").map_err(|error| error.to_string())?;
    }
    Err(difference)
}
