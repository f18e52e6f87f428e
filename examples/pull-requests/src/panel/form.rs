//! The forms of the panel.

use serde::Deserialize;

use crate::rooms::Settings;

const MAX_REPOSITORIES: usize = 100;

/// The maximum length of a name on GitHub: 39 characters for an owner, 100 for a repository.
const MAX_NAME_CHARS: usize = 140;

/// A form of the panel: the settings, one pull request, or the removed ones.
#[derive(Deserialize)]
pub(crate) struct RoomForm {
    repositories: Option<String>,
    stale_days: Option<String>,
    /// The repository's id and the number of the pull request, as `7/12`.
    remove: Option<String>,
}

/// The input of the settings form in its original form.
pub(super) struct Choice {
    pub(super) repositories: String,
    pub(super) stale_days: String,
}

impl From<&Settings> for Choice {
    fn from(settings: &Settings) -> Self {
        let names = settings.repositories.iter();
        let names: Vec<_> = names.map(|chosen| chosen.full_name.as_str()).collect();
        Self {
            repositories: names.join("\n"),
            stale_days: settings.stale_days.to_string(),
        }
    }
}

pub(super) enum Change {
    Choose {
        repositories: Vec<String>,
        stale_days: u32,
    },
    Remove {
        repository: i64,
        number: u32,
    },
    Restore,
}

impl RoomForm {
    /// # Errors
    ///
    /// Returns the problem and the input.
    pub(super) fn read(self) -> Result<Change, (String, Choice)> {
        match (self.remove, self.repositories) {
            (Some(remove), _) => Ok(removed(&remove).unwrap_or(Change::Restore)),
            (None, None) => Ok(Change::Restore),
            (None, Some(repositories)) => {
                let choice = Choice {
                    repositories,
                    stale_days: self.stale_days.unwrap_or_default(),
                };
                check(&choice).map_err(|problem| (problem, choice))
            }
        }
    }
}

fn removed(text: &str) -> Option<Change> {
    let (repository, number) = text.split_once('/')?;
    Some(Change::Remove {
        repository: repository.parse().ok()?,
        number: number.parse().ok()?,
    })
}

fn check(choice: &Choice) -> Result<Change, String> {
    let stale_days = choice.stale_days.trim();
    let stale_days = stale_days
        .parse()
        .ok()
        .filter(|days| (1..=365).contains(days))
        .ok_or_else(|| format!("\"{stale_days}\" is not a number of days from 1 to 365."))?;
    let words = choice
        .repositories
        .split([',', ' ', '\n', '\r', '\t'])
        .filter(|word| !word.is_empty());
    let repositories: Vec<String> = words.map(ToOwned::to_owned).collect();
    if let Some(name) = repositories.iter().find(|name| !is_repository(name)) {
        let name: String = name.chars().take(MAX_NAME_CHARS).collect();
        return Err(format!(
            "\"{name}\" is not a repository. Enter owner/name, one per line."
        ));
    }
    if repositories.len() > MAX_REPOSITORIES {
        return Err(format!(
            "These are {} repositories. Choose at most {MAX_REPOSITORIES}.",
            repositories.len()
        ));
    }
    Ok(Change::Choose {
        repositories,
        stale_days,
    })
}

fn is_repository(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    name.len() <= MAX_NAME_CHARS
        && name
            .split_once('/')
            .is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}
