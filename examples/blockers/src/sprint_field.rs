//! Parses the sprints of an issue, which are in a custom field with a different number in each
//! Jira.

use serde_json::Value;

use crate::issues::Sprint;

/// The members of a sprint in Jira Data Center. `goal` and `name` may contain any text.
const MEMBERS: [&str; 14] = [
    "activatedDate",
    "autoStartStop",
    "closed",
    "completeDate",
    "endDate",
    "goal",
    "id",
    "incompleteIssuesDestinationId",
    "name",
    "rapidViewId",
    "sequence",
    "startDate",
    "state",
    "synced",
];

/// Returns the sprints in a field, or none if it is another field.
pub(crate) fn sprints(field: &Value) -> Vec<Sprint> {
    let values = field.as_array().into_iter().flatten();
    let sprint = |value: &Value| match value {
        Value::String(text) => greenhopper(text),
        // Other fields also contain objects with an id and a state.
        Value::Object(sprint) => {
            sprint.get("boardId")?;
            Some(Sprint {
                id: sprint.get("id")?.as_i64()?,
                is_active: sprint
                    .get("state")?
                    .as_str()?
                    .eq_ignore_ascii_case("active"),
            })
        }
        _ => None,
    };
    values.filter_map(sprint).collect()
}

/// Parses a sprint of Jira Data Center and Server:
/// `com.atlassian.greenhopper...Sprint@1f[id=7,state=ACTIVE,name=...]`. The order of the members
/// depends on the version: the id or the view first, or alphabetical.
fn greenhopper(text: &str) -> Option<Sprint> {
    let (class, members) = text.split_once('[')?;
    if !class.contains(".greenhopper.") {
        return None;
    }
    let members = members.trim_end();
    let members = members.strip_suffix(']').unwrap_or(members);
    Some(Sprint {
        id: member(members, "id", |id| id.parse().ok())?,
        is_active: member(members, "state", |state| match state {
            "ACTIVE" => Some(true),
            "CLOSED" | "FUTURE" => Some(false),
            _ => None,
        })?,
    })
}

/// Returns the value of a member that is not free text. Free text may look like a member: a member
/// before all free text is certain, otherwise the last one counts.
fn member<T>(members: &str, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    let parts = || members.split(',').map(str::trim);
    let value = |part: &str| read(part.strip_prefix(name)?.strip_prefix('=')?);
    let is_free = |part: &&str| part.starts_with("goal=") || part.starts_with("name=");
    if let Some(value) = parts().take_while(|part| !is_free(part)).find_map(value) {
        return Some(value);
    }
    // Each member is followed by another one; otherwise the match is within a text.
    let is_member = |part: &str| {
        let name = part.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| MEMBERS.contains(&name))
    };
    let parts: Vec<_> = parts().collect();
    (0..parts.len()).rev().find_map(|at| {
        let is_whole = parts.get(at + 1).is_none_or(|next| is_member(next));
        is_whole.then(|| value(parts[at])).flatten()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(members: &str) -> Value {
        json!([format!(
            "com.atlassian.greenhopper.service.sprint.Sprint@1f[{members}]"
        )])
    }

    fn sprint(id: i64, is_active: bool) -> Vec<Sprint> {
        vec![Sprint { id, is_active }]
    }

    #[test]
    fn sprints_are_found_in_both_forms_only() {
        for (field, found) in [
            (
                json!([{ "id": 7, "state": "active", "boardId": 1 }]),
                sprint(7, true),
            ),
            (
                json!([{ "id": 7, "state": "closed", "boardId": 1 }]),
                sprint(7, false),
            ),
            (
                server("id=7,rapidViewId=1,state=ACTIVE,name=Sprint 4, state=CLOSED"),
                sprint(7, true),
            ),
            (server("id=x,state=ACTIVE"), vec![]),
            (json!(["state=ACTIVE,[id=7,state=ACTIVE]"]), vec![]),
            (json!([{ "id": 7, "state": "active" }]), vec![]),
            (
                json!([{ "id": "7", "state": "active", "boardId": 1 }, null, 3, "x"]),
                vec![],
            ),
            (json!("x"), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(sprints(&field), found, "{field}");
        }
    }

    #[test]
    fn order_of_members_and_free_text_do_not_matter() {
        for (members, found) in [
            // Since 2014.
            (
                "rapidViewId=142,state=CLOSED,name=07.04 - 24.04,startDate=2014-04-07T13:55:52.263+02:00,\
                 endDate=<null>,completeDate=<null>,id=642",
                sprint(642, false),
            ),
            // Since 2015, with a goal since 2018.
            (
                "id=444,rapidViewId=158,state=ACTIVE,name=Sprint 5, the last,startDate=<null>,\
                 endDate=<null>,completeDate=<null>,sequence=444,goal=",
                sprint(444, true),
            ),
            (
                "id=7,rapidViewId=1,state=FUTURE,name=x,state=ACTIVE,goal=id=9,id=8",
                sprint(7, false),
            ),
            // Alphabetical.
            (
                "activatedDate=<null>,autoStartStop=false,completeDate=<null>,endDate=<null>,\
                 goal=Flags,state=CLOSED by default,id=7,incompleteIssuesDestinationId=<null>,\
                 name=S,rapidViewId=1,sequence=7,startDate=<null>,state=ACTIVE,synced=false",
                sprint(7, true),
            ),
            (
                "endDate=<null>,goal=Flags, id=3, state=ACTIVE, done,id=7,name=state=ACTIVE,\
                 rapidViewId=1,sequence=7,startDate=<null>,state=CLOSED",
                sprint(7, false),
            ),
            (
                "goal=,id=7,name=]state=ACTIVE],state=ACTIVE",
                sprint(7, true),
            ),
            ("id=7,name=x", vec![]),
        ] {
            assert_eq!(sprints(&server(members)), found, "{members}");
        }
    }
}
