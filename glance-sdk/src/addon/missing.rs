//! What a host asks for and the add-on does not have: the log says which line is missing.
//!
//! It happens where a host has the descriptor of another version of the add-on, or where the
//! add-on declared something at runtime and its code is gone.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::any;

use crate::validate::is_extension_key;

/// A kind of what stands in a descriptor.
struct Kind {
    /// The first part of its path.
    path: &'static str,
    name: &'static str,
    /// The line that adds one whose key is `KEY`.
    line: &'static str,
    otherwise: &'static str,
}

const KINDS: [Kind; 5] = [
    Kind {
        path: "glance",
        name: "glance",
        line: ".glance::<KEY>()",
        otherwise: "remove it from the room",
    },
    Kind {
        path: "panel",
        name: "web panel",
        line: ".web_panel(\"KEY\", ...)",
        otherwise: "remove what opens it",
    },
    Kind {
        path: "dialog",
        name: "dialog",
        line: ".dialog(\"KEY\", ...)",
        otherwise: "remove what opens it",
    },
    Kind {
        path: "page",
        name: "external page",
        line: ".external_page(\"KEY\", ...)",
        otherwise: "remove what opens it",
    },
    Kind {
        path: "webhook",
        name: "webhook",
        line: ".webhook::<KEY>()",
        otherwise: "remove it on the host",
    },
];

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    KINDS.iter().fold(Router::new(), |router, kind| {
        let missing = async |Path(key): Path<String>| {
            if let Some(line) = kind.missing(&key) {
                tracing::warn!("{line}");
            }
            (StatusCode::NOT_FOUND, "the add-on has no such thing")
        };
        router.route(&format!("/{}/{{key}}", kind.path), any(missing))
    })
}

impl Kind {
    /// What the log says; nothing where a stranger made the key up.
    fn missing(&self, key: &str) -> Option<String> {
        if !is_extension_key(key) {
            return None;
        }
        let Self {
            name,
            line,
            otherwise,
            ..
        } = self;
        // A function has no name with a dash or a dot.
        let line = match line.contains("::<") {
            true => line.replace("KEY", &key.replace(['-', '.'], "_")),
            false => line.replace("KEY", key),
        };
        Some(format!(
            "no {name} `{key}` here; add {line}, or {otherwise}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_the_missing_line() {
        let lines: Vec<_> = KINDS
            .iter()
            .filter_map(|kind| kind.missing("open-pulls"))
            .collect();
        assert_eq!(
            lines,
            [
                "no glance `open-pulls` here; add .glance::<open_pulls>(), or remove it from the room",
                "no web panel `open-pulls` here; add .web_panel(\"open-pulls\", ...), or remove what opens it",
                "no dialog `open-pulls` here; add .dialog(\"open-pulls\", ...), or remove what opens it",
                "no external page `open-pulls` here; add .external_page(\"open-pulls\", ...), or remove what opens it",
                "no webhook `open-pulls` here; add .webhook::<open_pulls>(), or remove it on the host",
            ]
        );
        assert_eq!(KINDS[0].missing("x\n2026 all is well"), None);
    }
}
