//! From a request to the handler that answers it.

use std::sync::Arc;
use std::time::Instant;

use eigenpack_oci::distribution::{Endpoint, ErrorCode};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderName, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, StatusCode};
use tokio::time::timeout;

use crate::authentication::Authenticator;
use crate::catalog::WantedReferrers;
use crate::fault::Watch;
use crate::guard::Site;
use crate::options::{Served, ServerOptions};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::respond::{Answer, empty, header, without_content};
use crate::sessions::Sessions;
use crate::store::RegistryStore;

/// Tells older clients that this is a registry.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// What all connections of a server share.
pub(crate) struct Registry<S: RegistryStore> {
    pub(crate) store: S,
    pub(crate) sessions: Sessions<S::Upload>,
    pub(crate) options: ServerOptions,
    /// Who may use the server; without one, everybody may.
    pub(crate) authenticator: Option<Authenticator>,
    /// What stands before the registry, where faults are injected or requests recorded.
    pub(crate) watch: Option<Arc<Watch>>,
    /// What the server can tell other sites from.
    pub(crate) site: Site,
}

impl<S: RegistryStore> Registry<S> {
    /// Answers a request, whatever it is.
    pub(crate) async fn answer(&self, request: hyper::Request<Incoming>) -> Answer {
        let started = Instant::now();
        let uri = request.uri().clone();
        let mut request = Request::new(request, self.options.idle_timeout);
        let method = request.method.clone();
        let handled = async {
            let result = self.handle(&mut request, uri.path(), uri.query()).await;
            request.drain().await;
            result
        };
        let result = timeout(self.options.request_timeout, handled).await;
        let mut answer = result
            .unwrap_or_else(|_| Err(Refusal::timed_out()))
            .unwrap_or_else(Refusal::into_answer);
        if request.awaits_invitation() {
            // What comes next on the connection may be the body or another request.
            header(&mut answer, CONNECTION, "close");
        }
        if method == Method::HEAD {
            answer = without_content(answer);
        }
        // Content is never what a browser may take it for.
        header(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
        let status = answer.status().as_u16();
        tracing::debug!(%method, target = %uri, status, "answered");
        if let Some(observer) = &self.options.observer {
            observer(&Served {
                method: method.to_string(),
                target: uri.to_string(),
                status,
                elapsed: started.elapsed(),
            });
        }
        answer
    }

    async fn handle(
        &self,
        request: &mut Request,
        path: &str,
        query: Option<&str>,
    ) -> Result<Answer, Refusal> {
        if let Some(reason) = self.site.foreign(&request.headers) {
            let status = StatusCode::FORBIDDEN;
            return Err(Refusal::new(status, ErrorCode::Denied, reason));
        }
        if let Some(authenticator) = &self.authenticator {
            authenticator.admit(&request.headers).await?;
        }
        if path.len() > self.options.max_path_size {
            return Err(Refusal::too_long("path", self.options.max_path_size));
        }
        if query.is_some_and(|query| query.len() > self.options.max_query_size) {
            return Err(Refusal::too_long("query", self.options.max_query_size));
        }
        if self.options.read_only && !request.reads() {
            let message = "this registry can only be read";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Err(Refusal::new(status, ErrorCode::Unsupported, message));
        }
        match Endpoint::parse(path, query)? {
            Endpoint::Ping => {
                let mut answer = empty(StatusCode::OK);
                header(&mut answer, API_VERSION, "registry/2.0");
                Ok(answer)
            }
            Endpoint::Manifest {
                repository,
                which,
                tags,
            } => self.manifest(request, &repository, which, tags).await,
            Endpoint::Blob { repository, digest } => self.blob(request, &repository, digest).await,
            Endpoint::StartUpload { repository, start } => {
                self.start_upload(request, &repository, start).await
            }
            Endpoint::UploadSession {
                repository,
                session,
                digest,
            } => self.upload(request, &repository, &session, digest).await,
            Endpoint::Tags { repository, page } => self.tags(request, &repository, page).await,
            Endpoint::Referrers {
                repository,
                digest,
                artifact_type,
                last,
            } => {
                let wanted = WantedReferrers {
                    subject: digest,
                    artifact_type,
                    last,
                };
                self.referrers(request, repository, wanted).await
            }
            Endpoint::Catalog { page } => self.catalog(request, page).await,
            _ => Err(Refusal::missing(
                ErrorCode::Unsupported,
                "there is no such endpoint",
            )),
        }
    }
}
