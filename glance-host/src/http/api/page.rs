//! The paging of lists: `start-index`, `max-results`, and filters.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use glance_sdk::model::{Page, PageLinks};

use super::error::ApiError;
use crate::http::state::AppState;

/// The default number of entries of a page.
const DEFAULT_RESULTS: usize = 100;

/// The largest number of entries of a page.
const MAX_RESULTS: usize = 1000;

/// The requested part of a list.
pub(super) struct Paging {
    /// The URL of the list, without the parameters of a page.
    list: String,
    flags: Vec<(String, String)>,
    start: usize,
    max: usize,
}

impl FromRequestParts<AppState> for Paging {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|cause| ApiError::bad_request(cause.body_text()))?;
        let mut paging = Self {
            list: format!("{}{}", app.info.api_url(), parts.uri.path()),
            flags: Vec::new(),
            start: 0,
            max: DEFAULT_RESULTS,
        };
        for (name, value) in pairs {
            // Documented with a dash, written by some as the answer has it.
            match name.as_str() {
                "start-index" | "startIndex" => paging.start = number(&name, &value)?,
                "max-results" | "maxResults" => {
                    paging.max = number(&name, &value)?.min(MAX_RESULTS);
                }
                _ => paging.flags.push((name, value)),
            }
        }
        Ok(paging)
    }
}

fn number(name: &str, value: &str) -> Result<usize, ApiError> {
    value
        .parse()
        .map_err(|_| ApiError::bad_request(format!("{name}: {value:?} is no number from 0 up")))
}

impl Paging {
    /// Returns whether the query has `include-...=true`.
    pub(super) fn includes(&self, what: &str) -> bool {
        let flag = self.flags.iter().find(|(name, _)| name == what);
        flag.is_some_and(|(_, value)| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// Returns the requested part of a whole list.
    pub(super) fn page<T>(&self, all: impl IntoIterator<Item = T>) -> Page<T> {
        self.part(all.into_iter().skip(self.start))
    }

    /// Returns the offset and the number of entries to read. The number is one more than the page shows, which
    /// tells whether there are more.
    pub(super) fn read(&self) -> (u64, u32) {
        let at_most = u32::try_from(self.max).unwrap_or(u32::MAX);
        (self.start as u64, at_most.saturating_add(1))
    }

    /// Returns the requested part of a list that was read from the offset on.
    pub(super) fn part<T>(&self, rest: impl IntoIterator<Item = T>) -> Page<T> {
        let mut rest = rest.into_iter();
        let items: Vec<_> = rest.by_ref().take(self.max).collect();
        let has_more = !items.is_empty() && rest.next().is_some();
        let mut links = PageLinks::default();
        // Without a query: one client recognizes the list by it.
        links.self_url = Some(self.list.clone());
        let before = self.start.saturating_sub(self.max);
        links.prev = (self.start > 0 && self.max > 0).then(|| self.at(before));
        links.next = has_more.then(|| self.at(self.start.saturating_add(self.max)));
        let mut page = Page::new(items);
        page.start_index = Some(self.start as u64);
        page.max_results = Some(self.max as u64);
        page.links = Some(links);
        page
    }

    fn at(&self, start: usize) -> String {
        let (start, max) = (start.to_string(), self.max.to_string());
        let flags = self.flags.iter().map(|(name, value)| (&**name, &**value));
        let query = flags.chain([("start-index", &*start), ("max-results", &*max)]);
        match reqwest::Url::parse_with_params(&self.list, query) {
            Ok(url) => url.into(),
            Err(_) => self.list.clone(),
        }
    }
}
