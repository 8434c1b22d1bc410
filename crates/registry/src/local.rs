//! The local store as the store of a registry.

use std::ops::Range;

use bytes::Bytes;
use eigenpack_layout::{IncomingBlob, LocalStore, StoredBlob};
use eigenpack_oci::{
    AccessError, Algorithm, BlobStream, Descriptor, Digest, FetchError, MediaType, Precondition,
    PushError, RawManifest, Repository, Source as _, Tag, TagOrDigest, Target as _,
};

use crate::range::cut;
use crate::store::{RegistryStore, UploadSession};

impl RegistryStore for LocalStore {
    type Upload = IncomingBlob;

    async fn manifest(
        &self,
        repository: &Repository,
        which: TagOrDigest,
    ) -> Result<RawManifest, FetchError> {
        self.repository(repository).manifest(which).await
    }

    async fn stored_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<StoredBlob, FetchError> {
        let found = self
            .repository(repository)
            .stored_blob(digest.clone())
            .await?;
        found.ok_or_else(|| FetchError::BlobNotFound(digest.clone()))
    }

    async fn blob_size(&self, repository: &Repository, digest: &Digest) -> Result<u64, FetchError> {
        let size = self
            .repository(repository)
            .blob_size(digest.clone())
            .await?;
        size.ok_or_else(|| FetchError::BlobNotFound(digest.clone()))
    }

    async fn blob(
        &self,
        repository: &Repository,
        descriptor: Descriptor,
        range: Range<u64>,
    ) -> Result<BlobStream, FetchError> {
        let whole = range == (0..descriptor.size);
        let repository = self.repository(repository);
        let stream = repository.blob(descriptor, range.start).await?;
        Ok(if whole {
            stream
        } else {
            cut(stream, range.end - range.start)
        })
    }

    async fn tags(&self, repository: &Repository) -> Result<Vec<Tag>, FetchError> {
        self.repository(repository).tags().await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        let repository = self.repository(repository);
        repository.referrers(digest, artifact_type).await
    }

    async fn repositories(&self) -> Result<Vec<Repository>, AccessError> {
        self.repositories().await
    }

    async fn push_manifest(
        &self,
        repository: &Repository,
        manifest: RawManifest,
        tags: Vec<Tag>,
        precondition: Precondition,
    ) -> Result<(), PushError> {
        let repository = self.repository(repository);
        repository.push_manifest(manifest, tags, precondition).await
    }

    async fn delete_manifest(
        &self,
        repository: &Repository,
        which: TagOrDigest,
    ) -> Result<(), PushError> {
        self.repository(repository).delete(which).await
    }

    async fn delete_blob(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<bool, AccessError> {
        self.repository(repository).delete_blob(digest).await
    }

    async fn mount(
        &self,
        repository: &Repository,
        digest: Digest,
        from: Option<&Repository>,
    ) -> Result<bool, PushError> {
        let from = from.map(|from| self.repository(from));
        let repository = self.repository(repository);
        repository.mount(digest, from.as_ref()).await
    }

    async fn start_upload(
        &self,
        repository: &Repository,
        algorithm: Algorithm,
    ) -> Result<IncomingBlob, PushError> {
        self.repository(repository).receive_blob(algorithm).await
    }
}

impl UploadSession for IncomingBlob {
    async fn size(&self) -> Result<u64, PushError> {
        self.size().await
    }

    async fn append(&self, offset: u64, batch: Vec<Bytes>) -> Result<u64, PushError> {
        self.append(offset, batch).await
    }

    async fn close(self, digest: Digest) -> Result<(), PushError> {
        self.keep(digest).await
    }
}
