//! Requests that cannot be served now, because the database fails, and can be repeated in a moment.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

/// When to try again. A database that is locked or restarts takes about as long.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Adds `Retry-After` to a response that says 503.
pub(crate) fn with_retry_after(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, StatusCode};
    use rusqlite::Connection;

    use crate::Host;

    /// Another process breaks the database, and repairs it.
    #[tokio::test]
    async fn a_failing_database_is_to_be_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::builder().data(folder.path()).start().await.unwrap();
        let room = host.open_room("ops").await.unwrap();
        let database = Connection::open(folder.path().join("host.sqlite")).unwrap();
        let rename = |from: &str, to: &str| {
            let statement = format!(
                "PRAGMA legacy_alter_table = ON; PRAGMA foreign_keys = OFF;
                 ALTER TABLE \"{from}\" RENAME TO \"{to}\""
            );
            database.execute_batch(&statement).unwrap();
        };
        let client = crate::testing::http_client();
        let ask = |method: &Method, path: &str| {
            let request = client.request(method.clone(), format!("{}{path}", host.base_url()));
            let request = request.header("origin", host.base_url());
            let request = request.header("sec-fetch-site", "same-origin");
            let request = request.basic_auth("stranger", Some("guessed"));
            match *method {
                Method::POST => request.json(&serde_json::json!({ "addOn": "x", "key": "y" })),
                _ => request,
            }
        };
        for (method, path, table, otherwise) in [
            (
                Method::POST,
                "/v2/oauth/token".to_owned(),
                "installation",
                StatusCode::UNAUTHORIZED,
            ),
            (Method::GET, "/".to_owned(), "room", StatusCode::OK),
            (
                Method::GET,
                format!("/rooms/{}", room.id),
                "room",
                StatusCode::OK,
            ),
            (
                Method::POST,
                format!("/rooms/{}/open", room.id),
                "installation",
                StatusCode::NOT_FOUND,
            ),
        ] {
            rename(table, "gone");
            let answer = ask(&method, &path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(answer.headers()["retry-after"], "5", "{path}");
            let text = answer.text().await.unwrap();
            assert!(
                text.contains("cannot reach its database now"),
                "{path}: {text}"
            );
            assert!(!text.contains("no such table"), "{path}: {text}");
            rename("gone", table);
            let answer = ask(&method, &path).send().await.unwrap();
            assert_eq!(answer.status(), otherwise, "{path}");
        }
    }
}
