//! Notifications, the messages that an add-on posts into a room.

use super::Method;
use super::push::Room;
use crate::base_url::complete;
use crate::model::Notification;
use crate::validate::{self, Severity};
use crate::{Error, ErrorKind, Result};

impl Room<'_> {
    /// Posts a notification into the room. Requires the scope `send_notification`. URLs in its card
    /// may be paths of the add-on, such as `/builds/7`; HTML is sent unchanged.
    ///
    /// ```no_run
    /// use glance_sdk::client::Client;
    /// use glance_sdk::model::{Color, Notification};
    ///
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// let notification = Notification::text("The build is green.").color(Color::Green);
    /// client.room(42).notify(&notification).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Invalid`], before sending anything, if the message does not have 1 to
    /// 10,000 characters, `from` has more than 64, `attach_to` more than 36, or the color or the
    /// format is not one of the protocol's; then the errors of [`push`](Self::push).
    ///
    /// The client does not retry a notification that may have arrived, so the error `Unreachable`
    /// does not mean that the notification is absent.
    pub async fn notify(&self, notification: &Notification) -> Result<()> {
        let mut notification = notification.clone();
        complete(self.client.base_url(), &mut notification)?;
        check(&notification)?;
        let path = ["room", &self.room, "notification"];
        self.client
            .send(Method::Post, &path, Some(&notification))
            .await
    }
}

fn check(notification: &Notification) -> Result<()> {
    let document = serde_json::to_value(notification).map_err(|cause| {
        Error::new(ErrorKind::Invalid, "cannot serialize the notification").with_source(cause)
    })?;
    let wrong: Vec<_> = validate::notification(&document)
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| problem.to_string())
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("the notification was not sent: {}", wrong.join("; ")),
    ))
}
