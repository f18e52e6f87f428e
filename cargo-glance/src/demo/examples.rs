//! The examples that the demo runs. To add one, write its feed and add it to [`all`].

use std::path::Path;

use super::feed::Example;
use super::{alertmanager, github, jira, mastodon};

/// Returns all examples, in the order of their lines.
pub(super) async fn all(data: &Path) -> Result<Vec<Example>, String> {
    Ok(vec![
        github::example(data)?,
        jira::example(data)?,
        mastodon::example().await?,
        alertmanager::example(data)?,
    ])
}
