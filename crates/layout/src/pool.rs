//! The pool of a local store as a cache: content by its digest alone, whichever repository it came with.

use eigenpack_oci::{
    AccessError, BlobStream, Content, Descriptor, Digest, FetchError, MAX_MANIFEST_SIZE, MediaType,
    PushError, Pushed, RawManifest, ReadManifestError,
};

use crate::blocking::{blocking, while_wanted};
use crate::local_store::LocalStore;
use crate::receive::receive;

/// What is only in the pool is garbage: it stays for as long as it is used, and
/// [`collect_garbage`](LocalStore::collect_garbage) takes it once nobody has read it for
/// [`min_age`](crate::GcOptions::min_age).
impl LocalStore {
    /// Tells whether the pool has a blob, whichever repository it came with.
    pub async fn contains(&self, descriptor: Descriptor) -> Result<bool, AccessError> {
        let pool = self.directory().pool().clone();
        blocking(move || pool.has(&descriptor)).await
    }

    /// Streams a blob of the pool from byte `offset` on; `None` where there is none, or a damaged one.
    ///
    /// All of it is read and verified before the first byte is handed on, so that whoever is refused can still go
    /// elsewhere. Reading makes the blob young again.
    pub async fn pool_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<Option<BlobStream>, FetchError> {
        let pool = self.directory().pool().clone();
        let (there, wanted) = (pool.clone(), descriptor.clone());
        let is_intact = while_wanted(move |abandoned| -> Result<_, AccessError> {
            Ok(there.has(&wanted)? && there.dir().holds(&wanted, abandoned)?)
        });
        if !is_intact.await? {
            return Ok(None);
        }
        pool.dir().clone().stream(descriptor, offset).await
    }

    /// Reads a manifest from the pool, verified; `None` where there is none, or something else of that digest.
    ///
    /// Reading makes it young again.
    pub async fn pool_manifest(&self, digest: Digest) -> Result<Option<RawManifest>, FetchError> {
        let pool = self.directory().pool().clone();
        blocking(move || {
            let bytes = match pool.dir().read(&digest, MAX_MANIFEST_SIZE) {
                Err(FetchError::TooLarge { .. }) => None,
                found => found?,
            };
            let Some(bytes) = bytes else {
                return Ok(None);
            };
            let size = bytes.len() as u64;
            let manifest = RawManifest::from_outside(bytes, None, Some(&digest));
            if manifest.is_ok() {
                pool.has(&Descriptor::new(MediaType::OCTET_STREAM, digest, size))?;
            }
            Ok(manifest.ok())
        })
        .await
    }

    /// Keeps a blob in the pool, so that it need not be fetched again; a damaged one is mended.
    pub async fn fill_pool(
        &self,
        descriptor: Descriptor,
        content: Content,
    ) -> Result<Pushed, PushError> {
        let directory = self.directory().clone();
        blocking(move || directory.prepare()).await?;
        receive(self.directory().pool().clone(), descriptor, content).await
    }

    /// Keeps a manifest in the pool, if its bytes alone tell its type: the pool knows nothing else of it.
    pub async fn fill_pool_with_manifest(&self, manifest: &RawManifest) -> Result<(), PushError> {
        let bytes = manifest.bytes().clone();
        let again: Result<_, ReadManifestError> =
            RawManifest::from_outside(bytes.clone(), None, Some(manifest.digest()));
        let tells = again.is_ok_and(|again| again.media_type() == manifest.media_type());
        if tells && bytes.len() as u64 <= MAX_MANIFEST_SIZE {
            self.fill_pool(manifest.descriptor(), Content::Bytes(bytes))
                .await?;
        }
        Ok(())
    }
}
