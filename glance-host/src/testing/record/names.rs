//! Replaces values that differ each time by names: addresses, and ids of installations.

const HOST: &str = "{{host}}";
const ADD_ON: &str = "{{add-on}}";

/// The values of one host and one add-on that get names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// The host's address, without a trailing slash.
    pub(crate) host: String,
    /// The add-on's origin, once it is known.
    pub(crate) add_on: Option<String>,
    /// The ids of its installations, in the order of their creation.
    pub(crate) installations: Vec<String>,
}

impl Names {
    /// Returns the name of the nth installation, counted from 0.
    pub(crate) fn installation(nth: usize) -> String {
        format!("{{{{installation-{}}}}}", nth + 1)
    }

    /// Replaces values by their names.
    pub(crate) fn name(&self, text: &str) -> String {
        self.pairs().fold(text.to_owned(), |text, (name, own)| {
            text.replace(own, &name)
        })
    }

    /// Replaces names by their values.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.pairs().fold(text.to_owned(), |text, (name, own)| {
            text.replace(&name, own)
        })
    }

    /// Returns names and values, the longest value first: an address may be the beginning of another.
    fn pairs(&self) -> impl Iterator<Item = (String, &str)> {
        let host = [(HOST.to_owned(), &*self.host)].into_iter();
        let add_on = self.add_on.iter().map(|own| (ADD_ON.to_owned(), &**own));
        let ids = self.installations.iter().enumerate();
        let ids = ids.map(|(nth, id)| (Self::installation(nth), &**id));
        let mut pairs: Vec<_> = host.chain(add_on).chain(ids).collect();
        pairs.sort_by_key(|(_, own)| std::cmp::Reverse(own.len()));
        pairs.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        Names {
            host: "http://127.0.0.1:4400".to_owned(),
            add_on: Some("http://127.0.0.1:44001".to_owned()),
            installations: vec!["one-id".to_owned(), "other-id".to_owned()],
        }
    }

    #[test]
    fn longer_address_gets_its_own_name() {
        let text = names().name("http://127.0.0.1:44001/x?of=other-id&host=http://127.0.0.1:4400");
        assert_eq!(text, "{{add-on}}/x?of={{installation-2}}&host={{host}}");
    }

    proptest! {
        #[test]
        fn filling_reverts_naming(
            parts in prop::collection::vec(prop::sample::select(&[
                "http://127.0.0.1:4400", "http://127.0.0.1:44001", "one-id", "other-id",
                "/", " ", "\"", "a", "1", "{", "}",
            ][..]), 0..12),
        ) {
            let text = parts.concat();
            let named = names().name(&text);
            prop_assert_eq!(names().fill(&named), text);
        }
    }
}
