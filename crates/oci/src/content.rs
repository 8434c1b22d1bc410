//! The two traits that all content moves through: a [`Source`] is read, a [`Target`] is also written.
//!
//! Whatever moves content is written once over these traits and works between memory, disk and registries. The futures
//! own their descriptors and the streams borrow nothing, so both can be spawned and sent anywhere.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{FetchError, PushError};
use crate::media_type::MediaType;
use crate::observer::{Event, Observer, Silent};
use crate::raw_manifest::RawManifest;
use crate::reference::{Location, Tag, TagOrDigest};
use crate::verifier::{Verifier, VerifyError};

/// A stream of a blob's bytes, verified: its last item is an error unless size and digest were right.
pub type BlobStream = Pin<Box<dyn Stream<Item = Result<Bytes, FetchError>> + Send + 'static>>;

/// A stream of bytes that are to be sent.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + 'static>>;

/// Something that manifests and blobs can be read from: one repository, one layout, one map in memory.
pub trait Source: Send + Sync {
    /// Returns which repository of which registry this is; such a registry can move blobs between its repositories itself.
    fn location(&self) -> Option<Location> {
        None
    }

    /// Fetches a manifest in one request: capped, and verified where the digest is known.
    fn manifest(
        &self,
        which: TagOrDigest,
    ) -> impl Future<Output = Result<RawManifest, FetchError>> + Send;

    /// Streams a blob from byte `offset` on.
    ///
    /// From the start, the stream is verified against the descriptor, as [`verified`] does it. From a later offset only
    /// the size can be: whoever resumes holds the hash of what came before.
    fn blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> impl Future<Output = Result<BlobStream, FetchError>> + Send {
        async move {
            let stream = self.unverified_blob(descriptor.clone(), offset).await?;
            if offset == 0 {
                Ok(verified(&descriptor, stream)?)
            } else {
                Ok(stream)
            }
        }
    }

    /// Streams a blob from byte `offset` on to somebody who verifies it, as every [`Target`] does: to hash each byte twice
    /// costs more than to move it.
    fn unverified_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> impl Future<Output = Result<BlobStream, FetchError>> + Send;

    /// Tells whether the blob is there.
    fn has_blob(
        &self,
        descriptor: Descriptor,
    ) -> impl Future<Output = Result<bool, FetchError>> + Send;

    /// Lists all tags in byte order.
    fn tags(&self) -> impl Future<Output = Result<Vec<Tag>, FetchError>> + Send;

    /// Lists the manifests whose `subject` is `digest`, of one artifact type or of all.
    fn referrers(
        &self,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> impl Future<Output = Result<Vec<Descriptor>, FetchError>> + Send;
}

/// A [`Source`] that can also be written.
pub trait Target: Source {
    /// Stores a blob, which is verified before it counts as stored.
    fn push_blob(
        &self,
        descriptor: Descriptor,
        content: Content,
    ) -> impl Future<Output = Result<Pushed, PushError>> + Send;

    /// Stores a manifest under its digest and moves `tags` to it; the tags make it visible, so they come last.
    ///
    /// The precondition is about each of the tags. How strictly it holds is the store's matter; see [`Precondition`].
    fn push_manifest(
        &self,
        manifest: RawManifest,
        tags: Vec<Tag>,
        precondition: Precondition,
    ) -> impl Future<Output = Result<(), PushError>> + Send;

    /// Deletes a tag, or a manifest with all its tags.
    fn delete(&self, which: TagOrDigest) -> impl Future<Output = Result<(), PushError>> + Send;
}

/// What became of a blob that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Its bytes were sent.
    Uploaded,
    /// The store had it already.
    Existed,
    /// The store took it from another of its repositories.
    Mounted,
}

/// What must be true of a tag for a push to move it.
///
/// Stores on disk and in memory check it under their lock, so exactly one of several racing pushes wins. Registries offer
/// no atomic check-and-put: the client asks with `If-None-Match` or `If-Match`, which most of them ignore, so between
/// reading the tag and moving it another client can still come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: move it.
    Any,
    /// The tag does not exist, or names this very manifest already.
    Absent,
    /// The tag names this digest.
    Is(Digest),
}

