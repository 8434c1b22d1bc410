//! The HTTP clients of a registry: which one speaks to whom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::RegistryHost;
use reqwest::{Client, NoProxy, Proxy, redirect};
use url::{Origin, Url};

use super::authority;
use crate::options::{HostOptions, RemoteOptions};
use crate::proxy::{ProxyUrl, Route};

/// How much of one answer may come over HTTP/2 before it is read, in bytes: what is on its way in a tenth of a second at 20
/// MiB a second.
const STREAM_WINDOW: u32 = 2 << 20;

/// The same for all answers of a connection: enough for so many that nobody reads that none holds up the others.
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;

/// The clients, each made when it is first needed: loading the system's certificates takes time and can fail, and plain
/// http needs none.
#[derive(Debug)]
pub(super) struct Clients {
    options: Arc<RemoteOptions>,
    /// The registry, with its port where that is not the scheme's own.
    registry: String,
    /// What is different about the registry.
    own: Option<HostOptions>,
    /// Where the other hosts are that something is different about.
    named: HashMap<Origin, RegistryHost>,
    made: Mutex<HashMap<Peer, Client>>,
}

/// Whom a client speaks to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    over_tls: bool,
    whom: Whom,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whom {
    /// The registry that the user named, which alone may be shown our certificate.
    Registry,
    /// A host that the registry leads to, and that something is different about.
    Named(RegistryHost),
    /// Every host that is treated alike; one client and its connections do for all of them.
    Anybody,
}

impl Clients {
    pub(super) fn new(options: Arc<RemoteOptions>, registry: &RegistryHost, base: &Url) -> Self {
        let named = options.hosts.keys().flat_map(|host| {
            let origin = move |scheme| Url::parse(&format!("{scheme}://{host}/"));
            let origins = ["http", "https"]
                .into_iter()
                .filter_map(move |s| origin(s).ok());
            origins.map(move |url| (url.origin(), host.clone()))
        });
        Self {
            registry: authority(base),
            own: options.hosts.get(&registry.canonical()).cloned(),
            named: named.collect(),
            made: Mutex::default(),
            options,
        }
    }

    /// Tells whether this is the registry, as [`authority`] says it.
    pub(super) fn is_registry(&self, authority: &str) -> bool {
        authority == self.registry
    }

    /// Returns the client for a URL.
    pub(super) fn get(&self, url: &Url) -> reqwest::Result<Client> {
        let peer = self.peer(url);
        let made = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made().get(&peer) {
            return Ok(client.clone());
        }
        let client = self.build(&peer)?;
        Ok(made().entry(peer).or_insert(client).clone())
    }

    fn peer(&self, url: &Url) -> Peer {
        let over_tls = url.scheme() == "https";
        let tls = &self.options.tls;
        let whom = if authority(url) != self.registry {
            let named = self.named.get(&url.origin());
            named.map_or(Whom::Anybody, |host| Whom::Named(host.clone()))
        } else if self.own.is_some() || over_tls && (tls.identity.is_some() || tls.insecure) {
            Whom::Registry
        } else {
            Whom::Anybody
        };
        Peer { over_tls, whom }
    }

    fn build(&self, peer: &Peer) -> reqwest::Result<Client> {
        let options = &self.options;
        let host = match &peer.whom {
            Whom::Registry => self.own.as_ref(),
            Whom::Named(host) => options.hosts.get(host),
            Whom::Anybody => None,
        };
        let mut builder = Client::builder()
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy();
        let route = host.and_then(|host| host.route.as_ref());
        // What was said of the host counts before what was said of all.
        let tls = || host.map(|host| &host.tls).into_iter().chain([&options.tls]);
        builder = if peer.over_tls || self.has_proxy_over_tls(route) {
            builder.tls_certs_merge(tls().flat_map(|tls| tls.authorities.certificates()))
        } else {
            builder.tls_certs_only([])
        };
        if peer.over_tls && peer.whom == Whom::Registry {
            builder = builder.tls_danger_accept_invalid_certs(tls().any(|tls| tls.insecure));
            if let Some(identity) = tls().find_map(|tls| tls.identity.as_ref()) {
                builder = builder.identity(identity.identity());
            }
        }
        for proxy in self.proxies(route)? {
            builder = builder.proxy(proxy);
        }
        builder.build()
    }

    fn has_proxy_over_tls(&self, route: Option<&Route>) -> bool {
        let general = &self.options.proxy;
        match route {
            Some(Route::Direct) => false,
            Some(Route::Through(proxy)) => proxy.is_over_tls(),
            None => [&general.http, &general.https]
                .into_iter()
                .flatten()
                .any(ProxyUrl::is_over_tls),
        }
    }

    fn proxies(&self, route: Option<&Route>) -> reqwest::Result<Vec<Proxy>> {
        match route {
            Some(Route::Direct) => return Ok(Vec::new()),
            Some(Route::Through(url)) => return Ok(vec![Proxy::all(url.expose().clone())?]),
            None => {}
        }
        let settings = &self.options.proxy;
        let direct = settings.direct();
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
