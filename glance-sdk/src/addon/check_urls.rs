//! Checks the URLs of icons, for which hosts would otherwise show placeholders.

use url::Url;

use crate::base_url::is_path;
use crate::model::urls::Urls;

/// The icons of an add-on, with the problems found so far.
pub(super) struct Icons<'a> {
    /// The paths that the add-on serves, in the syntax of routes.
    paths: &'a [String],
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Icons<'a> {
    pub(super) fn new(paths: &'a [String]) -> Self {
        Self {
            paths,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Checks an icon; `what` names it in a message. Replaces a wrong icon, so that the check of
    /// the descriptor does not report it again.
    pub(super) fn check(&mut self, what: &str, icon: &mut impl Urls) {
        icon.visit_urls(&mut |url| {
            let problem = if url.contains(char::is_whitespace) {
                format!("{what} is {url:?}, which contains a space; write it as %20")
            } else if is_path(url) {
                let is_served = self.paths.iter().any(|route| serves(route, url));
                if !is_served {
                    self.warn(format!(
                        "{what} is {url:?}, which no route of the add-on serves; add it with AddOn::asset"
                    ));
                }
                return;
            } else if Url::parse(url).is_err() {
                format!(
                    "{what} is {url:?}, which is neither a path that starts with a slash, such as \
                     \"/icon.svg\", nor an absolute address"
                )
            } else {
                return;
            };
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
            *url = "/".to_owned();
        });
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Adds the errors to `problems` and returns the warnings.
    pub(super) fn finish(self, problems: &mut Vec<String>) -> Vec<String> {
        problems.extend(self.problems);
        self.warnings
    }
}

/// Returns whether a route, in axum's syntax, serves the path of a URL.
fn serves(route: &str, url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (mut pattern, mut segments) = (route.split('/'), path.split('/'));
    loop {
        match (pattern.next(), segments.next()) {
            (None, None) => return true,
            (Some(rest), Some(segment)) if rest.starts_with("{*") => {
                return !segment.is_empty() || segments.next().is_some();
            }
            (Some(one), Some(segment)) if one.starts_with('{') && one.ends_with('}') => {
                if segment.is_empty() {
                    return false;
                }
            }
            (Some(one), Some(segment)) if one == segment => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Icon;

    #[test]
    fn serves_matches_paths_like_axum() {
        for (route, path, expected) in [
            ("/i.svg", "/i.svg", true),
            ("/i.svg", "/i.svg?v=2", true),
            ("/i.svg", "/i.png", false),
            ("/icons/{name}", "/icons/i.svg", true),
            ("/icons/{name}", "/icons/", false),
            ("/icons/{name}", "/icons/a/i.svg", false),
            ("/icons/{*path}", "/icons/a/i.svg", true),
            ("/icons/{*path}", "/icons/", false),
            ("/icons/{*path}", "/other/i.svg", false),
            ("/", "/i.svg", false),
        ] {
            assert_eq!(serves(route, path), expected, "{route} {path}");
        }
    }

    #[test]
    fn icon_problems_are_reported_once() {
        let paths = ["/good.svg".to_owned()];
        let mut icons = Icons::new(&paths);
        for url in [
            "/good.svg",
            "https://cdn.example.com/i.svg",
            "data:image/png;base64,AA",
            "/lost.svg",
            "i.svg",
            "/my icon.svg",
        ] {
            icons.check("the icon", &mut Icon::new(url));
        }
        let mut problems = Vec::new();
        let warnings = icons.finish(&mut problems);
        assert_eq!(
            problems,
            [
                "the icon is \"i.svg\", which is neither a path that starts with a slash, such as \
                 \"/icon.svg\", nor an absolute address",
                "the icon is \"/my icon.svg\", which contains a space; write it as %20",
            ]
        );
        assert_eq!(
            warnings,
            [
                "the icon is \"/lost.svg\", which no route of the add-on serves; add it with AddOn::asset"
            ]
        );
    }
}
