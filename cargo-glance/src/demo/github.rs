//! Imitates GitHub: delivers pull requests in GitHub's documented format.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::feed::{Example, Feed};
use super::hook::{Hook, Proof};

/// The repository of the delivered pull requests.
const REPOSITORY: &str = "example/widgets";

const REPOSITORY_ID: u32 = 1;

const TITLES: [&str; 5] = [
    "Retry an upload that was cut off",
    "Say which file is missing",
    "Draw the chart in local time",
    "Keep the search when the page reloads",
    "Remove the old importer",
];

pub(super) fn example(data: &Path) -> Result<Example, String> {
    let secret_file = data.join("github-webhook-secret");
    let proof = Proof::Signature("X-Hub-Signature-256");
    let hook = Hook::new("/hooks/github", proof, secret_file)?;
    let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default();
    Ok(Example {
        name: "pull-requests",
        key: "glance.example.pull-requests",
        panel: "pull-requests-panel",
        form: &[("repositories", REPOSITORY), ("stale_days", "7")],
        port: 4401,
        variables: vec![("GITHUB_WEBHOOK_SECRET", hook.secret().to_owned())],
        feed: Box::new(GitHub {
            hook,
            // Numbers of an earlier start must not repeat.
            opened: AtomicU64::new(now % 100_000),
        }),
    })
}

struct GitHub {
    hook: Hook,
    opened: AtomicU64,
}

#[async_trait]
impl Feed for GitHub {
    async fn begin(&self, add_on: &str) -> Result<(), String> {
        for (days, draft) in [(3, false), (2, false), (1, true), (1, false), (0, false)] {
            self.open(add_on, days, draft).await?;
        }
        Ok(())
    }

    async fn more(&self, add_on: &str) -> Result<String, String> {
        let number = self.open(add_on, 0, false).await?;
        Ok(format!("GitHub: {REPOSITORY} #{number} was opened."))
    }

    fn hook(&self, add_on: &str) -> Option<String> {
        Some(self.hook.says(add_on))
    }
}

impl GitHub {
    /// Delivers a pull request that was opened some days ago. Returns its number.
    async fn open(&self, add_on: &str, days: i64, draft: bool) -> Result<u64, String> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let title = TITLES[usize::try_from(number).unwrap_or_default() % TITLES.len()];
        let opened_at = (OffsetDateTime::now_utc() - Duration::days(days))
            .format(&Rfc3339)
            .map_err(|cause| format!("cannot format the date: {cause}"))?;
        let body = json!({
            "action": "opened",
            "number": number,
            "pull_request": {
                "number": number,
                "title": title,
                "html_url": format!("https://github.com/{REPOSITORY}/pull/{number}"),
                "state": "open",
                "draft": draft,
                "created_at": opened_at,
                "updated_at": opened_at,
            },
            "repository": { "id": REPOSITORY_ID, "full_name": REPOSITORY },
        });
        let headers = [("X-GitHub-Event", "pull_request")];
        self.hook.deliver(add_on, &headers, &body).await?;
        Ok(number)
    }
}
