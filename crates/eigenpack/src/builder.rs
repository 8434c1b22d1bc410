//! What a client is told before it is made.

use std::path::PathBuf;
use std::sync::Arc;

use eigenpack_oci::{Observer, RegistryHost};
use eigenpack_remote::RemoteOptions;
use eigenpack_remote::credentials::{CredentialProvider, DockerCredentials};

use crate::client::Client;
use crate::local::Local;
use crate::places::Places;
use crate::registries::Registries;

/// Makes a [`Client`].
#[derive(Debug)]
pub struct ClientBuilder {
    store: Option<PathBuf>,
    cache: bool,
    /// All that is said of registries, whoever said it.
    remote: RemoteOptions,
}

impl ClientBuilder {
    pub(crate) fn new(remote: RemoteOptions) -> Self {
        Self {
            store: None,
            cache: true,
            remote,
        }
    }

    /// Sets the directory of the local store, where references without a host live.
    #[must_use]
    pub fn store(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = Some(path.into());
        self
    }

    /// Sets whether content that the local store has by its digest is used instead of a request to a registry, and
    /// whether what is pulled is kept there; it is unless this says otherwise, where there is a
    /// [`store`](Self::store).
    ///
    /// What a tag names is always asked for. What is stored is verified when it is read, and a store that cannot be used
    /// fails nothing. Whoever may read the store can read what was pulled, whichever registry it came from.
    #[must_use]
    pub fn cache(mut self, cache: bool) -> Self {
        self.cache = cache;
        self
    }

    /// Speaks plain http to a host, besides those of loopback. Whoever is on the way can read and change what is sent.
    #[must_use]
    pub fn plain_http(mut self, host: &RegistryHost) -> Self {
        self.remote.host(host).plain_http = true;
        self
    }

    /// Sets who is asked for credentials once a registry has demanded some. Without anybody, registries are asked
    /// anonymously.
    #[must_use]
    pub fn credentials(mut self, provider: Arc<dyn CredentialProvider>) -> Self {
        self.remote.credentials = Some(provider);
        self
    }

    /// Uses the credentials that Docker and Podman have: those of `docker login`, their credential helpers, and the
    /// variables that move their files, by the rules of [`DockerCredentials`].
    ///
    /// The environment is read here, now, and nowhere else in this crate; files and helpers are when a registry demands
    /// credentials.
    ///
    /// ```no_run
    /// let client = eigenpack::Client::builder().docker_credentials().build();
    /// ```
    #[must_use]
    pub fn docker_credentials(self) -> Self {
        self.credentials(Arc::new(DockerCredentials::from_environment()))
    }

    /// Speaks https to a host and takes any certificate from it. Whoever is on the way can read and change what is sent.
    #[must_use]
    pub fn insecure(mut self, host: &RegistryHost) -> Self {
        self.remote.host(host).tls.take_any_certificate();
        self
    }

    /// Sets who hears of progress, and of what registries warn of.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.remote.observer = observer;
        self
    }

    /// Makes the client. Nothing is opened and nothing is sent yet.
    pub fn build(self) -> Client {
        let places = Places {
            local: self.store.map(Local::new),
            registries: Registries::new(self.remote),
        };
        Client::new(places, self.cache)
    }
}
