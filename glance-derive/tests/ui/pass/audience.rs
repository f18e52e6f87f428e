use glance_sdk::BaseUrl;
use glance_sdk::axum::extract::FromRequestParts;
use glance_sdk::axum::http::request::Parts;
use glance_sdk::axum::response::Response;
use glance_sdk::client::{Client, Instance};
use glance_sdk::extract::InstanceId;
use glance_sdk::glance::{Glance, RoomArgument};
use glance_sdk::model::{Audience, UiUpdate};
use glance_sdk::prelude::*;

struct Repository(String);

impl RoomArgument for Repository {}

impl<S: Send + Sync> FromRequestParts<S> for Repository {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let query = RoomQuery::from_request_parts(parts, state).await?;
        Ok(Self(query.room_id().to_string()))
    }
}

#[glance(key = "builds", name = "Builds", icon = "/i.svg", audience = "room")]
async fn builds(
    query: RoomQuery,
    State(broken): State<u32>,
    Repository(repository): Repository,
    installations: Installations,
    pusher: Pusher,
    base_url: BaseUrl,
    #[cfg(any())] missing: GlanceQuery,
    #[cfg(all())] more: Repository,
) -> Result<GlanceData, Failure> {
    let rooms = query.client().await?.rooms().all().await?.len();
    let _ = (installations, pusher, base_url, more.0);
    Ok(GlanceData::new(label!("<b>{broken}</b> in {repository} of {rooms}")))
}

#[glance(key = "ticket", name = "Ticket", icon = "/i.svg", audience = "room")]
async fn ticket(InstanceId(id): InstanceId) -> GlanceData {
    GlanceData::new(label!("Ticket {id}"))
}

#[glance(key = "reviews", name = "Reviews", icon = "/i.svg", audience = "person")]
async fn reviews(query: GlanceQuery) -> GlanceData {
    GlanceData::new(label!("{}", query.user_id().map_or(0, UserId::get)))
}

const HOUR: i64 = 60 * 60;

#[glance(key = "shortest", name = "Shortest", icon = "/i.svg", audience = "room", max_age = 1)]
async fn shortest() -> GlanceData {
    GlanceData::new(label!("x"))
}

#[glance(key = "longest", name = "Longest", icon = "/i.svg", max_age = 24 * HOUR, audience = "room")]
async fn longest() -> GlanceData {
    GlanceData::new(label!("x"))
}

macro_rules! of_room {
    ($name:ident, $audience:literal) => {
        #[glance(key = "wrapped", name = "Wrapped", icon = "/i.svg", audience = $audience)]
        async fn $name(query: RoomQuery) -> GlanceData {
            GlanceData::new(label!("{}", query.room_id()))
        }
    };
}

of_room!(wrapped, "room");

async fn push(client: Client, instance: Instance<ticket>) -> glance_sdk::Result<()> {
    let data = || GlanceData::new(label!("x"));
    client.group().push::<builds>(data()).await?;
    client.room(42).push::<builds>(data()).await?;
    client.room(42).push_instance(&instance, data()).await?;
    client.user(5).push::<reviews>(data()).await?;
    // A push by key is not checked here, but by the host.
    client.user(5).update(&UiUpdate::one(builds::KEY, data())).await
}

fn main() {
    let _ = push;
    assert_eq!(builds::descriptor().audience, Some(Audience::Room));
    assert_eq!(wrapped::descriptor().audience, Some(Audience::Room));
    assert_eq!(reviews::descriptor().audience, Some(Audience::Person));
    assert_eq!(builds::descriptor().max_age, None);
    assert_eq!(shortest::descriptor().max_age, Some(1));
    assert_eq!(longest::descriptor().max_age, Some(86_400));
    let add_on = AddOn::new("com.example.builds", "Builds")
        .state(2)
        .glance::<builds>()
        .glance::<reviews>()
        .glance::<wrapped>()
        .glance::<shortest>()
        .glance::<longest>()
        .runtime_glance::<ticket>();
    add_on.build("https://builds.example.com").unwrap();
}
