//! What people do in a browser.

use reqwest::{Method, StatusCode};

use crate::browser::Browser;

impl Browser {
    /// Sends a form, and opens the page to which the answer leads.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        form: &[(&str, &str)],
    ) -> reqwest::Result<(StatusCode, String)> {
        let request = self.request(Method::POST, path).form(form);
        let (mut status, mut to, mut page) = self.send(request).await?;
        while status == 303 {
            let request = self.request(Method::GET, &to);
            (status, to, page) = self.send(request).await?;
        }
        Ok((StatusCode::from_u16(status).unwrap(), page))
    }

    /// Signs in by name, and comes to the list of rooms.
    pub(crate) async fn say_name(&mut self, name: &str) -> String {
        let form = [("name", name), ("to", "/")];
        let (status, page) = self.post("/sign-in", &form).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{page}");
        page
    }

    /// Installs what stands at this address in a room: asks for it, and approves what the host shows
    /// of it.
    pub(crate) async fn install(
        &mut self,
        room: u64,
        descriptor: &str,
    ) -> reqwest::Result<StatusCode> {
        let list = format!("/rooms/{room}/integrations");
        self.install_at(&list, descriptor).await
    }

    /// The same for all rooms.
    pub(crate) async fn install_everywhere(
        &mut self,
        descriptor: &str,
    ) -> reqwest::Result<StatusCode> {
        self.install_at("/integrations", descriptor).await
    }

    async fn install_at(&mut self, list: &str, descriptor: &str) -> reqwest::Result<StatusCode> {
        let (status, review) = self.post(list, &[("url", descriptor)]).await?;
        if status != StatusCode::OK {
            return Ok(status);
        }
        assert!(review.contains("Approve and install"), "{review}");
        let form = ["url", "digest"].map(|name| (name, hidden(&review, name)));
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        let approve = format!("{list}/approve");
        assert!(unescaped(&review).contains(&format!("action=\"{approve}\"")));
        self.post(&approve, &form).await.map(|(status, _)| status)
    }
}

/// What a hidden field of a page says.
fn hidden(page: &str, name: &str) -> String {
    let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let (_, after) = page.split_once(&field).unwrap();
    unescaped(after.split_once('"').unwrap().0)
}

fn unescaped(text: &str) -> String {
    text.replace("&#x2f;", "/").replace("&amp;", "&")
}
