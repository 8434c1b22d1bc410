//! A registry as a whole: opening its repositories, and asking what is about none of them.

use std::sync::Arc;

use eigenpack_oci::distribution::{Challenge, Endpoint, parse_challenges};
use eigenpack_oci::{AccessError, RegistryHost, Repository};

use crate::answer::ExchangeError;
use crate::connection::Connection;
use crate::mask::Mask;
use crate::needs::Needs;
use crate::options::RemoteOptions;
use crate::repository::RemoteRepository;
use crate::request::Request;
use crate::transport::{Body, Method, TransportError, authority};

/// A registry over HTTP: its settings, its connections, and what was learned of it.
///
/// Clones share all of it, the tokens that it gave out too; a registry that is made anew shares nothing with another one,
/// so that two accounts on one host do not mix. Nothing is sent before something is asked of a repository.
#[derive(Clone, Debug)]
pub struct RemoteRegistry {
    connection: Arc<Connection>,
}

impl RemoteRegistry {
    /// Makes a registry from its host: over plain http where the options say so, for all or for this host, or on loopback
    /// unless they say otherwise, else over https.
    ///
    /// Docker Hub's names lead to the host that answers for it. A host that no URL can hold, such as `1.2.3.999`, is refused.
    pub fn new(host: RegistryHost, options: RemoteOptions) -> Result<Self, AccessError> {
        let connection = Connection::new(host, options)?;
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
            // Nothing is sent here, so nothing of it can be wrong; but what was not asked was not accepted.
            Err(ExchangeError::Content(error)) => {
                return Err(AccessError::Refused {
                    host: self.host().to_string(),
                    reason: error.to_string(),
                });
            }
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
        // Nothing secret is sent.
        let mask = Mask::default();
        let answer = connection
            .transport
            .send(Method::GET, &url, &[], Body::Empty, &mask);
        let response = tokio::time::timeout_at(connection.deadline().instant(), answer)
            .await
            .unwrap_or_else(|_| Err(TransportError::late(authority(&connection.base))))?;
        match response.status() {
            401 => Ok(parse_challenges(response.headers().all("www-authenticate"))),
            200..=299 => Ok(Vec::new()),
            status => Err(AccessError::Refused {
                host: self.host().to_string(),
                reason: format!("it answered {status} to GET {}", url.path()),
            }),
        }
    }

    /// Cancels the uploads that are open because the futures that made them were dropped, all at once and each within two
    /// seconds (distribution specification, "Cancel an upload").
    ///
    /// An upload that ends with an error cancels itself. Those beside it are often dropped for it, so whoever runs several
    /// side by side calls this when one has failed.
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
