//! Lists all routes of the host, read from its source, for rules that apply to all of them.

use std::fs;
use std::path::{Path, PathBuf};

/// A route in the source, such as `/rooms/{room}/settings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route(pub(crate) String);

/// Returns all routes of the host: those of the API start with `/v2`.
pub(crate) fn all() -> Vec<Route> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("glance-host/src");
    let mut routes = Vec::new();
    for (file, prefix) in [
        ("http/api.rs", "/v2"),
        ("http/admin.rs", "/admin/v1"),
        ("program/host/builder.rs", ""),
        ("http/web.rs", ""),
        ("http/web", ""),
    ] {
        for file in rust_files(&source.join(file)) {
            let text = fs::read_to_string(&file).unwrap();
            for written in written_routes(&text) {
                let expanded = expanded(&written).into_iter();
                routes.extend(expanded.map(|route| Route(format!("{prefix}{route}"))));
            }
        }
    }
    assert!(routes.len() > 90, "only {} routes found", routes.len());
    for known in [
        "/v2/room/{room}/history/latest",
        "/admin/v1/installations/{id}",
        "/embed/rooms/{room}/frames/token",
        "/integrations/visits/{visit}/done",
        "/rooms/{room}/integrations",
        "/healthz",
    ] {
        assert!(routes.contains(&Route(known.to_owned())), "{known}");
    }
    routes
}

impl Route {
    /// Returns the path with these values for its variables; others become `x`.
    pub(crate) fn with(&self, values: &[(&str, &str)]) -> String {
        let mut parts = self.0.split('/').map(|part| {
            let name = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            let value = name.map(|name| values.iter().find(|(known, _)| *known == name));
            match value {
                None => part.to_owned(),
                Some(None) => "x".to_owned(),
                Some(Some((_, value))) => (*value).to_owned(),
            }
        });
        let first = parts.next().unwrap_or_default();
        parts.fold(first, |path, part| format!("{path}/{part}"))
    }
}

fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap();
    entries
        .flat_map(|entry| rust_files(&entry.unwrap().path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Returns the first arguments of `.route(`, without a surrounding `format!`.
fn written_routes(text: &str) -> Vec<String> {
    let calls = text.split(".route(").skip(1);
    calls
        .map(|call| {
            let call = call
                .trim_start()
                .trim_start_matches("&format!(")
                .trim_start();
            match call.strip_prefix('"') {
                Some(literal) => literal.split('"').next().unwrap_or_default().to_owned(),
                None => format!("{{{}}}", call.split(',').next().unwrap_or_default()),
            }
        })
        .collect()
}

/// Returns a route for each value of the variables with which the source defines several routes.
fn expanded(written: &str) -> Vec<String> {
    let plain = written.replace("{{", "{").replace("}}", "}");
    for (variable, values) in [
        ("{base}", ["/rooms/{room}/integrations", "/integrations"]),
        ("{at}", ["/rooms/{room}", "/embed/rooms/{room}"]),
    ] {
        if plain.contains(variable) {
            return values.map(|value| plain.replace(variable, value)).to_vec();
        }
    }
    vec![plain]
}
