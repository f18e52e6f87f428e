//! Tests that the generated code resolves names only through the path in `crate`, without the
//! name `glance_sdk` in scope.

#![no_implicit_prelude]

extern crate glance_sdk as renamed;
extern crate self as glance_sdk;

mod in_here {
    pub(crate) use ::renamed as sdk;
}

use self::in_here::sdk::model::{Condition, ConditionName, GlanceData};
use ::std::primitive::{bool, u32};

struct String;
struct Option;
struct Vec;
trait From {}
trait Iterator {}

#[derive(::renamed::prelude::Serialize, ::renamed::GlanceMetadata)]
#[glance(crate = ::renamed)]
struct Incidents {
    open: u32,
    is_configured: bool,
    #[serde(skip_serializing_if = "::std::option::Option::is_none")]
    oldest: ::std::option::Option<Oldest>,
}

#[derive(::renamed::prelude::Serialize, ::renamed::GlanceMetadata)]
#[glance(crate = in_here::sdk)]
struct Oldest {
    days: u32,
    path: ::std::string::String,
}

#[::renamed::glance(
    crate = in_here::sdk,
    key = "incidents",
    name = "Incidents",
    icon = "/siren.svg",
    icon_2x = "/siren@2x.svg",
    target = "incidents-panel",
    weight = 4,
    conditions = [Condition::named(ConditionName::RoomIsPublic)],
    when(is_configured && open > 0 || oldest.path != "attributes" || !user::is_guest)
)]
async fn incidents(
    query: in_here::sdk::extract::GlanceQuery,
) -> ::std::result::Result<GlanceData<Incidents>, in_here::sdk::axum::http::StatusCode> {
    let open = query.room_id().get() as u32;
    let label = ::renamed::label!(crate = in_here::sdk, "<b>{open}</b> of {:>3}", open + 1);
    ::std::result::Result::Ok(GlanceData::new(label).metadata(Incidents {
        open,
        is_configured: true,
        oldest: ::std::option::Option::None,
    }))
}

fn main() {
    let _ = ::renamed::AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
    let _ = (String, Option, Vec);
}
