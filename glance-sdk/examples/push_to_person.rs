//! A glance that shows each person something else, and a push to one of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use glance_sdk::axum::extract::Path;
use glance_sdk::prelude::*;

/// How many reviews wait for each person.
#[derive(Clone, Default)]
struct Reviews(Arc<Mutex<HashMap<UserId, u32>>>);

impl Reviews {
    fn change(&self, user: UserId, by: u32) -> u32 {
        let mut reviews = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = reviews.entry(user).or_default();
        *count += by;
        *count
    }
}

fn data(count: u32) -> GlanceData {
    GlanceData::new(label!("<b>{count}</b> reviews wait for you"))
}

#[glance(key = "reviews", name = "Reviews", icon = "/reviews.svg")]
async fn reviews(query: GlanceQuery, State(reviews): State<Reviews>) -> GlanceData {
    data(query.user_id().map_or(0, |user| reviews.change(user, 0)))
}

/// Something asks this person for a review; only their page changes. A real add-on verifies who calls.
async fn ask(
    Path(user): Path<u64>,
    State(reviews): State<Reviews>,
    installations: Installations,
    pusher: Pusher,
) -> Result<(), Failure> {
    let user = UserId::new(user);
    let count = reviews.change(user, 1);
    for installation in installations.list().await? {
        pusher.push::<self::reviews>(installation.oauth_id(), user.into(), data(count))?;
    }
    Ok(())
}

fn add_on() -> AddOn<Reviews> {
    AddOn::new("com.example.reviews", "Reviews")
        .state(Reviews::default())
        .glance::<reviews>()
        .route("/ask/{user}", post(ask))
        .asset(
            "/reviews.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
}

#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    let server = add_on().listen_from_env().await?;
    server.run(glance_sdk::addon::interrupted()).await
}

#[cfg(test)]
mod tests {
    use glance_host::Host;

    use super::*;

    #[tokio::test]
    async fn only_the_person_who_is_asked_sees_it() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let add_on = room.install(add_on()).await;
        let (mut ann, mut bo) = (room.viewer("ann").await, room.viewer("bo").await);
        ann.label("reviews", "0 reviews wait for you").await;
        bo.label("reviews", "0 reviews wait for you").await;
        let id = host.user("ann", |_| {}).await.id;
        let url = format!("{}/ask/{id}", add_on.base_url());
        let asked = glance_host::testing::http_client().post(url).send().await;
        assert_eq!(asked.unwrap().status(), 200);
        let sidebar = ann.label("reviews", "1 reviews wait for you").await;
        assert_eq!(sidebar.loading, 0);
        let line = bo.glance::<reviews>().await;
        assert_eq!(line.label_text(), "0 reviews wait for you");
    }
}
