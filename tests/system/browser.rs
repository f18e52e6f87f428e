//! A person's browser: it keeps its cookie and sends the origin of its requests.

use std::collections::BTreeMap;

use glance_host::Host;
use reqwest::header::{ACCEPT, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};

pub(crate) struct Browser {
    pub(crate) client: Client,
    base: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn of(host: &Host) -> Self {
        Self {
            client: Client::builder()
                .no_proxy()
                .redirect(Policy::none())
                .build()
                .unwrap(),
            base: host.base_url().to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// Creates a browser in which the person with this name signed in.
    pub(crate) async fn signed_in(host: &Host, name: &str) -> Self {
        let mut browser = Self::of(host);
        let answer = browser.submit("/sign-in", &[("name", name)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()[LOCATION], "/");
        browser
    }

    pub(crate) fn cookie(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .header(COOKIE, self.cookie())
    }

    /// Opens a page.
    pub(crate) async fn open(&self, path: &str) -> Response {
        let request = self.request(Method::GET, path).header(ACCEPT, "text/html");
        request.send().await.unwrap()
    }

    pub(crate) async fn status(&self, path: &str) -> StatusCode {
        self.open(path).await.status()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let answer = self.open(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// Submits a form of one of the host's own pages.
    pub(crate) async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.request(Method::POST, path).header(ORIGIN, &self.base);
        let answer = request.form(form).send().await.unwrap();
        self.keep(&answer);
        answer
    }

    /// Submits a form successfully. Returns the next page.
    pub(crate) async fn submits(&mut self, path: &str, form: &[(&str, &str)]) -> String {
        let answer = self.submit(path, form).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path} {form:?}");
        answer.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    /// Stores the cookies of a response, like browsers.
    pub(crate) fn keep(&mut self, answer: &Response) {
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match cookie.contains("Max-Age=0;") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
    }
}
