//! What happens once a change is stored.

use std::fmt;

/// What happens once a change is stored.
///
/// The functions of one handle of a storage run in the order of their commits, so pages see the entries of a room in
/// the stored order. They run even if the caller stopped waiting for its change. They must not wait: the next ones do.
#[derive(Default)]
pub struct Effects {
    on_commit: Option<Box<dyn FnOnce() + Send>>,
}

impl Effects {
    /// Returns the effects of a change that has none.
    pub fn none() -> Self {
        Self::default()
    }

    /// Runs a function after the commit.
    pub fn on_commit(run: impl FnOnce() + Send + 'static) -> Self {
        Self {
            on_commit: Some(Box::new(run)),
        }
    }

    /// Runs the function. A storage calls this after the commit of a change that it stored.
    pub fn committed(self) {
        if let Some(run) = self.on_commit {
            run();
        }
    }
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects")
            .field("on_commit", &self.on_commit.is_some())
            .finish()
    }
}
