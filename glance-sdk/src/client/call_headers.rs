//! Headers that an add-on adds to each call to a host.

use std::fmt;
use std::sync::Arc;

use reqwest::header::HeaderMap;

/// A function that adds headers.
#[derive(Clone)]
pub(crate) struct CallHeaders(Arc<dyn Fn(&mut HeaderMap) + Send + Sync>);

impl CallHeaders {
    pub(crate) fn new(add: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        Self(Arc::new(add))
    }

    /// Adds the headers, except for those that the call already has. The function does not see the
    /// call's own headers, such as its token.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        let mut added = HeaderMap::new();
        (self.0)(&mut added);
        for (name, value) in &added {
            if !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
    }
}

impl fmt::Debug for CallHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallHeaders").finish_non_exhaustive()
    }
}
