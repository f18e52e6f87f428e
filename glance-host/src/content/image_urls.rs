//! Signed URLs at which pages load the images of add-ons from the host.
//!
//! A page that loaded the originals would reveal to every add-on who looks at it, and an add-on could make it send
//! requests into that person's network. The signature prevents others from making the host fetch URLs.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use glance_sdk::model::{Descriptor, Icon, OauthId, Picture};
use reqwest::Url;

/// The image that pages show instead of a missing one.
pub(crate) const PLACEHOLDER: &str = "/assets/icon.svg";

/// The accepted types. Pages show images in `img` only, where scripts of an SVG do not run.
const TYPES: &[&str] = &[
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/svg+xml",
    "image/vnd.microsoft.icon",
    "image/webp",
    "image/x-icon",
];

/// The longest `data:` URL, in bytes: each message to a page contains it.
const MAX_DATA_URL: usize = 100_000;

/// The longest URL, in bytes: much longer than those in use.
const MAX_URL: usize = 4096;

/// The length of the signature in a URL, in bytes.
const SIGNATURE: usize = 16;

/// Separates the key of these URLs from other keys that derive from the host's own.
const PURPOSE: &[u8] = b"addresses of images";

/// Signs URLs of images and verifies them. They are valid as long as the host keeps its key: across restarts, in open
/// pages and in caches.
#[derive(Debug)]
pub(crate) struct ImageUrls(hmac::Key);

impl ImageUrls {
    /// Creates a signer whose key derives from the host's own.
    pub(crate) fn new(signing_key: &[u8]) -> Self {
        let own = hmac::Key::new(hmac::HMAC_SHA256, signing_key);
        let key = hmac::sign(&own, PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// Returns the images of one installation.
    pub(crate) fn of<'a>(&'a self, oauth_id: &'a OauthId) -> InstallationImages<'a> {
        InstallationImages {
            urls: self,
            oauth_id,
        }
    }

    /// Returns the original URL of a signed one.
    pub(crate) fn original(&self, oauth_id: &OauthId, signed: &str) -> Option<Url> {
        let signed = BASE64_URL_SAFE_NO_PAD.decode(signed).ok()?;
        let (claimed, url) = signed.split_at_checked(SIGNATURE)?;
        let url = std::str::from_utf8(url).ok()?;
        verify_slices_are_equal(&self.signature(oauth_id, url), claimed).ok()?;
        Url::parse(url).ok()
    }

    fn signature(&self, oauth_id: &OauthId, url: &str) -> Vec<u8> {
        let tag = hmac::sign(&self.0, format!("{oauth_id}\n{url}").as_bytes());
        tag.as_ref()[..SIGNATURE].to_vec()
    }
}

/// The images of one installation.
#[derive(Clone, Copy)]
pub(crate) struct InstallationImages<'a> {
    urls: &'a ImageUrls,
    oauth_id: &'a OauthId,
}

impl InstallationImages<'_> {
    /// Returns the URL at which a page loads the image: one of the host's own. A short `data:` image stays; an
    /// invalid URL becomes the placeholder.
    pub(crate) fn proxied(&self, url: &str) -> String {
        if url
            .get(..5)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
        {
            return match is_short_image(url) {
                true => url.to_owned(),
                false => PLACEHOLDER.to_owned(),
            };
        }
        match Url::parse(url) {
            Ok(parsed) if is_web(&parsed) && url.len() <= MAX_URL => {
                let mut signed = self.urls.signature(self.oauth_id, parsed.as_str());
                signed.extend_from_slice(parsed.as_str().as_bytes());
                let signed = BASE64_URL_SAFE_NO_PAD.encode(signed);
                format!("/icon/{}/{signed}", self.oauth_id)
            }
            _ => PLACEHOLDER.to_owned(),
        }
    }

