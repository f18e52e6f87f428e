//! A browser that follows nothing by itself.

use std::collections::HashMap;

use reqwest::header::{ACCEPT, COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};

pub(crate) struct Browser {
    client: Client,
    /// Where the host answers.
    host: String,
    /// The name by which the browser knows it, where a proxy stands between the two.
    pub(crate) name: Option<String>,
    pub(crate) cookies: HashMap<String, String>,
}

impl Browser {
    pub(crate) fn at(host: &str) -> Self {
        Self {
            client: Client::builder()
                .no_proxy()
                .redirect(Policy::none())
                .build()
                .unwrap(),
            host: host.to_owned(),
            name: None,
            cookies: HashMap::new(),
        }
    }

    /// Opens a page: its status, where it sends the browser on to, and what it shows.
    pub(crate) async fn open(&mut self, url: &str) -> (u16, String, String) {
        let request = self.request(Method::GET, url);
        self.send(request).await.unwrap()
    }

    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let url = if url.starts_with('/') {
            format!("{}{url}", self.host)
        } else {
            url.to_owned()
        };
        let mut request = self
            .client
            .request(method, &url)
            .header(ACCEPT, "text/html");
        if url.starts_with(&self.host) {
            let cookies = self.cookies.iter();
            let cookies: Vec<_> = cookies
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request
                .header(COOKIE, cookies.join("; "))
                .header("Sec-Fetch-Site", "same-origin");
            if let Some(name) = &self.name {
                request = request.header(HOST, name);
            }
        }
        request
    }

    pub(crate) async fn send(
        &mut self,
        request: RequestBuilder,
    ) -> reqwest::Result<(u16, String, String)> {
        let answer = request.send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match cookie.contains("Max-Age=0;") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        let to = answer.headers().get(LOCATION);
        let to = to
            .map(|to| to.to_str().unwrap().to_owned())
            .unwrap_or_default();
        Ok((answer.status().as_u16(), to, answer.text().await?))
    }

    /// Goes to the provider and back; gives the address to come back to.
    pub(crate) async fn go(&mut self) -> String {
        let (status, provider, _) = self.open("/sign-in/begin?to=/people").await;
        assert_eq!(status, 303);
        let (status, back, _) = self.open(&provider).await;
        assert_eq!(status, 303);
        back
    }
}
