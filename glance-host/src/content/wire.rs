//! Rooms, people and what they wrote, as the protocol has them.

use aws_lc_rs::digest::{SHA256, digest};
use glance_sdk::model::webhook::{Message, MessageType, NotificationMessage, User, UserLinks};
use glance_sdk::model::{Color, MessageFormat, Notification};

use crate::model;
use crate::model::{Entry, Sender};
use crate::service::messages;
use crate::service::shared::Shared;
use crate::storage::StorageError;

pub(crate) fn person(shared: &Shared, user: &model::User) -> User {
    let mut links = UserLinks::default();
    links.self_url = Some(format!("{}/user/{}", shared.info.api_url(), user.id));
    let mut written = User::new(user.id);
    written.name = Some(user.name.clone());
    written.mention_name = Some(user.mention_name());
    written.version = Some(version(user));
    written.links = Some(links);
    written
}

/// A message. Where an add-on wrote it, `from` is absent: it speaks of a person.
pub(crate) async fn message(
    shared: &Shared,
    entry: &Entry,
    said: &model::Message,
) -> Result<Message, StorageError> {
    let mentioned = shared.state.users_with(&said.mentions).await?;
    let mentions = mentioned.iter().map(|user| person(shared, user)).collect();
    let from = match &entry.sender {
        Sender::Person(id) => shared.state.user(*id).await?,
        Sender::AddOn(_) => None,
    };
    let mut written = Message::new(&said.text);
    written.id = Some(entry.id.clone());
    written.date = Some(date(entry.at));
    written.kind = Some(MessageType::Message);
    written.from = from.map(|user| person(shared, &user));
    written.mentions = Some(mentions);
    if let Some(parent) = &said.reply_to {
        let parent = parent.clone().into();
        written.extra.insert("attach_to".to_owned(), parent);
    }
    Ok(written)
}

/// A notification, and whom it mentions.
pub(crate) async fn notification(
    shared: &Shared,
    entry: &Entry,
    said: &Notification,
) -> Result<NotificationMessage, StorageError> {
    let mentioned = messages::mentioned_in(shared, said).await?;
    let mut written = NotificationMessage::new(&said.message);
    written.id = Some(entry.id.clone());
    written.date = Some(date(entry.at));
    written.kind = Some(MessageType::Notification);
    written.from = Some(entry.sender_name.clone());
    written.color = Some(said.color.clone().unwrap_or(Color::Yellow));
    let format = said.message_format.clone();
    written.message_format = Some(format.unwrap_or(MessageFormat::Html));
    written.mentions = Some(mentioned.iter().map(|user| person(shared, user)).collect());
    Ok(written)
}

/// For example `2016-09-09T08:23:02.932694+00:00`.
pub(crate) fn date(micros: i64) -> String {
    let (date, micros) = date_parts(i128::from(micros) * 1000);
    format!("{date}.{micros:06}+00:00")
}

/// Date and time of day in UTC, and the microseconds.
fn date_parts(nanos: i128) -> (String, u32) {
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let date = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
    );
    (date, at.microsecond())
}

/// A time in seconds since 1970, for example `2016-09-09T08:23:02Z`.
pub(crate) fn time(seconds: i64) -> String {
    let (date, _) = date_parts(i128::from(seconds) * 1_000_000_000);
    format!("{date}Z")
}

/// Another one as soon as anything is.
pub(crate) fn version(of: &impl std::fmt::Debug) -> String {
    let digest = digest(&SHA256, format!("{of:?}").as_bytes());
    let short = digest.as_ref().iter().take(4);
    short.map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{date, time};

    #[test]
    fn dates_are_written_as_the_protocol_has_them() {
        assert_eq!(
            date(1_473_409_382_932_694),
            "2016-09-09T08:23:02.932694+00:00"
        );
        assert_eq!(date(0), "1970-01-01T00:00:00.000000+00:00");
        assert_eq!(time(1_473_409_382), "2016-09-09T08:23:02Z");
        assert_eq!(date(i64::MAX), "1970-01-01T00:00:00.000000+00:00");
    }
}