impl Precondition {
    /// Tells whether a tag that names `current` may be moved to `wanted`.
    pub fn allows(&self, current: Option<&Digest>, wanted: &Digest) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => current.is_none_or(|current| current == wanted),
            Self::Is(expected) => current == Some(expected),
        }
    }
}

/// Content that is to be sent: a retry, a refusal or a redirect must be able to send it again, from any offset.
#[derive(Clone)]
pub enum Content {
    /// All of it, in memory.
    Bytes(Bytes),
    /// Something that can be opened again.
    Reopen(Arc<dyn Reopen>),
}

/// Content that can be opened again at an offset.
pub trait Reopen: Send + Sync {
    /// Opens the content at byte `offset`.
    fn open(
        &self,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + 'static>>;

    /// Returns where the content is a blob already; a target in the same registry may have it mounted from there.
    fn location(&self) -> Option<Location> {
        None
    }

    /// Tells whether other content could not be read from the same source, so that the whole operation fails.
    ///
    /// A store whose future is dropped half-way asks this: such an operation is likely to be tried again, so the store may
    /// keep what it has. One that was given up is not.
    fn source_failed(&self) -> bool {
        false
    }
}

impl Content {
    /// Opens the content at byte `offset`.
    pub async fn open(&self, offset: u64) -> io::Result<ByteStream> {
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let rest = bytes.slice(start..);
                Ok(Box::pin(futures_util::stream::iter([Ok(rest)])))
            }
            Self::Reopen(source) => source.open(offset).await,
        }
    }

    /// Returns where the content is stored already; see [`Reopen::location`].
    pub fn location(&self) -> Option<Location> {
        match self {
            Self::Bytes(_) => None,
            Self::Reopen(source) => source.location(),
        }
    }

    /// Tells whether other content could not be read from the same source; see [`Reopen::source_failed`].
    pub fn source_failed(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Reopen(source) => source.source_failed(),
        }
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Content::Bytes({} bytes)", bytes.len()),
            Self::Reopen(_) => f.write_str("Content::Reopen(…)"),
        }
    }
}

/// Makes a stream that verifies `stream` against `descriptor` as it passes.
///
/// Bytes beyond the descriptor's size are never handed on; the digest is checked at the end, before the stream ends.
pub fn verified(
    descriptor: &Descriptor,
    stream: impl Stream<Item = Result<Bytes, FetchError>> + Send + 'static,
) -> Result<BlobStream, VerifyError> {
    let verifier = Verifier::new(descriptor)?;
    let state = Some((Box::pin(stream), verifier));
    Ok(Box::pin(futures_util::stream::unfold(
        state,
        |state| async move {
            let (mut stream, mut verifier) = state?;
            match stream.next().await {
                Some(Ok(bytes)) => match verifier.update(&bytes) {
                    Ok(()) => Some((Ok(bytes), Some((stream, verifier)))),
                    Err(error) => Some((Err(error.into()), None)),
                },
                Some(Err(error)) => Some((Err(error), None)),
                None => verifier
                    .finish()
                    .err()
                    .map(|error| (Err(error.into()), None)),
            }
        },
    )))
}

/// Reads a blob into memory, verified, and not more of it than `limit` bytes.
///
/// Content that the descriptor embeds is used instead of a request, after it is verified like any other.
pub async fn fetch_blob<S: Source>(
    source: &S,
    descriptor: Descriptor,
    limit: u64,
) -> Result<Bytes, FetchError> {
    fetch_observed_blob(source, descriptor, limit, &Silent).await
}

/// The same, telling an observer how far it is.
pub async fn fetch_observed_blob<S: Source>(
    source: &S,
    descriptor: Descriptor,
    limit: u64,
    observer: &dyn Observer,
) -> Result<Bytes, FetchError> {
    if descriptor.size > limit {
        return Err(FetchError::TooLarge {
            what: descriptor.digest.to_string(),
            limit,
        });
    }
    if let Some(data) = &descriptor.data {
        crate::verifier::verify(&descriptor, data)?;
        return Ok(data.clone());
    }
    let mut stream = source.blob(descriptor.clone(), 0).await?;
    let mut content = BytesMut::new();
    while let Some(bytes) = stream.next().await {
        content.extend_from_slice(&bytes?);
        let event = Event::BlobProgress(&descriptor, content.len() as u64);
        observer.event(event);
    }
    Ok(content.freeze())
}
