//! The layers of this crate: who may use whom, and where an external crate belongs.
//!
//! Reads the sources as text, so it sees paths that begin with `crate::` or `super::` and names of external
//! crates. Comments and string literals do not count.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of `src`, and the layers that it may use.
struct Layer {
    name: &'static str,
    uses: &'static [&'static str],
    purpose: &'static str,
}

/// From the bottom to the top.
const LAYERS: &[Layer] = &[
    Layer {
        name: "model",
        uses: &[],
        purpose: "types and pure rules",
    },
    Layer {
        name: "storage",
        uses: &["model"],
        purpose: "what the host remembers: traits, SQLite",
    },
    Layer {
        name: "net",
        uses: &["model"],
        purpose: "sockets and HTTP, in and out",
    },
    Layer {
        name: "cluster",
        uses: &["model", "storage", "net"],
        purpose: "what nodes share: events, presence, rate limits",
    },
    Layer {
        name: "content",
        uses: &["model"],
        purpose: "parses, sanitizes and renders",
    },
    Layer {
        name: "service",
        uses: &["model", "storage", "net", "cluster", "content"],
        purpose: "the rules of the host",
    },
    Layer {
        name: "http",
        uses: &["model", "storage", "net", "cluster", "content", "service"],
        purpose: "routes and handlers",
    },
    Layer {
        name: "program",
        uses: &[
            "model", "storage", "net", "cluster", "content", "service", "http",
        ],
        purpose: "puts a host together; the executable",
    },
    Layer {
        name: "testing",
        uses: &[
            "model", "storage", "net", "cluster", "content", "service", "http", "program",
        ],
        purpose: "a host inside a test",
    },
];

/// An external crate, and the only places that may name it: a layer, or a module of one.
const CRATES: &[(&str, &[&str])] = &[
    ("axum", &["http", "net/inbound", "program", "testing"]),
    ("rusqlite", &["storage"]),
    ("tokio_postgres", &["storage"]),
    ("async_nats", &["cluster"]),
    ("minijinja", &["http"]),
    ("clap", &["program"]),
    ("rustls", &["net/inbound"]),
    ("tokio_rustls", &["net/inbound"]),
];

/// Modules outside the layers: the roots of the library and the program, and the manual.
const ROOT: &[&str] = &["lib", "main", "manual"];

/// Violations that are known, by file and what it uses. The list may only shrink.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// Modules of a layer that use each other in a circle, which is known. The list may only shrink.
const CYCLES: &[&[&str]] = &[];

#[test]
fn files_use_only_layers_below_their_own() {
    let mut violations = String::new();
    let mut unused: BTreeSet<_> = EXCEPTIONS.iter().collect();
    let mut report = |source: &Source, line: usize, used: &str, rule: String| {
        let mut exceptions = EXCEPTIONS.iter();
        match exceptions.find(|(file, name)| *file == source.name && *name == used) {
            Some(exception) => drop(unused.remove(exception)),
            None => drop(writeln!(violations, "src/{}:{line}: {rule}", source.name)),
        }
    };
    for source in sources() {
        let layer = LAYERS.iter().find(|layer| layer.name == source.layer());
        let Some(layer) = layer else {
            let is_root = ROOT.contains(&source.layer());
            assert!(is_root, "src/{} is in no layer", source.name);
            continue;
        };
        for path in source.crate_paths() {
            let target = path.segments[0].as_str();
            if target != layer.name && !layer.uses.contains(&target) {
                let rule = format!(
                    "`{}` must not use `crate::{target}`; it may use {:?}",
                    layer.name, layer.uses
                );
                report(&source, path.line, target, rule);
            }
        }
        for (line, name) in source.external_crates() {
            let (_, places) = CRATES.iter().find(|known| known.0 == name).unwrap();
            let is_allowed = |place: &&str| source.name.starts_with(*place);
            if !places.iter().any(is_allowed) {
                let rule = format!("the crate `{name}` belongs into {places:?}");
                report(&source, line, name, rule);
            }
        }
    }
    assert!(violations.is_empty(), "\n{violations}");
    assert!(
        unused.is_empty(),
        "these exceptions are needed no longer, remove them: {unused:#?}"
    );
}

#[test]
fn modules_of_a_layer_have_no_cycle() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let Some(own) = source.module() else { continue };
        for path in source.crate_paths() {
            if let [layer, module, ..] = path.segments.as_slice()
                && *layer == source.layer()
            {
                let target = format!("{layer}/{module}");
                if target != own && module.starts_with(char::is_lowercase) {
                    graph.entry(own.clone()).or_default().insert(target);
                }
            }
        }
    }
    let found = cycles(&graph);
    let known: BTreeSet<Vec<String>> = CYCLES
        .iter()
        .map(|cycle| cycle.iter().map(|module| (*module).to_owned()).collect())
        .collect();
    assert_eq!(
        found, known,
        "left: the circles of modules that use each other; right: the known ones"
    );
}

#[test]
fn architecture_page_shows_these_layers() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md");
    let page = fs::read_to_string(page).unwrap();
    let diagram = diagram();
    assert!(
        page.contains(&diagram),
        "ARCHITECTURE.md must contain this diagram:\n\n{diagram}"
    );
}

/// The layers, the top one first.
fn diagram() -> String {
    let mut diagram = String::from("```text\n");
    for layer in LAYERS.iter().rev() {
        let uses = match layer.uses {
            [] => String::new(),
            uses => format!("  -> {}", uses.join(", ")),
        };
        let _ = writeln!(diagram, "{:<8} {}{uses}", layer.name, layer.purpose);
    }
    diagram.push_str("```\n");
    diagram
}