    /// Returns the declared picture of an add-on, with [`proxied`](Self::proxied) URLs.
    pub(crate) fn avatar(&self, descriptor: &Descriptor) -> Option<Icon> {
        let consumer = descriptor.capabilities.hipchat_api_consumer.as_ref()?;
        match consumer.avatar.as_ref()? {
            Picture::Url(url) => Some(Icon::new(self.proxied(url))),
            Picture::Icon(icon) => Some(self.icon(icon)),
            _ => None,
        }
    }

    /// Returns an icon with [`proxied`](Self::proxied) URLs.
    pub(crate) fn icon(&self, icon: &Icon) -> Icon {
        let mut proxied = Icon::new(self.proxied(&icon.url));
        proxied.url_2x = icon.url_2x.as_deref().map(|url| self.proxied(url));
        proxied
    }
}

/// Returns whether this `data:` URL is an image that is short enough for every page.
fn is_short_image(url: &str) -> bool {
    let kind = url.get(5..).and_then(|rest| rest.split_once(','));
    url.len() <= MAX_DATA_URL && kind.is_some_and(|(kind, _)| image_type(kind).is_some())
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Returns the image type of a `Content-Type` or a `data:` URL, if it is accepted.
pub(crate) fn image_type(content_type: &str) -> Option<&'static str> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_accepted = |accepted: &&&str| accepted.eq_ignore_ascii_case(media_type);
    TYPES.iter().find(is_accepted).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_url_leads_back_to_the_original() {
        let (urls, id) = (ImageUrls::new(b"key"), OauthId::from("a"));
        let url = "https://add-on.example.com/i.png?size=16&x=\u{e4}";
        let address = urls.of(&id).proxied(url);
        let signed = address.strip_prefix("/icon/a/").unwrap();
        assert!(!address.contains("example"));
        assert_eq!(
            urls.original(&id, signed).unwrap(),
            Url::parse(url).unwrap()
        );

        assert_eq!(urls.original(&OauthId::from("b"), signed), None);
        assert_eq!(ImageUrls::new(b"other").original(&id, signed), None);
        let forged = BASE64_URL_SAFE_NO_PAD.encode([&[0; SIGNATURE], url.as_bytes()].concat());
        for other in [
            forged.as_str(),
            "",
            "????",
            &signed[1..],
            &signed[..signed.len() - 2],
        ] {
            assert_eq!(urls.original(&id, other), None, "{other}");
        }
    }

    #[test]
    fn invalid_image_url_becomes_the_placeholder() {
        let (urls, id) = (ImageUrls::new(b"key"), OauthId::from("a"));
        let images = urls.of(&id);
        let long = format!("https://add-on.example.com/{}", "x".repeat(MAX_URL));
        for url in [
            "javascript:alert(1)",
            "/icon.png",
            "",
            "ftp://example.com/i.png",
            "data:,",
            "data:text/html,<p>",
            "data:text/html;image/png,x",
            "DATA:text/html,x",
            "blob:x",
            &long,
        ] {
            assert_eq!(images.proxied(url), PLACEHOLDER, "{url}");
        }
        let huge = format!("data:image/png,{}", "x".repeat(MAX_DATA_URL));
        assert_eq!(images.proxied(&huge), PLACEHOLDER);
        for url in [
            "data:image/svg+xml,%3Csvg%3E",
            "DATA:image/PNG;base64,AAAA",
            "data:image/svg+xml;charset=utf-8,<svg>",
        ] {
            assert_eq!(images.proxied(url), url);
        }
    }

    #[test]
    fn image_type_is_read_from_content_type() {
        assert_eq!(image_type("image/PNG"), Some("image/png"));
        assert_eq!(
            image_type(" image/svg+xml; charset=utf-8"),
            Some("image/svg+xml")
        );
        for no in [
            "",
            "text/html",
            "image/",
            "application/octet-stream",
            "image/png, text/html",
        ] {
            assert_eq!(image_type(no), None, "{no}");
        }
    }
}
