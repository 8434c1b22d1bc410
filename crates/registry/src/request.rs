//! A request as the handlers see it: its headers, and a body that is read within limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use eigenpack_oci::distribution::ErrorCode;
use http_body_util::BodyExt as _;
use hyper::Method;
use hyper::body::{Body as _, Incoming};
use hyper::header::{AsHeaderName, EXPECT, HeaderMap};
use tokio::time::timeout;

use crate::fault::RequestTap;
use crate::pulse::Pulse;
use crate::refusal::Refusal;

/// How much of a blob is collected before it is handed to the store, in bytes: each step is a change of threads.
const BATCH: usize = 128 * 1024;

/// The most of a refused body that is read: a client that is still sending would not see the answer.
const MAX_DRAINED: usize = 8 * 1024 * 1024;

/// A request whose URL was parsed.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    /// Whether the client waits to be told that the body is wanted: the first read of it tells so.
    awaits_invitation: bool,
    /// Why the body ended too early, where part of it was handed out since.
    broken: Option<Refusal>,
    idle_timeout: Duration,
    /// What beats when content comes.
    pulse: Option<Arc<Pulse>>,
    /// Who counts the body and may break it off.
    tap: Option<RequestTap>,
}

impl Request {
    pub(crate) fn new(request: hyper::Request<Incoming>, idle_timeout: Duration) -> Self {
        let (mut head, body) = request.into_parts();
        Self {
            method: head.method,
            awaits_invitation: !body.is_end_stream() && expects_invitation(&head.headers),
            headers: head.headers,
            body,
            broken: None,
            idle_timeout,
            pulse: None,
            tap: head.extensions.remove(),
        }
    }

    /// Returns a header that is text.
    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Tells whether this is a `GET` or a `HEAD`.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Lets `pulse` beat whenever content comes, however little.
    pub(crate) fn beats(&mut self, pulse: &Arc<Pulse>) {
        self.pulse = Some(pulse.clone());
    }

    /// Returns how long the body is, where the request says so.
    pub(crate) fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// Reads the whole body, which may have `limit` bytes.
    pub(crate) async fn whole(&mut self, what: &str, limit: u64) -> Result<Bytes, Refusal> {
        if self.length().is_some_and(|length| length > limit) {
            return Err(Refusal::too_large(what, limit));
        }
        let mut body = BytesMut::new();
        while let Some(bytes) = self.next().await? {
            if (body.len() + bytes.len()) as u64 > limit {
                return Err(Refusal::too_large(what, limit));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body.freeze())
    }

    /// Reads the next part of the body; an empty one is the end.
    ///
    /// What came before the body broke is handed out first, so that a client can resume behind it.
    pub(crate) async fn batch(&mut self) -> Result<Vec<Bytes>, Refusal> {
        let (mut batch, mut size) = (Vec::new(), 0);
        while size < BATCH {
            match self.next().await {
                Ok(Some(bytes)) => {
                    size += bytes.len();
                    batch.push(bytes);
                }
                Ok(None) => break,
                Err(error) if batch.is_empty() => return Err(error),
                Err(error) => {
                    self.broken = Some(error);
                    break;
                }
            }
        }
        Ok(batch)
    }

    /// Tells whether the client still waits to be told that the body is wanted. It was not read then, and whether it comes
    /// is not known.
    pub(crate) fn awaits_invitation(&self) -> bool {
        self.awaits_invitation
    }

    /// Reads what is left of a body that nobody wants, as far as that is worth it.
    pub(crate) async fn drain(&mut self) {
        if self.body.is_end_stream() || self.awaits_invitation {
            return;
        }
        let mut read = 0;
        while let Ok(Some(bytes)) = self.next().await {
            read += bytes.len();
            if read > MAX_DRAINED {
                break;
            }
        }
    }

    /// Reads the next bytes of the body; never none.
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        self.awaits_invitation = false;
        loop {
            let frame = timeout(self.idle_timeout, self.body.frame()).await;
            let frame = frame.map_err(|_| Refusal::timed_out())?;
            if let Some(pulse) = &self.pulse {
                pulse.beat();
            }
            match frame {
                None => return Ok(None),
                Some(Err(error)) => {
                    let message = format!("the content did not arrive: {error}");
                    return Err(Refusal::bad(ErrorCode::BlobUploadInvalid, message));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return self.passed(bytes).await,
                    // Trailers, which nothing here uses.
                    _ => {}
                },
            }
        }
    }

    /// Hands bytes on, as far as no fault is injected.
    async fn passed(&mut self, bytes: Bytes) -> Result<Option<Bytes>, Refusal> {
        let Some(tap) = &mut self.tap else {
            return Ok(Some(bytes));
        };
        let (bytes, is_broken) = tap.pass(bytes).await;
        let message = "the content did not arrive";
        let broken = is_broken.then(|| Refusal::bad(ErrorCode::BlobUploadInvalid, message));
        match broken {
            Some(error) if bytes.is_empty() => Err(error),
            broken => {
                self.broken = broken;
                Ok(Some(bytes))
            }
        }
    }
}

/// Tells whether a client sends the body only once it is asked to (RFC 9110, section 10.1.1).
fn expects_invitation(headers: &HeaderMap) -> bool {
    let expected = headers.get(EXPECT);
    expected.is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
