//! One HTTP request and its answer; the only place that knows by which library they are sent.
//!
//! Redirects, retries and authorisation are not followed here.

mod clients;
mod error;
mod progress;
mod tls;

use std::borrow::Cow;
use std::pin::Pin;
use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use eigenpack_oci::{AccessError, ByteStream, NetworkErrorKind, RegistryHost};
pub(crate) use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use url::Url;

use self::clients::Clients;
pub(crate) use self::error::TransportError;
use self::error::{Addressee, Overdue};
pub(crate) use self::progress::Progress;
pub use self::tls::{Authorities, ClientIdentity, TlsError, TlsOptions};
use crate::concurrency::Permit;
use crate::mask::Mask;
use crate::options::RemoteOptions;

/// Sends requests over pooled connections.
#[derive(Debug)]
pub(crate) struct Transport {
    connect_timeout: Duration,
    idle_timeout: Duration,
    answer_timeout: Duration,
    clients: Clients,
}

/// The body of a request.
pub(crate) enum Body {
    Empty,
    Stream {
        stream: ByteStream,
        length: u64,
        progress: Progress,
        /// Whether the server may take long to store what it was sent before it answers.
        is_slow_to_store: bool,
    },
}

/// The head of an answer, and its body still to come.
#[derive(Debug)]
pub(crate) struct Response {
    url: Url,
    addressee: Addressee,
    idle_timeout: Duration,
    inner: reqwest::Response,
    permit: Option<Permit>,
}

impl Transport {
    /// Speaks to the registry at `base`, and to wherever it leads.
    pub(crate) fn new(options: Arc<RemoteOptions>, registry: &RegistryHost, base: &Url) -> Self {
        Self {
            connect_timeout: options.connect_timeout,
            idle_timeout: options.idle_timeout,
            answer_timeout: options.answer_timeout,
            clients: Clients::new(options, registry, base),
        }
    }

    /// Sends a request and waits for the head of its answer. What is shown of it, and of the answer, goes through the mask:
    /// the URL may be one that a server chose.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Body,
        mask: &Mask,
    ) -> Result<Response, TransportError> {
        let addressee = self.addressee(url, mask);
        let client = self
            .clients
            .get(url)
            .map_err(|e| addressee.failed(NetworkErrorKind::Tls, e.into()))?;
        let mut request = client.request(method.clone(), url.clone());
        for (name, value) in headers {
            let value = HeaderValue::from_str(value);
            let mut value = value.map_err(|_| addressee.unsendable(name))?;
            value.set_sensitive(*name == "authorization");
            request = request.header(*name, value);
        }
        let mut patience = self.idle_timeout;
        let mut progress = Progress::default();
        request = match body {
            Body::Empty if method == Method::GET || method == Method::HEAD => request,
            Body::Empty => request.header("content-length", 0),
            Body::Stream {
                stream,
                length,
                progress: followed,
                is_slow_to_store,
            } => {
                if is_slow_to_store {
                    patience = patience.max(self.answer_timeout);
                }
                let pieces = followed.follow(stream, length);
                progress = followed;
                request
                    .header("content-length", length)
                    .body(reqwest::Body::wrap_stream(pieces))
            }
        };
        let mut sending: Pin<Box<_>> = Box::pin(request.send());
        let inner = loop {
            let before = progress.pieces();
            match tokio::time::timeout(self.wait(&progress, patience), &mut sending).await {
                Ok(Err(error)) if error.is_connect() && error.is_timeout() => {
                    let overdue = Overdue::Connect(self.connect_timeout);
                    return Err(addressee.timeout(overdue));
                }
                Ok(result) => break result.map_err(|e| addressee.classify(e))?,
                // Content that does not come is no silence of the network. It has limits of its own.
                Err(_) if progress.pieces() != before || progress.waits_for_content() => {}
                Err(_) => match progress.since_all_taken() {
                    Some(since) if since < patience => {}
                    Some(_) if patience > self.idle_timeout => {
                        return Err(addressee.timeout(Overdue::Answer(patience)));
                    }
                    _ => return Err(addressee.timeout(Overdue::Silence(self.idle_timeout))),
                },
            }
        };
        let (host, path) = (&addressee.host, mask.hide(url.path()));
        tracing::debug!(%method, host, path, status = inner.status().as_u16());
        Ok(Response {
            url: url.clone(),
            addressee,
            idle_timeout: self.idle_timeout,
            inner,
            permit: None,
        })
    }

    /// Returns how long to wait before the progress is looked at again.
    fn wait(&self, progress: &Progress, patience: Duration) -> Duration {
        match progress.since_all_taken() {
            Some(since) => patience.saturating_sub(since).min(self.idle_timeout),
            None => self.idle_timeout,
        }
    }

    /// The registry was named by whoever uses it; any other host was named by the registry.
    fn addressee(&self, url: &Url, mask: &Mask) -> Addressee {
        let host = authority(url);
        Addressee {
            host: if self.clients.is_registry(&host) {
                host
            } else {
                mask.hide(&host)
            },
            mask: mask.clone(),
        }
    }
}

