//! Determines the host of a request: RFC 9112, section 3.2.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::uri::{Authority, PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderValue, Request, Version, header};

/// Checks that a request names one host, and replaces an absolute target by its path, so that
/// handlers never see two names. The error describes the problem in one sentence.
pub(super) fn check(request: &mut Request<Body>) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("The request has more than one Host header.");
    }
    if host.is_none() && request.version() == Version::HTTP_11 {
        return Err("The request has no Host header.");
    }
    if host.is_some_and(|host| !is_host(host.as_bytes())) {
        return Err("The request's Host header is not a host, with or without a port.");
    }
    let Some(authority) = request.uri().authority() else {
        return Ok(());
    };
    if authority.as_str().contains('@') {
        return Err("The request's target has a user name in it.");
    }
    let scheme = request.uri().scheme_str();
    if !matches!(scheme, None | Some("http" | "https")) {
        return Err("The request's target is neither http nor https.");
    }
    let default_port = if scheme == Some("https") { 443 } else { 80 };
    let named = |authority: &Authority| {
        let name = authority.host().to_ascii_lowercase();
        (name, authority.port_u16().unwrap_or(default_port))
    };
    match host {
        None => {
            // An old client may omit the header.
            let host = HeaderValue::from_str(authority.as_str());
            let host = host.map_err(|_| "The request's target has no valid host.")?;
            request.headers_mut().insert(header::HOST, host);
        }
        Some(host) => {
            let host = Authority::try_from(host.as_bytes()).ok();
            if host.is_none_or(|host| named(&host) != named(authority)) {
                return Err("The request's target and its Host header name different hosts.");
            }
        }
    }
    // The target of CONNECT has no path.
    if let Some(path) = request.uri().path_and_query() {
        let path = match path.as_str() {
            "" => PathAndQuery::from_static("/"),
            _ => path.clone(),
        };
        *request.uri_mut() = Uri::from(path);
    }
    Ok(())
}

/// Returns whether this may be the value of a `Host` header, which is empty for a target without a
/// host.
fn is_host(value: &[u8]) -> bool {
    let is_part = |byte: &u8| match byte {
        b'/' | b'?' | b'#' | b'@' | b'\\' | b',' | b'<' | b'>' | b'"' => false,
        _ => byte.is_ascii_graphic() || *byte >= 0x80,
    };
    value.iter().all(is_part)
}

/// Returns whether a browser may safely require HTTPS for the host of this request: that is so for
/// a domain name, but `localhost` belongs to every program on a machine.
pub(super) fn names_domain(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else {
        return false;
    };
    let Ok(authority) = Authority::try_from(host.as_bytes()) else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']', '.']);
    let name = name.to_ascii_lowercase();
    let is_address = name.parse::<IpAddr>().is_ok();
    !is_address && name != "localhost" && !name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, hosts: &[&str], version: Version) -> Request<Body> {
        let mut request = Request::builder().uri(target).version(version);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn request_must_name_one_host() {
        for (target, hosts) in [
            ("/a?b", &["a.example"][..]),
            ("/", &["a.example:8080"]),
            ("/", &["[::1]:8080"]),
            ("/", &[""]),
            ("http://a.example/a?b", &["a.example"]),
            ("http://A.example/", &["a.EXAMPLE:80"]),
            ("https://a.example:443/", &["a.example"]),
            ("http://a.example", &["a.example"]),
        ] {
            let mut request = request(target, hosts, Version::HTTP_11);
            assert_eq!(check(&mut request), Ok(()), "{target} {hosts:?}");
            assert_eq!(request.uri().authority(), None);
            assert!(request.uri().path().starts_with('/'), "{target}");
        }
        for (target, hosts) in [
            ("/", &[][..]),
            ("/", &["a.example", "a.example"]),
            ("/", &["a.example", "b.example"]),
            ("/", &["a.example, b.example"]),
            ("/", &["a.example/b"]),
            ("/", &["me@a.example"]),
            ("http://b.example/", &["a.example"]),
            ("http://a.example:8080/", &["a.example"]),
            ("https://a.example/", &["a.example:80"]),
            ("http://a.example/", &[""]),
            ("http://me@a.example/", &["a.example"]),
            ("ftp://a.example/", &["a.example"]),
        ] {
            let mut request = request(target, hosts, Version::HTTP_11);
            assert!(check(&mut request).is_err(), "{target} {hosts:?}");
        }
    }

    #[test]
    fn absolute_target_of_old_client_replaces_host_header() {
        let mut request = request("http://a.example:8080/b?c", &[], Version::HTTP_10);
        assert_eq!(check(&mut request), Ok(()));
        assert_eq!(request.uri(), "/b?c");
        assert_eq!(request.headers()[header::HOST], "a.example:8080");
    }

    #[test]
    fn hsts_applies_to_domain_names_only() {
        for (host, expected) in [
            ("chat.example.com", true),
            ("chat.example.com:8443", true),
            ("localhost:4400", false),
            ("LOCALHOST", false),
            ("chat.localhost", false),
            ("192.0.2.1:443", false),
            ("[2001:db8::1]:443", false),
            ("", false),
        ] {
            let request = request("/", &[host], Version::HTTP_11);
            assert_eq!(names_domain(request.headers()), expected, "{host}");
        }
    }
}
