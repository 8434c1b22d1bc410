//! What all requests to one registry share.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::distribution::{Endpoint, HostKnowledge};
use eigenpack_oci::{AccessError, RegistryHost};
use url::Url;

use crate::accounts::Accounts;
use crate::concurrency::Concurrency;
use crate::deadline::Deadline;
use crate::notices::Notices;
use crate::options::{HostOptions, RemoteOptions};
use crate::proxy::ProxyUrl;
use crate::sessions::Sessions;
use crate::transport::{TlsOptions, Transport, authority, is_sendable};

/// A registry's settings, its connections, and what was learned of it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The registry, by the name that it was given.
    pub(crate) host: RegistryHost,
    pub(crate) base: Url,
    /// The hosts that may be reached in the clear though they are not on loopback.
    pub(crate) plain_hosts: BTreeSet<String>,
    pub(crate) options: Arc<RemoteOptions>,
    pub(crate) transport: Transport,
    pub(crate) concurrency: Concurrency,
    pub(crate) accounts: Accounts,
    pub(crate) notices: Notices,
    knowledge: Mutex<HostKnowledge>,
    /// The uploads that are under way, and those that were given up.
    pub(crate) sessions: Sessions,
}

impl Connection {
    /// Decides how a host is spoken to; nothing is sent.
    pub(crate) fn new(host: RegistryHost, options: RemoteOptions) -> Result<Self, AccessError> {
        let own = options.hosts.get(&host.canonical());
        let in_the_clear = options.plain_http || own.is_some_and(|own| own.plain_http);
        let over_tls = options.tls.on_loopback || own.is_some_and(|own| own.tls.on_loopback);
        let plain = in_the_clear || host.is_loopback() && !over_tls;
        let scheme = if plain { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{}/", host.on_the_wire())).map_err(|_| {
            AccessError::Refused {
                host: host.to_string(),
                reason: "this is not the address of a host".to_owned(),
            }
        })?;
        if !is_sendable(&options.user_agent) {
            return Err(AccessError::Refused {
                host: host.to_string(),
                reason:
                    "the user agent has a line break in it, or another character that no header has"
                        .to_owned(),
            });
        }
        if !plain && proxy_learns(&options, own, &base) {
            return Err(AccessError::Refused {
                host: host.to_string(),
                reason: "its proxy speaks TLS too, and would be shown the same certificate and be believed as blindly; \
                         one that speaks http is neither"
                    .to_owned(),
            });
        }
        let options = Arc::new(options);
        let url = |host: &RegistryHost| Url::parse(&format!("http://{host}/"));
        let named = options.hosts.iter().filter(|(_, it)| it.plain_http);
        let named = named.filter_map(|(host, _)| Some(authority(&url(host).ok()?)));
        let itself = in_the_clear.then(|| authority(&base));
        Ok(Self {
            plain_hosts: named.chain(itself).collect(),
            transport: Transport::new(Arc::clone(&options), &host, &base),
            host,
            concurrency: Concurrency::new(options.concurrency),
            base,
            accounts: Accounts::new(options.credentials.clone()),
            notices: Notices::default(),
            options,
            knowledge: Mutex::default(),
            sessions: Sessions::default(),
        })
    }

    /// Returns the URL of an endpoint.
    pub(crate) fn url(&self, endpoint: &Endpoint) -> Url {
        let mut url = self.base.clone();
        let rendered = endpoint.to_path_and_query();
        match rendered.split_once('?') {
            Some((path, query)) => {
                url.set_path(path);
                url.set_query(Some(query));
            }
            None => url.set_path(&rendered),
        }
        url
    }

    /// Starts an operation.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.options.operation_timeout)
    }

    /// Returns what was learned of the registry.
    pub(crate) fn knowledge(&self) -> HostKnowledge {
        *self
            .knowledge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what one upload learned. Uploads run side by side, so it is added to what others learned meanwhile.
    pub(crate) fn learn(&self, learned: HostKnowledge) {
        let knowledge = self.knowledge.lock();
        knowledge
            .unwrap_or_else(PoisonError::into_inner)
            .add(learned);
    }
}

/// Tells whether the proxy that leads to a registry would be treated as the registry alone may be: over TLS, the two cannot be
/// told apart.
fn proxy_learns(options: &RemoteOptions, own: Option<&HostOptions>, base: &Url) -> bool {
    let route = own.and_then(|own| own.route.as_ref());
    let proxy = options.proxy.leading_to(base, route);
    let is_special = |tls: &TlsOptions| tls.identity.is_some() || tls.insecure;
    proxy.is_some_and(ProxyUrl::is_over_tls)
        && (is_special(&options.tls) || own.is_some_and(|own| is_special(&own.tls)))
}
