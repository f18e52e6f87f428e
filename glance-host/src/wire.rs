//! Rooms, people and what they wrote, as the protocol has them.

use aws_lc_rs::digest::{SHA256, digest};
use glance_sdk::model::webhook::{User, UserLinks};

use crate::shared::Shared;
use crate::state;

pub(crate) fn person(shared: &Shared, user: &state::User) -> User {
    let mut links = UserLinks::default();
    links.self_url = Some(format!("{}/user/{}", shared.api_url(), user.id));
    let mut written = User::new(user.id);
    written.name = Some(user.name.clone());
    written.mention_name = Some(user.mention_name());
    written.version = Some(version(user));
    written.links = Some(links);
    written
}

/// For example `2016-09-09T08:23:02.932694+00:00`.
pub(crate) fn date(micros: i64) -> String {
    let nanos = i128::from(micros) * 1000;
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+00:00",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.microsecond()
    )
}

/// Another one as soon as anything is.
pub(crate) fn version(of: &impl std::fmt::Debug) -> String {
    let digest = digest(&SHA256, format!("{of:?}").as_bytes());
    let short = digest.as_ref().iter().take(4);
    short.map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_written_as_the_protocol_has_them() {
        assert_eq!(
            date(1_473_409_382_932_694),
            "2016-09-09T08:23:02.932694+00:00"
        );
        assert_eq!(date(0), "1970-01-01T00:00:00.000000+00:00");
        assert_eq!(date(i64::MAX), "1970-01-01T00:00:00.000000+00:00");
    }
}
