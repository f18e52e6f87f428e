//! Tests that messages beyond the retention period are deleted.

use std::time::Duration;

use glance_host::model::{Content, Entry, Message, PrivateMessage};
use glance_host::storage::Effects;
use glance_host::{Clock, Host};
use glance_sdk::auth::now;
use glance_sdk::model::MessageFormat;

use crate::add_on::{Pager, add_on};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn expired_messages_are_deleted_and_others_stay() {
    let clock = Clock::standing_at(now());
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.keep_messages(30 * DAY).start().await.unwrap();
    let state = host.state();
    let (ops, quiet) = (host.room("ops").await, host.room("quiet").await);
    let ann = host.user("Ann", |_| {}).await;
    let installed = ops.install(add_on(&Pager::new(4))).await;
    let add_on = state.installation(installed.oauth_id()).await.unwrap();
    let add_on = add_on.unwrap();
    let micros = |age: Duration| (now() - age.as_secs().cast_signed()) * 1_000_000;
    let write = async |room: &glance_host::testing::TestRoom, text: &str, age: Duration| {
        let said = Entry::message(room.room.id, &ann, Message::new(text, &[]));
        let said = Entry {
            at: micros(age),
            ..said
        };
        state.post(&said, Effects::none()).await.unwrap();
        let mut private = PrivateMessage::new(ann.id, &add_on, text, MessageFormat::Text, false);
        private.at = said.at;
        state.put_private_message(&private).await.unwrap();
    };
    // More than one batch of deletions, and newer messages that were written before older ones.
    write(&ops, "new", Duration::ZERO).await;
    for n in 0..990 {
        write(&ops, &format!("old {n}"), 20 * DAY).await;
    }
    write(&quiet, "kept", 10 * DAY).await;

    let texts = async |room: &glance_host::testing::TestRoom| -> Vec<String> {
        let said = room
            .timeline()
            .await
            .into_iter()
            .map(|entry| match entry.content {
                Content::Message(message) => message.text,
                other => panic!("{other:?}"),
            });
        said.collect()
    };
    let private = async || state.private_messages(ann.id, 1_000).await.unwrap().len();
    assert_eq!((texts(&ops).await.len(), private().await), (991, 992));
    clock.advance(11 * DAY);
    while private().await > 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(texts(&ops).await, ["new"]);
    assert_eq!(texts(&quiet).await, ["kept"]);

    clock.advance(10 * DAY);
    while private().await > 1 {
        tokio::task::yield_now().await;
    }
    assert!(texts(&quiet).await.is_empty());
    assert_eq!(texts(&ops).await, ["new"]);
}
