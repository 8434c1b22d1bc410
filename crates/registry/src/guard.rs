//! The refusal of what browsers send on behalf of other sites.
//!
//! Every web page that the user opens can reach whatever the user's machine can: with a form, with `fetch`, or under a
//! name of its own that it lets resolve to 127.0.0.1. Browsers state all three, and clients of registries none of them.

use hyper::header::{HOST, HeaderMap, ORIGIN};

/// What a server can tell its own site by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// Whether only programs of this machine can reach it: then its names are known.
    pub(crate) is_on_loopback: bool,
    /// Whether it speaks TLS itself. Where it does not, somebody before it may.
    pub(crate) speaks_tls: bool,
}

impl Site {
    /// Says why a request comes from another site; `None` where it does not.
    pub(crate) fn foreign(self, headers: &HeaderMap) -> Option<&'static str> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let host = text(HOST.as_str());
        if self.is_on_loopback && !host.is_some_and(is_loopback) {
            return Some("the Host is not a name of this machine");
        }
        if text(ORIGIN.as_str()).is_some_and(|origin| !self.is_ours(origin, host)) {
            return Some("the Origin is another site");
        }
        match text("sec-fetch-site") {
            None | Some("same-origin" | "none") => None,
            Some(_) => Some("the request was made by another site"),
        }
    }

    /// Tells whether an `Origin` is the site that the request was sent to.
    fn is_ours(self, origin: &str, host: Option<&str>) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let is_scheme = match scheme {
            "https" => true,
            "http" => !self.speaks_tls,
            _ => false,
        };
        is_scheme && host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
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

    const LOOPBACK: Site = Site {
        is_on_loopback: true,
        speaks_tls: false,
    };

    fn is_refused(headers: &[(&'static str, &'static str)]) -> bool {
        is_refused_by(LOOPBACK, headers)
    }

    fn is_refused_by(site: Site, headers: &[(&'static str, &'static str)]) -> bool {
        let pairs = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_static(value);
            (hyper::header::HeaderName::from_static(name), value)
        });
        site.foreign(&pairs.collect()).is_some()
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
    fn a_server_that_speaks_tls_is_no_site_without() {
        let origin = |speaks_tls, origin| {
            let site = Site {
                speaks_tls,
                ..LOOPBACK
            };
            is_refused_by(site, &[("host", "localhost:1"), ("origin", origin)])
        };
        assert!(!origin(true, "https://localhost:1"));
        assert!(origin(true, "http://localhost:1"));
        assert!(origin(true, "https://localhost:2"));
        assert!(origin(true, "https://localhost:1.evil.example"));
        // Somebody before the server may speak TLS.
        assert!(!origin(false, "https://localhost:1"));
        assert!(origin(false, "ftp://localhost:1"));
    }

    #[test]
    fn elsewhere_any_name_may_be_the_servers_and_other_sites_are_others() {
        let site = Site {
            is_on_loopback: false,
            speaks_tls: false,
        };
        let with = |name, value| is_refused_by(site, &[("host", "r.example"), (name, value)]);
        assert!(!is_refused_by(site, &[("host", "r.example")]));
        assert!(!is_refused_by(site, &[]));
        assert!(!with("origin", "http://r.example"));
        assert!(!with("origin", "https://R.example"));
        assert!(!with("sec-fetch-site", "same-origin"));
        assert!(with("origin", "https://evil.example"));
        assert!(with("origin", "null"));
        assert!(with("sec-fetch-site", "cross-site"));
        assert!(is_refused_by(site, &[("origin", "http://r.example")]));
    }
}
