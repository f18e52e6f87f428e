//! Links of the manual and the READMEs lead somewhere, in the repository and in rustdoc.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The links of one Markdown file; code is left out.
#[derive(Debug, Default)]
struct Page {
    /// `[text](target)` and `![text](target)`.
    inline: Vec<String>,
    /// `[label]: target`, by label.
    definitions: BTreeMap<String, String>,
    /// The labels that `[text][label]` and `` [`label`] `` refer to.
    labels: BTreeSet<String>,
    /// The fragments that the headings have on a forge.
    headings: BTreeSet<String>,
}

fn parse(text: &str) -> Page {
    let mut page = Page::default();
    let mut prose = String::new();
    let mut fence = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fence = !fence;
        } else if !fence {
            let definition = line
                .strip_prefix('[')
                .and_then(|rest| rest.split_once("]: "));
            match definition {
                Some((label, target)) => {
                    page.definitions.insert(label.to_owned(), target.to_owned());
                }
                None => prose.extend([line, "\n"]),
            }
            if let Some(heading) = line.strip_prefix('#') {
                page.headings
                    .insert(fragment(heading.trim_start_matches('#')));
            }
        }
    }
    links(&without_code(&prose), &mut page);
    page
}

/// The fragment that a forge gives to a heading.
fn fragment(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// Blanks out code between backticks, except where it is the whole text of a link.
fn without_code(prose: &str) -> String {
    let mut text = String::new();
    let mut parts = prose.split('`');
    text.push_str(parts.next().unwrap_or_default());
    while let Some(code) = parts.next() {
        let after = parts.next().unwrap_or_default();
        if text.ends_with('[') && after.starts_with(']') {
            text.extend(["`", code, "`"]);
        }
        text.push_str(after);
    }
    text
}

fn links(prose: &str, page: &mut Page) {
    let mut is_label = false;
    let mut parts = prose.split(']').peekable();
    while let Some(part) = parts.next() {
        let after = parts.peek().copied().unwrap_or_default();
        if let Some((target, _)) = part.strip_prefix('(').and_then(|it| it.split_once(')')) {
            page.inline.push(target.to_owned());
        }
        let Some((_, text)) = part.rsplit_once('[') else {
            continue;
        };
        let alone = !after.starts_with(['(', '[']);
        if is_label || (alone && (text.starts_with('`') || page.definitions.contains_key(text))) {
            page.labels.insert(text.replace('\n', " "));
        }
        is_label = !is_label && after.starts_with('[');
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> Page {
    let text = std::fs::read_to_string(path);
    parse(&text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn markdown_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect()
}

/// The pages of the manual, the documents of the repository and the READMEs of its folders.
fn all_pages() -> Vec<PathBuf> {
    let mut pages = markdown_in(&root().join("docs"));
    pages.extend(markdown_in(root()));
    for folder in ["", "examples", "tests"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            pages.push(entry.unwrap().path().join("README.md"));
        }
    }
    pages.push(root().join("examples/README.md"));
    pages.retain(|page| page.is_file());
    pages.sort();
    pages.dedup();
    pages
}

/// Describes the problem with a relative link on `page`, if there is one.
fn problem(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let leads_to = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap().join(file),
    };
    if !leads_to.exists() {
        return Some(format!("{}: no file {file}", page.display()));
    }
    let missing = !heading.is_empty() && !read(&leads_to).headings.contains(heading);
    missing.then(|| format!("{}: no heading {target}", page.display()))
}

#[test]
fn relative_links_lead_to_files_and_headings() {
    let pages = all_pages();
    assert!(pages.len() > 30, "{pages:?}");
    let mut problems = Vec::new();
    let mut checked = 0;
    for path in pages {
        let page = read(&path);
        for target in page.inline.iter().chain(page.definitions.values()) {
            checked += 1;
            problems.extend(problem(&path, target));
        }
        for label in page
            .labels
            .difference(&page.definitions.keys().cloned().collect())
        {
            problems.push(format!("{}: no definition of [{label}]", path.display()));
        }
    }
    assert!(checked > 150, "{checked}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Returns the pages of the manual that the sources in a folder name.
fn named_pages(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(named_pages(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let strings = source.split('"').filter(|text| text.ends_with(".md"));
            let files = strings.filter_map(|text| text.rsplit('/').next());
            let pages = files.filter(|file| root().join("docs").join(file).is_file());
            names.extend(pages.map(str::to_owned));
        }
    }
    names
}

/// Rustdoc cannot follow a link to a file, so `links.md` of the crate that includes a page redefines each.
#[test]
fn pages_in_rustdoc_have_no_link_that_only_the_repository_resolves() {
    let mut pages = 0;
    for krate in ["glance-sdk", "glance-host"] {
        let source = root().join(krate).join("src");
        let redefined = read(&source.join("manual/links.md")).definitions;
        for file in named_pages(&source) {
            pages += 1;
            let page = read(&root().join("docs").join(&file));
            let inline = page.inline.iter().find(|target| !target.contains("://"));
            assert_eq!(
                inline, None,
                "{file}: write [text][page.md], and define [page.md]"
            );
            for (label, target) in page.definitions {
                let own = target.starts_with(&format!("https://docs.rs/{krate}/"));
                if own || !target.contains("://") {
                    assert!(
                        redefined.contains_key(&label),
                        "{krate}: links.md lacks [{label}]: {file}"
                    );
                }
                if target.ends_with(".md") {
                    assert_eq!(label, target, "{file}");
                }
            }
        }
    }
    assert!(pages > 15, "{pages}");
}

#[test]
fn symbolic_links_lead_to_files() {
    let mut links = 0;
    let crates = ["glance-sdk", "glance-host", "glance-derive", "cargo-glance"];
    for folder in crates.into_iter().chain(["deploy"]) {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            links += usize::from(path.is_symlink());
            assert!(path.exists(), "{} leads nowhere", path.display());
        }
    }
    assert!(links > 8, "{links}");
}

#[test]
fn links_are_found_and_code_is_not() {
    let page = parse(
        "# A title, of `two`\n[one](a.md#b) ![two](b.png) `[three](c.md)` [four][d.md] [`Five`] \
         [![six](d.png)](e.md)\n```\n[seven](f.md)\n```\n\n[d.md]: d.md\n",
    );
    assert_eq!(page.inline, ["a.md#b", "b.png", "d.png", "e.md"]);
    assert_eq!(page.labels, ["`Five`", "d.md"].map(str::to_owned).into());
    assert_eq!(page.headings, ["a-title-of-two".to_owned()].into());
    assert_eq!(
        page.definitions,
        [("d.md".to_owned(), "d.md".to_owned())].into()
    );
    assert!(problem(&root().join("README.md"), "docs/no-such-page.md").is_some());
    assert!(problem(&root().join("README.md"), "docs/pages.md#no-such-heading").is_some());
    assert_eq!(
        problem(&root().join("README.md"), "docs/pages.md#dialogs"),
        None
    );
}
