//! A connection to one registry.

use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::distribution::HostKnowledge;
use eigenpack_oci::{AccessError, RegistryHost, Repository};
use url::Url;

use crate::authorization::Tokens;
use crate::deadline::Deadline;
use crate::options::RemoteOptions;
use crate::repository::RemoteRepository;
use crate::transport::{Transport, authority};

/// A registry over HTTP: its settings, its connections, and what was learned of it.
///
/// Clones share all of it. Nothing is sent before something is asked of a repository.
#[derive(Clone, Debug)]
pub struct RemoteRegistry {
    host: RegistryHost,
    connection: Arc<Connection>,
}

/// What all requests to one registry share.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) base: Url,
    /// The registry, where it may be reached in the clear though it is not on loopback.
    pub(crate) plain_host: Option<String>,
    pub(crate) options: Arc<RemoteOptions>,
    pub(crate) transport: Transport,
    pub(crate) tokens: tokio::sync::Mutex<Tokens>,
    knowledge: Mutex<HostKnowledge>,
}

impl RemoteRegistry {
    /// Makes a registry from its host: over plain http on loopback or where the options say so, else over https.
    ///
    /// Docker Hub's names lead to the host that answers for it. A host that no URL can hold, such as `1.2.3.999`, is refused.
    pub fn new(host: RegistryHost, options: RemoteOptions) -> Result<Self, AccessError> {
        let plain = options.plain_http || host.is_loopback();
        let scheme = if plain { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{}/", host.on_the_wire())).map_err(|_| {
            AccessError::Refused {
                host: host.to_string(),
                reason: "this is not the address of a host".to_owned(),
            }
        })?;
        let options = Arc::new(options);
        let connection = Connection {
            plain_host: options.plain_http.then(|| authority(&base)),
            base,
            transport: Transport::new(Arc::clone(&options)),
            options,
            tokens: tokio::sync::Mutex::default(),
            knowledge: Mutex::default(),
        };
        Ok(Self {
            host,
            connection: Arc::new(connection),
        })
    }

    /// Returns the host, as it was given.
    pub fn host(&self) -> &RegistryHost {
        &self.host
    }

    /// Tells whether the registry is reached over plain http.
    pub fn is_plain_http(&self) -> bool {
        self.connection.base.scheme() == "http"
    }

    /// Returns a repository of the registry.
    pub fn repository(&self, name: Repository) -> RemoteRepository {
        RemoteRepository::new(Arc::clone(&self.connection), name)
    }
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
        let mut knowledge = self
            .knowledge
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        knowledge.refuses_single_post |= learned.refuses_single_post;
        knowledge.refuses_mounts |= learned.refuses_mounts;
    }
}