impl Response {
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the host that answered, as it may be shown.
    pub(crate) fn host(&self) -> &str {
        &self.addressee.host
    }

    /// Returns what of the request must not be shown.
    pub(crate) fn mask(&self) -> &Mask {
        &self.addressee.mask
    }

    /// Makes the error of an answer that leads to where no request may go.
    pub(crate) fn refused(&self, reason: &str) -> AccessError {
        AccessError::Refused {
            host: self.addressee.host.clone(),
            reason: self.addressee.mask.hide(reason),
        }
    }

    /// Keeps the permit of the request for as long as the answer is read.
    pub(crate) fn with_permit(mut self, permit: Permit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// Gives the permit up: nothing more is read.
    pub(crate) fn release(&mut self) {
        self.permit = None;
    }

    pub(crate) fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    pub(crate) fn headers(&self) -> Headers {
        Headers(self.inner.headers().clone())
    }

    /// Returns the values of a header as text, whatever they hold.
    pub(crate) fn text_of(&self, name: &'static str) -> Vec<Cow<'_, str>> {
        let values = self.inner.headers().get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect()
    }

    /// Returns the length of the body as the head announces it.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.inner.content_length()
    }

    /// Reads the start of a body that is of little consequence: a failure is its end, and so is the end of our patience.
    pub(crate) async fn start(&mut self, limit: usize, patience: Duration) -> Bytes {
        let mut body = BytesMut::new();
        let reading = async {
            while body.len() < limit
                && let Ok(Some(bytes)) = self.chunk().await
            {
                body.extend_from_slice(&bytes);
            }
        };
        // What has come until then is kept.
        let _ = tokio::time::timeout(patience, reading).await;
        body.truncate(limit);
        body.freeze()
    }

    /// Waits for the next bytes of the body; `None` is its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let Ok(chunk) = tokio::time::timeout(self.idle_timeout, self.inner.chunk()).await else {
            let overdue = Overdue::Silence(self.idle_timeout);
            return Err(self.addressee.timeout(overdue));
        };
        if matches!(chunk, Ok(None)) {
            // The connection is put back by a task of its own; whoever asks before it ran opens another one.
            tokio::task::yield_now().await;
        }
        chunk.map_err(|e| self.addressee.classify(e))
    }
}

/// The headers of an answer; values that are not ASCII text count as absent.
#[derive(Clone, Debug)]
pub(crate) struct Headers(HeaderMap);

impl Headers {
    pub(crate) fn get(&self, name: &'static str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.get_all(name).iter().filter_map(|v| v.to_str().ok())
    }
}

/// Tells whether a text can be sent as the value of a header.
pub(crate) fn is_sendable(value: &str) -> bool {
    HeaderValue::from_str(value).is_ok()
}

/// Returns the host of a URL, with its port where that is not the scheme's own.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
