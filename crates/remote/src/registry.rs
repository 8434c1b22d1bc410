//! A connection to one registry.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::distribution::{Challenge, Endpoint, HostKnowledge, parse_challenges};
use eigenpack_oci::{AccessError, RegistryHost, Repository};
use url::Url;

use crate::accounts::Accounts;
use crate::answer::ExchangeError;
use crate::concurrency::Concurrency;
use crate::deadline::Deadline;
use crate::exchange::Request;
use crate::needs::Needs;
use crate::notices::Notices;
use crate::options::{HostOptions, RemoteOptions};
use crate::proxy::ProxyUrl;
use crate::repository::RemoteRepository;
use crate::sessions::Sessions;
use crate::transport::{Body, Method, TlsOptions, Transport, TransportError, authority};

/// A registry over HTTP: its settings, its connections, and what was learned of it.
///
/// Clones share all of it, the tokens that it gave out too; a registry that is made anew shares nothing with another one,
/// so that two accounts on one host do not mix. Nothing is sent before something is asked of a repository.
#[derive(Clone, Debug)]
pub struct RemoteRegistry {
    connection: Arc<Connection>,
}

/// What all requests to one registry share.
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

impl RemoteRegistry {
    /// Makes a registry from its host: over plain http where the options say so, for all or for this host, or on loopback
    /// unless they say otherwise, else over https.
    ///
    /// Docker Hub's names lead to the host that answers for it. A host that no URL can hold, such as `1.2.3.999`, is refused.
    pub fn new(host: RegistryHost, options: RemoteOptions) -> Result<Self, AccessError> {
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
        let connection = Connection {
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
        };
        Ok(Self {
            connection: Arc::new(connection),
        })
    }

    /// Returns the host, as it was given.
    pub fn host(&self) -> &RegistryHost {
        &self.connection.host
    }

    /// Tells whether the registry is reached over plain http.
    pub fn is_plain_http(&self) -> bool {
        self.connection.base.scheme() == "http"
    }

    /// Asks the registry whether it lets itself be used with the credentials that there are for it (distribution
    /// specification, "Determining Support").
    ///
    /// A registry that demands nothing accepts everything, and what may be done to a repository is another question.
    pub async fn check_credentials(&self) -> Result<(), AccessError> {
        let url = self.connection.url(&Endpoint::Ping);
        let request = Request::new(Method::GET, url, Needs::registry());
        let deadline = self.connection.deadline();
        let answer = match self.connection.exchange(&request, deadline).await {
            Ok(answer) => answer,
            Err(ExchangeError::Access(error) | ExchangeError::Unauthorized(error)) => {
                return Err(error);
            }
            Err(ExchangeError::TooLarge { request, limit }) => {
                return Err(AccessError::Refused {
                    host: self.host().to_string(),
                    reason: format!("the answer to {request} has more than {limit} bytes"),
                });
            }
            // Nothing is sent, and nothing verified.
            Err(ExchangeError::Content(_)) => return Ok(()),
        };
        match answer.status {
            200..=299 => Ok(()),
            _ => Err(answer.access_error()),
        }
    }

    /// Asks the registry, once and without credentials, what it demands of those who want to use it; nothing where it
    /// demands nothing (distribution specification, "Determining Support").
    pub async fn challenges(&self) -> Result<Vec<Challenge>, AccessError> {
        let connection = &self.connection;
        let url = connection.url(&Endpoint::Ping);
        let answer = connection
            .transport
            .send(Method::GET, &url, &[], Body::Empty);
        let response = tokio::time::timeout_at(connection.deadline().instant(), answer)
            .await
            .unwrap_or_else(|_| Err(TransportError::late(&url)))?;
        match response.status() {
            401 => Ok(parse_challenges(response.headers().all("www-authenticate"))),
            200..=299 => Ok(Vec::new()),
            status => Err(AccessError::Refused {
                host: self.host().to_string(),
                reason: format!("it answered {status} to GET {}", url.path()),
            }),
        }
    }

    /// Cancels the uploads that are open because the futures that made them were dropped, all at once (distribution
    /// specification, "Cancel an upload"). An upload that ends with an error cancels itself.
    ///
    /// Registries throw such uploads away in time, so it does no harm if this is dropped, or fails, which is not told.
    pub async fn cancel_uploads(&self) {
        self.connection.cancel_abandoned().await;
    }

    /// Returns a repository of the registry.
    pub fn repository(&self, name: Repository) -> RemoteRepository {
        RemoteRepository::new(Arc::clone(&self.connection), name)
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

impl Connection {
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
