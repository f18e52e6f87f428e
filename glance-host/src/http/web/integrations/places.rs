//! `/addons/install?url=`: the target of "install" buttons of add-ons. It changes nothing: the person chooses a
//! place, and reads there what the add-on requests.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use reqwest::Url;
use serde_json::json;

use super::ListQuery;
use crate::http::web::pages::{PageError, render};
use crate::http::web::room_access::Person;
use crate::model::access;
use crate::model::host_info::HostInfo;
use crate::storage::Storage;

/// The number of rooms that the page lists.
const MAX_ROOMS: u32 = 100;

pub(super) async fn choose(
    State(storage): State<Arc<dyn Storage>>,
    State(info): State<Arc<HostInfo>>,
    Person(user): Person,
    Query(ListQuery { url }): Query<ListQuery>,
) -> Result<Response, PageError> {
    let rooms = storage.rooms_open_to(&user, MAX_ROOMS + 1).await?;
    let has_more = rooms.len() > MAX_ROOMS as usize;
    let everywhere =
        access::manages_group(&user).then(|| ("All rooms".to_owned(), "/integrations".to_owned()));
    let managed = rooms
        .into_iter()
        .take(MAX_ROOMS as usize)
        .filter(|room| access::manages(&user, room));
    let rooms = managed.map(|room| (room.name, format!("/rooms/{}/integrations", room.id)));
    let places: Vec<_> = everywhere
        .into_iter()
        .chain(rooms)
        .map(|(name, page)| (name, with_url(&page, &url)))
        .collect();
    if let [(_, address)] = places.as_slice() {
        return Ok(Redirect::to(address).into_response());
    }
    let places = places
        .iter()
        .map(|(name, address)| json!({ "name": name, "address": address }));
    let values = json!({
        "group": info.group.name,
        "url": url,
        "places": places.collect::<Vec<_>>(),
        "has_more": has_more,
    });
    Ok(render(StatusCode::OK, "integrations/places.html", values))
}

/// Returns the address of a page of integrations, with the URL of a descriptor for its form.
fn with_url(page: &str, url: &str) -> String {
    // A constant address with a parameter is valid.
    let address = Url::parse_with_params(&format!("http://host{page}"), [("url", url)]);
    address.map_or_else(
        |_| page.to_owned(),
        |address| format!("{page}?{}", address.query().unwrap_or_default()),
    )
}