/// Groups of modules that reach each other, each sorted.
fn cycles(graph: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reach = |from: &String| {
        let mut found = BTreeSet::new();
        let mut next: Vec<_> = graph.get(from).into_iter().flatten().collect();
        while let Some(module) = next.pop() {
            if found.insert(module.clone()) {
                next.extend(graph.get(module).into_iter().flatten());
            }
        }
        found
    };
    let reached: BTreeMap<_, _> = graph.keys().map(|from| (from, reach(from))).collect();
    let mutual = |from: &String| {
        let own = &reached[from];
        let back = |to: &&String| reached.get(to).is_some_and(|there| there.contains(from));
        own.iter().filter(back).cloned().collect::<Vec<_>>()
    };
    graph
        .keys()
        .map(mutual)
        .filter(|group| !group.is_empty())
        .collect()
}

/// A source file without its comments and string literals.
struct Source {
    /// Its path in `src`.
    name: String,
    text: String,
}

/// A path that begins at the root of the crate.
struct CratePath {
    line: usize,
    segments: Vec<String>,
}

impl Source {
    /// The first folder, or the file's stem where it stands in `src` itself.
    fn layer(&self) -> &str {
        let first = self.name.split('/').next().unwrap();
        first.trim_end_matches(".rs")
    }

    /// The layer and the module below it: `service/rooms`.
    fn module(&self) -> Option<String> {
        let mut parts = self.name.trim_end_matches(".rs").split('/');
        Some(format!("{}/{}", parts.next()?, parts.next()?))
    }

    fn crate_paths(&self) -> Vec<CratePath> {
        let depth = self.name.split('/').count();
        let mut found = Vec::new();
        for (at, _) in self.text.match_indices("crate::") {
            if self.is_word_start(at) && !self.text[..at].ends_with('$') {
                self.push_paths(at + "crate::".len(), &[], &mut found);
            }
        }
        // `super::` once for each level leads to the root.
        let to_root = "super::".repeat(depth);
        for (at, _) in self.text.match_indices(&to_root) {
            let rest = at + to_root.len();
            let is_layer =
                |layer: &Layer| self.text[rest..].starts_with(&format!("{}::", layer.name));
            if self.is_word_start(at) && LAYERS.iter().any(is_layer) {
                self.push_paths(rest, &[], &mut found);
            }
        }
        found
    }

    /// Reads a path, or several in braces.
    fn push_paths(&self, at: usize, before: &[String], found: &mut Vec<CratePath>) -> usize {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let bytes = self.text.as_bytes();
        let mut at = at;
        let mut segments = before.to_vec();
        loop {
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            if bytes.get(at) == Some(&b'{') {
                at += 1;
                loop {
                    at = self.push_paths(at, &segments, found);
                    match bytes.get(at) {
                        Some(b',') => at += 1,
                        Some(b'}') => return at + 1,
                        _ => return at,
                    }
                }
            }
            let end = at + bytes[at..].iter().take_while(|byte| is_name(byte)).count();
            if end > at {
                segments.push(self.text[at..end].to_owned());
            }
            at = end;
            if self.text[at..].starts_with("::") {
                at += 2;
                continue;
            }
            if let Some(renamed) = self.text[at..].strip_prefix(" as ") {
                at += " as ".len() + renamed.bytes().take_while(is_name).count();
            }
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            if segments.len() > before.len() {
                let line = self.line(at);
                found.push(CratePath { line, segments });
            }
            return at;
        }
    }

    fn external_crates(&self) -> Vec<(usize, &'static str)> {
        let mut found = Vec::new();
        for (name, _) in CRATES {
            for (at, _) in self.text.match_indices(&format!("{name}::")) {
                if self.is_word_start(at) && !self.text[..at].ends_with("::") {
                    found.push((self.line(at), *name));
                }
            }
        }
        found
    }

    fn is_word_start(&self, at: usize) -> bool {
        let before = self.text[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    list(&root, &mut files);
    assert!(files.len() > 100, "{} files in {root:?}", files.len());
    let read = |file: PathBuf| Source {
        name: file
            .strip_prefix(&root)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/"),
        text: code(&fs::read_to_string(&file).unwrap()),
    };
    let mut sources: Vec<_> = files.into_iter().map(read).collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// The text with line comments and the contents of string literals replaced by blanks. The crate has no block
/// comments.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(raw) = raw_string(rest) {
            raw
        } else if first == '"' {
            string(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("b'\"'") {
            rest.find("\"'").unwrap() + 2
        } else if rest.starts_with(r"'\") {
            rest[3..].find('\'').map_or(rest.len(), |end| end + 4)
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (skipped, next) = rest.split_at(end);
        code.extend(skipped.chars().filter(|c| *c == '\n'));
        code.push(' ');
        rest = next;
    }
    code
}

/// The length of a raw string literal.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?;
    let count = hashes.bytes().take_while(|byte| *byte == b'#').count();
    hashes[count..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(count));
    let start = 1 + count + 1;
    rest[start..].find(&end).map(|at| start + at + end.len())
}

/// The length of a string literal.
fn string(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[test]
fn paths_are_found_in_groups_and_not_in_text() {
    let source = Source {
        name: "net/inbound/x.rs".to_owned(),
        text: code(
            "use crate::{model::room::Room, service::{self as rules, rooms}};\n\
             // crate::http\n let a = \"crate::http\"; let b = r#\"crate::http\"#; let c = '\"';\n\
             fn f(x: crate::storage::X) {} use super::super::super::http::web; my_crate::x; $crate::y;",
        ),
    };
    let found: Vec<_> = source
        .crate_paths()
        .iter()
        .map(|path| format!("{}:{}", path.line, path.segments.join("::")))
        .collect();
    assert_eq!(
        found,
        [
            "1:model::room::Room",
            "1:service::self",
            "1:service::rooms",
            "4:storage::X",
            "4:http::web"
        ]
    );
}
