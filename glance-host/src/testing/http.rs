//! The HTTP client of a test.

/// A client that stands for a browser, or for a stranger, on the machine of the test: it uses no proxy,
/// whatever the environment names.
///
/// # Panics
///
/// Panics if TLS cannot be set up.
#[expect(
    clippy::disallowed_methods,
    reason = "a browser in a test calls any address"
)]
pub fn http_client() -> reqwest::Client {
    match reqwest::Client::builder().no_proxy().build() {
        Ok(client) => client,
        Err(cause) => panic!("the HTTP client of a test cannot be made: {cause}"),
    }
}
