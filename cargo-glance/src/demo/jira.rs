//! Imitates Jira: delivers blocker bugs of a sprint in Jira Cloud's documented format.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use serde_json::json;
use time::OffsetDateTime;

use super::feed::{Example, Feed};
use super::hook::{Hook, Proof};

/// The project of the delivered issues.
const PROJECT: &str = "WID";

const SUMMARIES: [&str; 4] = [
    "Sign-in fails behind a proxy",
    "The export leaves the last row out",
    "Uploads over 2 GB are lost",
    "The invoice shows yesterday's prices",
];

pub(super) fn example(data: &Path) -> Result<Example, String> {
    let secret_file = data.join("jira-webhook-secret");
    let proof = Proof::Signature("X-Hub-Signature");
    let hook = Hook::new("/hooks/jira", proof, secret_file)?;
    Ok(Example {
        name: "blockers",
        key: "glance.example.blockers",
        panel: "blockers-panel",
        form: &[("project", PROJECT)],
        port: 4402,
        variables: vec![("JIRA_WEBHOOK_SECRET", hook.secret().to_owned())],
        feed: Box::new(Jira {
            hook,
            // Numbers of an earlier start must not repeat.
            created: AtomicI64::new(OffsetDateTime::now_utc().unix_timestamp() % 100_000),
        }),
    })
}

struct Jira {
    hook: Hook,
    created: AtomicI64,
}

#[async_trait]
impl Feed for Jira {
    async fn begin(&self, add_on: &str) -> Result<(), String> {
        for _ in 0..2 {
            self.create(add_on).await?;
        }
        Ok(())
    }

    async fn more(&self, add_on: &str) -> Result<String, String> {
        let key = self.create(add_on).await?;
        Ok(format!("Jira: the blocker {key} was created."))
    }

    fn hook(&self, add_on: &str) -> Option<String> {
        Some(self.hook.says(add_on))
    }
}

impl Jira {
    /// Delivers a blocker that was created in the current sprint. Returns its key.
    async fn create(&self, add_on: &str) -> Result<String, String> {
        let number = self.created.fetch_add(1, Ordering::Relaxed);
        let key = format!("{PROJECT}-{number}");
        let summary = SUMMARIES[usize::try_from(number).unwrap_or_default() % SUMMARIES.len()];
        let milliseconds = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let body = json!({
            "timestamp": i64::try_from(milliseconds).unwrap_or_default(),
            "webhookEvent": "jira:issue_created",
            "issue": {
                "id": number.to_string(),
                "key": key,
                "self": format!("https://jira.example.com/rest/api/2/issue/{number}"),
                "fields": {
                    "summary": summary,
                    "project": { "id": "10000", "key": PROJECT },
                    "issuetype": { "name": "Bug" },
                    "priority": { "name": "Highest" },
                    "status": { "name": "To Do", "statusCategory": { "key": "new" } },
                    "customfield_10020": [
                        { "id": 7, "name": "Sprint 7", "state": "active", "boardId": 1 },
                    ],
                },
            },
        });
        self.hook.deliver(add_on, &[], &body).await?;
        Ok(key)
    }
}
