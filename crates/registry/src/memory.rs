//! A registry's store in memory: for tests, and for what need not last.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use eigenpack_layout::StoredBlob;
use eigenpack_oci::{
    AccessError, Algorithm, BlobStream, Descriptor, Digest, FetchError, MediaType, MemoryStore,
    Precondition, PushError, RawManifest, Repository, Source as _, Tag, TagOrDigest, Target as _,
    VerifyError, verified,
};
use futures_util::stream;

use crate::range::slice;
use crate::store::{RegistryStore, UploadSession};

/// Many repositories in memory. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegistry {
    repositories: Arc<Mutex<BTreeMap<Repository, Contents>>>,
}

/// One repository: its manifests and tags, and its blobs.
#[derive(Debug, Default)]
struct Contents {
    manifests: MemoryStore,
    blobs: BTreeMap<Digest, Bytes>,
}

/// A blob that is being received into memory.
#[derive(Debug)]
pub struct MemoryUpload {
    registry: MemoryRegistry,
    repository: Repository,
    received: Mutex<BytesMut>,
}

impl MemoryRegistry {
    /// Makes a registry without repositories.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Repository, Contents>> {
        unpoisoned(&self.repositories)
    }

    /// Returns the manifests of a repository that exists.
    fn manifests(&self, repository: &Repository) -> Option<MemoryStore> {
        self.lock().get(repository).map(|c| c.manifests.clone())
    }

    fn existing(&self, repository: &Repository) -> Result<MemoryStore, FetchError> {
        self.manifests(repository)
            .ok_or(FetchError::RepositoryNotFound)
    }

    fn blob_bytes(&self, repository: &Repository, digest: &Digest) -> Option<Bytes> {
        let repositories = self.lock();
        let contents = repositories.get(repository)?;
        contents.blobs.get(digest).cloned()
    }

    fn keep(&self, repository: &Repository, digest: Digest, bytes: Bytes) {
        let mut repositories = self.lock();
        let contents = repositories.entry(repository.clone()).or_default();
        contents.blobs.insert(digest, bytes);
    }
}

impl RegistryStore for MemoryRegistry {
    type Upload = MemoryUpload;

    async fn manifest(
        &self,
        repository: &Repository,
        which: TagOrDigest,
    ) -> Result<RawManifest, FetchError> {
        self.existing(repository)?.manifest(which).await
    }

    async fn stored_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<StoredBlob, FetchError> {
        self.blob_bytes(repository, digest)
            .map(StoredBlob::Whole)
            .ok_or_else(|| FetchError::BlobNotFound(digest.clone()))
    }

    async fn blob_size(&self, repository: &Repository, digest: &Digest) -> Result<u64, FetchError> {
        self.blob_bytes(repository, digest)
            .map(|bytes| bytes.len() as u64)
            .ok_or_else(|| FetchError::BlobNotFound(digest.clone()))
    }

    async fn blob(
        &self,
        repository: &Repository,
        descriptor: Descriptor,
        range: Range<u64>,
    ) -> Result<BlobStream, FetchError> {
        let Some(bytes) = self.blob_bytes(repository, &descriptor.digest) else {
            return Err(FetchError::BlobNotFound(descriptor.digest));
        };
        if range == (0..descriptor.size) {
            return Ok(verified(&descriptor, stream::iter([Ok(bytes)]))?);
        }
        Ok(Box::pin(stream::iter([Ok(slice(&bytes, range))])))
    }

    async fn tags(&self, repository: &Repository) -> Result<Vec<Tag>, FetchError> {
        self.existing(repository)?.tags().await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        let manifests = self.existing(repository)?;
        manifests.referrers(digest, artifact_type).await
    }

    async fn repositories(&self) -> Result<Vec<Repository>, AccessError> {
        Ok(self.lock().keys().cloned().collect())
    }

    async fn push_manifest(
        &self,
        repository: &Repository,
        manifest: RawManifest,
        tags: Vec<Tag>,
        precondition: Precondition,
    ) -> Result<(), PushError> {
        let manifests = {
            let mut repositories = self.lock();
            let contents = repositories.entry(repository.clone()).or_default();
            contents.manifests.clone()
        };
        manifests.push_manifest(manifest, tags, precondition).await
    }

    async fn delete_manifest(
        &self,
        repository: &Repository,
        which: TagOrDigest,
    ) -> Result<(), PushError> {
        match self.manifests(repository) {
            Some(manifests) => manifests.delete(which).await,
            None => Err(PushError::ManifestNotFound(which)),
        }
    }

    async fn delete_blob(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<bool, AccessError> {
        let mut repositories = self.lock();
        let contents = repositories.get_mut(repository);
        Ok(contents.is_some_and(|c| c.blobs.remove(&digest).is_some()))
    }

    async fn mount(
        &self,
        repository: &Repository,
        digest: Digest,
        from: Option<&Repository>,
    ) -> Result<bool, PushError> {
        let found = match from {
            Some(from) => self.blob_bytes(from, &digest),
            None => self
                .lock()
                .values()
                .find_map(|contents| contents.blobs.get(&digest).cloned()),
        };
        let is_found = found.is_some();
        if let Some(bytes) = found {
            self.keep(repository, digest, bytes);
        }
        Ok(is_found)
    }

    async fn start_upload(
        &self,
        repository: &Repository,
        _algorithm: Algorithm,
    ) -> Result<MemoryUpload, PushError> {
        Ok(MemoryUpload {
            registry: self.clone(),
            repository: repository.clone(),
            received: Mutex::default(),
        })
    }
}

impl UploadSession for MemoryUpload {
    async fn size(&self) -> Result<u64, PushError> {
        Ok(unpoisoned(&self.received).len() as u64)
    }

    async fn append(&self, offset: u64, batch: Vec<Bytes>) -> Result<u64, PushError> {
        let mut received = unpoisoned(&self.received);
        if offset == received.len() as u64 {
            for bytes in batch {
                received.extend_from_slice(&bytes);
            }
        }
        Ok(received.len() as u64)
    }

    async fn close(self, digest: Digest) -> Result<(), PushError> {
        let received = std::mem::take(&mut *unpoisoned(&self.received)).freeze();
        let algorithm = digest.algorithm();
        let unknown = || VerifyError::UnknownAlgorithm {
            algorithm: algorithm.clone(),
        };
        let mut hasher = algorithm.hasher().ok_or_else(unknown)?;
        hasher.update(&received);
        let found = hasher.finish();
        if found != digest {
            let expected = digest;
            return Err(VerifyError::WrongDigest { expected, found }.into());
        }
        self.registry.keep(&self.repository, digest, received);
        Ok(())
    }
}

/// Locks; nothing in here panics half-way through a change, so what a panic elsewhere left is whole.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
