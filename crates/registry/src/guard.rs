//! The refusal of what browsers send on behalf of other sites.
//!
//! A registry on loopback trusts whoever can reach it, and every web page that the user opens can: with a form, with
//! `fetch`, or under a name of its own that it lets resolve to 127.0.0.1. Browsers state all three, and clients of
//! registries none of them.

use hyper::header::{HOST, HeaderMap, ORIGIN};

/// Says why a request to a server on loopback that speaks `scheme` comes from another site; `None` where it does not.
pub(crate) fn foreign(headers: &HeaderMap, scheme: &str) -> Option<&'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(host) = text(HOST.as_str()).filter(|host| is_loopback(host)) else {
        return Some("the Host is not a name of this machine");
    };
    let is_ours = |origin: &str| origin.split_once("://") == Some((scheme, host));
    if text(ORIGIN.as_str()).is_some_and(|origin| !is_ours(origin)) {
        return Some("the Origin is another site");
    }
    match text("sec-fetch-site") {
        None | Some("same-origin" | "none") => None,
        Some(_) => Some("the request was made by another site"),
    }
}

/// Tells whether a `Host` names loopback, at whatever port.
fn is_loopback(host: &str) -> bool {
    if let Ok(address) = host.parse::<std::net::SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let address = bare.unwrap_or(name).parse::<std::net::IpAddr>();
    address.is_ok_and(|address| address.is_loopback()) || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn is_refused(headers: &[(&'static str, &'static str)]) -> bool {
        is_refused_over("http", headers)
    }

    fn is_refused_over(scheme: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let pairs = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_static(value);
            (hyper::header::HeaderName::from_static(name), value)
        });
        foreign(&pairs.collect(), scheme).is_some()
    }

    #[test]
    fn hosts_must_be_names_of_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:5001",
            "127.9.9.9",
            "[::1]:1",
            "[::1]",
        ] {
            assert!(!is_refused(&[("host", host)]), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:1",
            "10.0.0.1",
            "127.0.0.1.evil.example",
            "a:b",
        ] {
            assert!(is_refused(&[("host", host)]), "{host}");
        }
        assert!(is_refused(&[]));
    }

    #[test]
    fn other_sites_are_refused() {
        let with = |name, value| is_refused(&[("host", "localhost:1"), (name, value)]);
        assert!(with("origin", "https://evil.example"));
        assert!(with("origin", "http://localhost:2"));
        assert!(with("origin", "null"));
        assert!(with("sec-fetch-site", "cross-site"));
        assert!(with("sec-fetch-site", "same-site"));
        assert!(!with("origin", "http://localhost:1"));
        assert!(!with("sec-fetch-site", "none"));
    }

    #[test]
    fn http_and_https_are_different_sites() {
        let origin = |scheme, origin| {
            is_refused_over(scheme, &[("host", "localhost:1"), ("origin", origin)])
        };
        assert!(!origin("https", "https://localhost:1"));
        assert!(origin("https", "http://localhost:1"));
        assert!(origin("http", "https://localhost:1"));
        assert!(origin("https", "https://localhost:2"));
        assert!(origin("https", "https://localhost:1.evil.example"));
    }
}
