//! The panel's list of pull requests.

use std::fmt::Write as _;

use glance_sdk::addon::LocalTime;
use glance_sdk::label::Escaped;

use crate::pulls::OpenPull;

const MAX_SHOWN: usize = 100;

/// Returns the oldest pull requests, each with a button that removes it, and a button that restores
/// the removed ones.
pub(super) fn html(pulls: &[OpenPull], removed: u32) -> String {
    let mut html = String::from("<ul>");
    for pull in pulls.iter().take(MAX_SHOWN) {
        let key = format!("{}/{}", pull.repository, pull.number);
        let _ = write!(
            html,
            r#"<li><form method="post"><button id="remove-{key}" name="remove" value="{key}"
                 aria-label="Remove #{number}" title="Remove it until GitHub reports a change">Remove</button></form>
               <a href="{url}" target="_blank" rel="noreferrer">{title}</a>{draft}<br>
               <small>opened {opened_at}, {repository} #{number}</small></li>"#,
            url = Escaped(if pull.url.starts_with("https://") {
                &pull.url
            } else {
                "#"
            }),
            title = Escaped(&pull.title),
            draft = if pull.is_draft { " <em>draft</em>" } else { "" },
            repository = Escaped(&pull.full_name),
            number = pull.number,
            opened_at = LocalTime(pull.opened_at),
        );
    }
    html.push_str("</ul>");
    if pulls.len() > MAX_SHOWN {
        let _ = write!(html, "<p>and {} more</p>", pulls.len() - MAX_SHOWN);
    }
    if removed > 0 {
        let _ = write!(
            html,
            r#"<form method="post"><button id="restore" name="remove" value="">Show again</button>
               <small>{removed} removed.</small></form>"#
        );
    }
    html
}
