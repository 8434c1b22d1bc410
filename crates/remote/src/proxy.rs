//! The proxies that registries are reached through.

use std::str::FromStr;

use eigenpack_oci::Secret;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// Which proxy leads to which host. None is read from the environment, and loopback is always reached without one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProxyOptions {
    /// The proxy for URLs over http.
    pub http: Option<ProxyUrl>,
    /// The proxy for URLs over https; it is asked for a tunnel (CONNECT), and sees the host's name alone.
    pub https: Option<ProxyUrl>,
    /// Hosts that are reached without a proxy: names, with all that is below them, addresses and networks, separated by
    /// commas; `*` is all. It is what `NO_PROXY` holds.
    pub no_proxy: String,
}

/// The way that leads to one host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// No proxy.
    Direct,
    /// This proxy, for http and for https, and for a host on loopback too.
    Through(ProxyUrl),
}

/// The URL of a proxy. It may hold a password, so it cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUrl(Secret<Url>);

/// Why a text is not the URL of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// It is no URL, or it names no host.
    #[error("this is not the URL of a proxy; one is http://HOST:PORT")]
    NotUrl,
    /// It is of a kind that is not spoken here.
    #[error("only proxies that speak http or https can be used")]
    Scheme,
}

impl ProxyOptions {
    /// Returns the proxy that leads to a URL, where `route` says of its host what it says.
    pub(crate) fn leading_to<'a>(
        &'a self,
        url: &Url,
        route: Option<&'a Route>,
    ) -> Option<&'a ProxyUrl> {
        let general = match (route, url.scheme()) {
            (Some(Route::Direct), _) => return None,
            (Some(Route::Through(proxy)), _) => return Some(proxy),
            (None, "http") => self.http.as_ref()?,
            (None, _) => self.https.as_ref()?,
        };
        // Only whether it is excepted is asked, and a host that cannot be told is not.
        let matcher = Matcher::builder().all("http://proxy").no(self.direct());
        let is_excepted = url.as_str().parse().is_ok_and(|uri| {
            let led = matcher.build().intercept(&uri);
            led.is_none()
        });
        (!is_excepted).then_some(general)
    }

    /// Returns the hosts that are reached without a proxy unless a [`Route`] leads there, as `NO_PROXY` would name them.
    pub(crate) fn direct(&self) -> String {
        format!("localhost,127.0.0.0/8,::1,{}", self.no_proxy)
    }
}

impl ProxyUrl {
    pub(crate) fn expose(&self) -> &Url {
        self.0.expose()
    }

    /// Tells whether the proxy itself is spoken to over TLS.
    pub(crate) fn is_over_tls(&self) -> bool {
        self.expose().scheme() == "https"
    }
}

/// Parses a URL; without a scheme it is http's, as other tools have it.
impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        };
        let url = url.map_err(|_| ProxyUrlError::NotUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ProxyUrlError::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(ProxyUrlError::NotUrl);
        }
        Ok(Self(Secret::new(url)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, ProxyUrlError> {
        text.parse::<ProxyUrl>()
            .map(|proxy| proxy.expose().to_string())
    }

    #[test]
    fn a_scheme_is_optional() {
        assert_eq!(parsed("proxy:3128").unwrap(), "http://proxy:3128/");
        assert_eq!(parsed("10.0.0.1:3128").unwrap(), "http://10.0.0.1:3128/");
        assert_eq!(parsed("https://u:p@proxy").unwrap(), "https://u:p@proxy/");
    }

    #[test]
    fn what_is_no_http_proxy_is_refused() {
        assert_eq!(parsed("socks5://proxy:1080"), Err(ProxyUrlError::Scheme));
        for text in ["", "http://", "proxy:port", "a b"] {
            assert_eq!(parsed(text), Err(ProxyUrlError::NotUrl), "{text}");
        }
    }

    #[test]
    fn the_way_of_a_host_counts_before_that_of_all() {
        let url = |text: &str| text.parse::<ProxyUrl>().unwrap();
        let options = ProxyOptions {
            http: Some(url("http")),
            https: Some(url("https")),
            no_proxy: "a.test,10.0.0.0/8".to_owned(),
        };
        let leading = |text: &str, route: Option<&Route>| {
            let proxy = options.leading_to(&Url::parse(text).unwrap(), route)?;
            proxy.expose().host_str().map(str::to_owned)
        };
        let own = Route::Through(url("own"));
        for (to, proxy) in [
            ("http://b.test/", Some("http")),
            ("https://b.test:5000/", Some("https")),
            ("https://a.test/", None),
            ("https://registry.a.test/", None),
            ("https://10.1.2.3:5000/", None),
            ("https://localhost:5000/", None),
            ("http://[::1]:5000/", None),
        ] {
            assert_eq!(leading(to, None).as_deref(), proxy, "{to}");
            assert_eq!(leading(to, Some(&own)).as_deref(), Some("own"), "{to}");
            assert_eq!(leading(to, Some(&Route::Direct)), None, "{to}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let proxy: ProxyUrl = "http://user:pass@proxy".parse().unwrap();
        assert!(!format!("{proxy:?}").contains("pass"));
    }
}
