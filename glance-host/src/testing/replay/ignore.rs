//! The places where differences are ignored.

/// JSON pointers; a part `*` matches any one.
#[derive(Debug, Clone, Default)]
pub(super) struct Ignore(Vec<String>);

impl Ignore {
    pub(super) fn add(&mut self, pointer: String) {
        self.0.push(pointer);
    }

    /// Returns whether differences at this pointer are ignored.
    pub(super) fn has(&self, pointer: &str) -> bool {
        self.0.iter().any(|pattern| {
            let (mut parts, mut pattern) = (pointer.split('/'), pattern.split('/'));
            pattern.all(|wanted| {
                parts
                    .next()
                    .is_some_and(|part| wanted == "*" || wanted == part)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_pointers_below_it() {
        for (pattern, pointer, is_met) in [
            ("/answer", "/answer", true),
            ("/answer", "/answer/label", true),
            ("/answer/label", "/answer", false),
            ("/answer", "/answers", false),
            ("/body/*/id", "/body/3/id", true),
            ("/body/*/id", "/body/3/name", false),
            ("", "/anything", true),
        ] {
            let mut ignore = Ignore::default();
            ignore.add(pattern.to_owned());
            assert_eq!(ignore.has(pointer), is_met, "{pattern} {pointer}");
        }
    }
}
