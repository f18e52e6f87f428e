//! Responds to requests for missing glances, pages and webhooks, and logs the missing line of code.
//!
//! This happens if a host has the descriptor of another version of the add-on, or if the add-on
//! created something at run time and no longer has the code for it.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::any;

use crate::validate::is_extension_key;

/// A kind of capability in a descriptor.
struct Kind {
    /// The first segment of its path.
    path: &'static str,
    name: &'static str,
    /// The line of code that adds a capability with the key `KEY`.
    line: &'static str,
    otherwise: &'static str,
}

const KINDS: [Kind; 5] = [
    Kind {
        path: "glance",
        name: "glance",
        line: ".glance::<KEY>()",
        otherwise: "remove the glance from the room",
    },
    Kind {
        path: "panel",
        name: "web panel",
        line: ".web_panel(\"KEY\", ...)",
        otherwise: "remove the links to it",
    },
    Kind {
        path: "dialog",
        name: "dialog",
        line: ".dialog(\"KEY\", ...)",
        otherwise: "remove the links to it",
    },
    Kind {
        path: "page",
        name: "external page",
        line: ".external_page(\"KEY\", ...)",
        otherwise: "remove the links to it",
    },
    Kind {
        path: "webhook",
        name: "webhook",
        line: ".webhook::<KEY>()",
        otherwise: "remove the webhook on the host",
    },
];

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    KINDS.iter().fold(Router::new(), |router, kind| {
        let missing = async |Path(key): Path<String>| {
            if let Some(line) = kind.missing(&key) {
                tracing::warn!("{line}");
            }
            (
                StatusCode::NOT_FOUND,
                "the add-on has no handler for this key",
            )
        };
        router.route(&format!("/{}/{{key}}", kind.path), any(missing))
    })
}

impl Kind {
    /// Returns the log message, or `None` if the key is not a possible key.
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
        // Function names contain no dashes or dots.
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
    fn log_names_missing_line_of_code() {
        let lines: Vec<_> = KINDS
            .iter()
            .filter_map(|kind| kind.missing("open-pulls"))
            .collect();
        assert_eq!(
            lines,
            [
                "no glance `open-pulls` here; add .glance::<open_pulls>(), or remove the glance from the room",
                "no web panel `open-pulls` here; add .web_panel(\"open-pulls\", ...), or remove the links to it",
                "no dialog `open-pulls` here; add .dialog(\"open-pulls\", ...), or remove the links to it",
                "no external page `open-pulls` here; add .external_page(\"open-pulls\", ...), or remove the links to it",
                "no webhook `open-pulls` here; add .webhook::<open_pulls>(), or remove the webhook on the host",
            ]
        );
        assert_eq!(KINDS[0].missing("x\n2026 all is well"), None);
    }
}
