//! What a server of a layout asks about blobs that it knows by their digests alone.

use std::io;

use bytes::Bytes;
use eigenpack_oci::{AccessError, Descriptor, Digest, FetchError, MediaType, PushError, verify};

use crate::blocking::{blocking, cannot};
use crate::files::directory_of;
use crate::hot::MAX_HELD;
use crate::steps::{remove, sync_dir};
use crate::store::LayoutStore;

/// A blob that is about to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredBlob {
    /// All of a small one, verified.
    Whole(Bytes),
    /// The size in bytes of one that is too large to be held in memory; it is to be streamed.
    Large(u64),
}

impl LayoutStore {
    /// Looks up a blob for somebody who reads it; `None` where there is none.
    ///
    /// Up to 64 KiB come at once. Unlike [`blob_size`](Self::blob_size) this does not keep the blob from being collected:
    /// who has the content does not rely on the store to have it.
    pub async fn stored_blob(&self, digest: Digest) -> Result<Option<StoredBlob>, FetchError> {
        let opened = self.opened();
        if let Some(held) = opened.hot.blob(opened.blobs.dir(), &digest) {
            return Ok(Some(StoredBlob::Whole(held)));
        }
        let opened = opened.clone();
        blocking(move || {
            let blobs = opened.blobs.dir();
            match blobs.size(&digest)? {
                Some(size) if size > MAX_HELD => return Ok(Some(StoredBlob::Large(size))),
                _ => {}
            }
            let Some((bytes, stamp)) = blobs.read_stamped(&digest, MAX_HELD)? else {
                return Ok(None);
            };
            let size = bytes.len() as u64;
            let descriptor = Descriptor::new(MediaType::OCTET_STREAM, digest, size);
            verify(&descriptor, &bytes)?;
            opened.hot.hold_blob(descriptor.digest, &bytes, stamp);
            Ok(Some(StoredBlob::Whole(bytes)))
        })
        .await
    }

    /// Returns the size of a blob, or `None` where there is none, and keeps it from being collected for a while.
    ///
    /// Whoever is told that a blob is there does not send it, so it must last until a manifest refers to it.
    pub async fn blob_size(&self, digest: Digest) -> Result<Option<u64>, AccessError> {
        let opened = self.opened().clone();
        blocking(move || {
            let Some(size) = opened.blobs.dir().size(&digest)? else {
                return Ok(None);
            };
            let descriptor = Descriptor::new(MediaType::OCTET_STREAM, digest, size);
            Ok(opened.blobs.has(&descriptor)?.then_some(size))
        })
        .await
    }

    /// Takes a blob over from another repository of the same local store, or from its pool, without a copy.
    ///
    /// Tells whether the blob is here now. With `from`, only what that repository has is taken.
    pub async fn mount(&self, digest: Digest, from: Option<&Self>) -> Result<bool, PushError> {
        let (opened, wanted) = (self.opened().clone(), digest.clone());
        let from = from.map(|from| from.opened().clone());
        let size = blocking(move || -> Result<_, AccessError> {
            let size = match from {
                Some(from) => from.blobs.dir().size(&wanted)?,
                None => opened.blobs.pooled_size(&wanted)?,
            };
            if size.is_some() {
                opened.prepare()?;
            }
            Ok(size)
        });
        let Some(size) = size.await? else {
            return Ok(false);
        };
        let descriptor = Descriptor::new(MediaType::OCTET_STREAM, digest, size);
        let blobs = self.opened().blobs.clone();
        Ok(blobs.reuse_while_wanted(descriptor).await?.is_some())
    }

    /// Deletes a blob from this repository, and tells whether it was there. Others that share it keep it.
    ///
    /// A manifest is no blob here: it is deleted as what it is.
    pub async fn delete_blob(&self, digest: Digest) -> Result<bool, AccessError> {
        let opened = self.opened().clone();
        blocking(move || {
            // Nothing is created for the sake of a deletion.
            if opened.blobs.dir().size(&digest)?.is_none() {
                return Ok(false);
            }
            opened.prepare()?;
            // Whoever pushes the manifest gives it its entry under the lock, and then looks whether it is still there.
            let _lock = opened.layout.lock_index()?;
            let index = opened.layout.read_index()?;
            if index.is_some_and(|index| index.find(&digest.clone().into()).is_some()) {
                return Ok(false);
            }
            let path = opened.blobs.dir().path(&digest);
            match remove(&path) {
                Ok(()) => sync_dir(directory_of(&path)).map(|()| true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(cannot("delete", &path)(error)),
            }
        })
        .await
    }
}
