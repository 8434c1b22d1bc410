//! A registry's repository, of which nothing is fetched that the local store has by its digest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use eigenpack_layout::LocalStore;
use eigenpack_oci::{
    BlobStream, Content, Descriptor, Digest, FetchError, Location, MediaType, RawManifest, Source,
    Tag, TagOrDigest,
};
use eigenruntime::spec::MAX_SPEC_BYTES;
use futures_util::{StreamExt as _, stream};

/// The largest blob that is kept, in bytes: a spec, and with it every config. Layers of images are moved, not kept.
const MAX_KEPT: u64 = MAX_SPEC_BYTES as u64;

/// A source, and what is asked before it.
///
/// What a digest names is the same everywhere, so it does not matter from whom it came first. What a tag names is
/// known to the source alone, which is always asked.
#[derive(Clone, Debug)]
pub(crate) struct Cached<S> {
    source: S,
    cache: Option<Cache>,
}

/// The pool of the local store, used as far as it can be: nothing that is wrong with it fails an operation.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    store: LocalStore,
    keeps: bool,
    trouble: Trouble,
}

/// Whether it was said already that the cache cannot be used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<AtomicBool>);

impl<S> Cached<S> {
    /// Puts a cache before a source; without any, the source alone is asked.
    pub(crate) fn new(source: S, cache: Option<Cache>) -> Self {
        Self { source, cache }
    }
}

impl Cache {
    /// Uses a store's pool, and keeps there what is fetched.
    pub(crate) fn new(store: LocalStore, trouble: Trouble) -> Self {
        Self {
            store,
            keeps: true,
            trouble,
        }
    }

    /// Only reads: what is moved elsewhere need not be kept here as well.
    pub(crate) fn only_read(mut self) -> Self {
        self.keeps = false;
        self
    }

    async fn manifest(&self, digest: &Digest) -> Option<RawManifest> {
        let found = self.store.pool_manifest(digest.clone()).await;
        self.found(found, digest)
    }

    async fn blob(&self, descriptor: &Descriptor, offset: u64) -> Option<BlobStream> {
        let found = self.store.pool_blob(descriptor.clone(), offset).await;
        self.found(found, &descriptor.digest)
    }

    async fn keep_manifest(&self, manifest: &RawManifest) {
        if self.keeps {
            let kept = self.store.fill_pool_with_manifest(manifest).await;
            self.trouble.tell_of(kept);
        }
    }

    fn found<T>(&self, found: Result<Option<T>, FetchError>, digest: &Digest) -> Option<T> {
        let found = self.trouble.tell_of(found).flatten()?;
        tracing::debug!(%digest, "taken from the local store");
        Some(found)
    }

    /// Keeps a blob once all of it has passed, verified; its reader waits for that.
    fn keeping(&self, descriptor: Descriptor, stream: BlobStream) -> BlobStream {
        let state = Some((stream, BytesMut::new(), self.clone(), descriptor));
        Box::pin(stream::unfold(state, |state| async move {
            let (mut stream, mut passed, cache, descriptor) = state?;
            match stream.next().await {
                Some(Ok(bytes)) => {
                    passed.extend_from_slice(&bytes);
                    Some((Ok(bytes), Some((stream, passed, cache, descriptor))))
                }
                Some(Err(error)) => Some((Err(error), None)),
                None => {
                    let content = Content::Bytes(passed.freeze());
                    let kept = cache.store.fill_pool(descriptor, content).await;
                    cache.trouble.tell_of(kept);
                    None
                }
            }
        }))
    }
}

impl Trouble {
    /// Returns what went well, and says once what did not.
    pub(crate) fn tell_of<T, E: std::error::Error>(&self, result: Result<T, E>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let cause = error.source().map(ToString::to_string);
        let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
        if self.0.swap(true, Ordering::Relaxed) {
            tracing::debug!("the local store cannot be used as a cache: {error}{cause}");
        } else {
            tracing::warn!("the local store cannot be used as a cache: {error}{cause}");
        }
        None
    }
}

impl<S: Source> Source for Cached<S> {
    fn location(&self) -> Option<Location> {
        self.source.location()
    }

    async fn manifest(&self, which: TagOrDigest) -> Result<RawManifest, FetchError> {
        let Some(cache) = &self.cache else {
            return self.source.manifest(which).await;
        };
        if let TagOrDigest::Digest(digest) = &which
            && let Some(found) = cache.manifest(digest).await
        {
            return Ok(found);
        }
        let manifest = self.source.manifest(which).await?;
        cache.keep_manifest(&manifest).await;
        Ok(manifest)
    }

    async fn unverified_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<BlobStream, FetchError> {
        let Some(cache) = &self.cache else {
            return self.source.unverified_blob(descriptor, offset).await;
        };
        if let Some(found) = cache.blob(&descriptor, offset).await {
            return Ok(found);
        }
        if cache.keeps && offset == 0 && descriptor.size <= MAX_KEPT {
            let stream = self.source.blob(descriptor.clone(), offset).await?;
            Ok(cache.keeping(descriptor, stream))
        } else {
            self.source.unverified_blob(descriptor, offset).await
        }
    }

    async fn has_blob(&self, descriptor: Descriptor) -> Result<bool, FetchError> {
        self.source.has_blob(descriptor).await
    }

    async fn tags(&self) -> Result<Vec<Tag>, FetchError> {
        self.source.tags().await
    }

    async fn referrers(
        &self,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        self.source.referrers(digest, artifact_type).await
    }
}
