//! The HTTP clients of a registry: which one speaks to whom.

use std::sync::{Arc, OnceLock};

use reqwest::{Client, NoProxy, Proxy, redirect};
use url::Url;

use super::authority;
use crate::options::RemoteOptions;
use crate::proxy::ProxyUrl;

/// The clients, each made when it is first needed: loading the system's certificates takes time and can fail, and plain
/// http needs none.
#[derive(Debug)]
pub(super) struct Clients {
    options: Arc<RemoteOptions>,
    /// The registry, with its port where that is not the scheme's own.
    registry: String,
    plain: OnceLock<Client>,
    registry_over_tls: OnceLock<Client>,
    others_over_tls: OnceLock<Client>,
}

/// Whom a client speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    /// Any host in the clear.
    Plain,
    /// The registry that the user named, which may be shown our certificate.
    Registry,
    /// Any other host.
    Other,
}

impl Clients {
    pub(super) fn new(options: Arc<RemoteOptions>, base: &Url) -> Self {
        Self {
            options,
            registry: authority(base),
            plain: OnceLock::new(),
            registry_over_tls: OnceLock::new(),
            others_over_tls: OnceLock::new(),
        }
    }

    /// Returns the client for a URL.
    pub(super) fn get(&self, url: &Url) -> reqwest::Result<&Client> {
        let peer = self.peer(url);
        let cell = match peer {
            Peer::Plain => &self.plain,
            Peer::Registry => &self.registry_over_tls,
            Peer::Other => &self.others_over_tls,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = self.build(peer)?;
        Ok(cell.get_or_init(|| client))
    }

    fn peer(&self, url: &Url) -> Peer {
        let tls = &self.options.tls;
        if url.scheme() != "https" {
            Peer::Plain
        } else if tls.identity.is_none() && !tls.insecure || authority(url) == self.registry {
            // Where all hosts are treated alike, one client and its connections do for all.
            Peer::Registry
        } else {
            Peer::Other
        }
    }

    fn build(&self, peer: Peer) -> reqwest::Result<Client> {
        let options = &self.options;
        let mut builder = Client::builder()
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy();
        builder = match peer {
            Peer::Plain => builder.tls_certs_only([]),
            Peer::Registry | Peer::Other => {
                builder.tls_certs_merge(options.tls.authorities.certificates())
            }
        };
        if peer == Peer::Registry {
            builder = builder.tls_danger_accept_invalid_certs(options.tls.insecure);
            if let Some(identity) = &options.tls.identity {
                builder = builder.identity(identity.identity());
            }
        }
        for proxy in self.proxies()? {
            builder = builder.proxy(proxy);
        }
        builder.build()
    }

    fn proxies(&self) -> reqwest::Result<Vec<Proxy>> {
        let settings = &self.options.proxy;
        let direct = format!("localhost,127.0.0.0/8,::1,{}", settings.no_proxy);
        let proxy = |url: &Option<ProxyUrl>, scheme: fn(Url) -> reqwest::Result<Proxy>| {
            let url = url.as_ref().map(|url| url.expose().clone());
            url.map(|url| Ok(scheme(url)?.no_proxy(NoProxy::from_string(&direct))))
                .transpose()
        };
        let both = [
            proxy(&settings.http, Proxy::http)?,
            proxy(&settings.https, Proxy::https)?,
        ];
        Ok(both.into_iter().flatten().collect())
    }
}
