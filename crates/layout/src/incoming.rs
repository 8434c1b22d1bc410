//! A blob that arrives in pieces, and whose digest may be known only when all of it is there.

use std::io::Seek as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use eigenpack_oci::{
    AccessError, Algorithm, Descriptor, Digest, Hasher, MediaType, PushError, VerifyError,
};
use tempfile::NamedTempFile;

use crate::blocking::{blocking, cannot, let_go, to_the_end, unusable};
use crate::early_sync::EarlySync;
use crate::files::each_chunk;
use crate::steps::write;
use crate::store::{LayoutStore, Opened};

/// A blob that is being received by [`LayoutStore::receive_blob`]. Dropping it throws away what has arrived.
///
/// What has arrived is in a temporary file and counts for nothing before [`keep`](Self::keep) has verified it. A step
/// that has begun is finished even if its future is dropped, so a sender that was cut off can ask for the
/// [`size`](Self::size) and go on from there.
#[derive(Debug)]
pub struct IncomingBlob {
    opened: Arc<Opened>,
    /// `None` once it was kept, or once a write failed: what is in the file is not what was hashed any more.
    received: Arc<Mutex<Option<Received>>>,
}

#[derive(Debug)]
struct Received {
    file: NamedTempFile,
    size: u64,
    algorithm: Algorithm,
    hasher: Hasher,
    sync: EarlySync,
}

impl LayoutStore {
    /// Starts to receive a blob, hashed with `algorithm` while it arrives.
    ///
    /// The digest it is kept under may have another algorithm; then all of it is read and hashed once more at the end.
    pub async fn receive_blob(&self, algorithm: Algorithm) -> Result<IncomingBlob, PushError> {
        let hasher = hasher_of(&algorithm)?;
        let opened = self.opened().clone();
        blocking(move || {
            opened.prepare()?;
            let received = Received {
                file: opened.blobs.temporary()?,
                size: 0,
                algorithm,
                hasher,
                sync: EarlySync::default(),
            };
            Ok(IncomingBlob {
                opened,
                received: Arc::new(Mutex::new(Some(received))),
            })
        })
        .await
    }
}

impl IncomingBlob {
    /// Returns how many bytes have arrived.
    pub async fn size(&self) -> Result<u64, PushError> {
        self.with(|received| Ok(received.size)).await
    }

    /// Appends bytes whose first is byte `offset` of the blob, and returns how many have arrived now.
    ///
    /// Where `offset` is not how many had arrived before, nothing is appended. An error is the end of the blob.
    pub async fn append(&self, offset: u64, batch: Vec<Bytes>) -> Result<u64, PushError> {
        self.with(move |received| received.append(offset, &batch))
            .await
    }

    /// Does something with what has arrived; where that fails, nothing more can be done with it.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Received) -> Result<T, PushError> + Send + 'static,
    ) -> Result<T, PushError> {
        let received = self.received.clone();
        blocking(move || {
            let mut held = lock(&received);
            let done = work(held.as_mut().ok_or_else(lost)?);
            if done.is_err() {
                *held = None;
            }
            done
        })
        .await
    }

    /// Keeps the blob under its digest; on disk when this returns. Content of another digest is thrown away.
    pub async fn keep(self, digest: Digest) -> Result<(), PushError> {
        to_the_end(async move {
            let received = self.received.clone();
            let taken = blocking(move || lock(&received).take().ok_or_else(lost));
            let mut received = taken.await?;
            received.sync.finish().await?;
            let opened = self.opened.clone();
            blocking(move || received.keep(digest, &opened)).await
        })
        .await
    }
}

impl Drop for IncomingBlob {
    fn drop(&mut self) {
        let received = std::mem::take(&mut self.received);
        let is_kept = received.try_lock().is_ok_and(|held| held.is_none());
        if !is_kept {
            let_go(received);
        }
    }
}

impl Received {
    fn append(&mut self, offset: u64, batch: &[Bytes]) -> Result<u64, PushError> {
        if offset != self.size {
            return Ok(self.size);
        }
        for bytes in batch {
            write(&mut self.file, bytes)?;
            self.hasher.update(bytes);
            self.size += bytes.len() as u64;
        }
        self.sync.written(&self.file, self.size)?;
        Ok(self.size)
    }

    fn keep(mut self, digest: Digest, opened: &Opened) -> Result<(), PushError> {
        let found = self.digest(digest.algorithm())?;
        if found != digest {
            let expected = digest;
            return Err(VerifyError::WrongDigest { expected, found }.into());
        }
        let descriptor = Descriptor::new(MediaType::OCTET_STREAM, digest, self.size);
        Ok(opened.blobs.keep(&descriptor, self.file)?)
    }

    fn digest(&mut self, algorithm: &Algorithm) -> Result<Digest, PushError> {
        if *algorithm == self.algorithm {
            return Ok(self.hasher.clone().finish());
        }
        let mut hasher = hasher_of(algorithm)?;
        let path = self.file.path().to_owned();
        let file = self.file.as_file_mut();
        file.rewind().map_err(cannot("read", &path))?;
        each_chunk(file, &path, |bytes| {
            hasher.update(bytes);
            Ok::<_, PushError>(())
        })?;
        Ok(hasher.finish())
    }
}

fn hasher_of(algorithm: &Algorithm) -> Result<Hasher, VerifyError> {
    algorithm
        .hasher()
        .ok_or_else(|| VerifyError::UnknownAlgorithm {
            algorithm: algorithm.clone(),
        })
}

/// Locks; a panic half-way is a write that failed.
fn lock(received: &Mutex<Option<Received>>) -> MutexGuard<'_, Option<Received>> {
    received.lock().unwrap_or_else(|poisoned| {
        let mut held = poisoned.into_inner();
        *held = None;
        held
    })
}

/// What is said of a blob with which nothing can be done any more.
fn lost() -> AccessError {
    let path = Path::new("a blob that was being received");
    unusable(
        path,
        "a write failed before, so all of it must be sent again",
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    #[tokio::test]
    async fn after_a_write_that_failed_nothing_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let store = LayoutStore::create_or_open(directory.path()).await.unwrap();
        let blob = store.receive_blob(Algorithm::Sha256).await.unwrap();
        let (start, rest) = (Bytes::from_static(b"start "), Bytes::from_static(b"rest"));
        blob.append(0, vec![start.clone()]).await.unwrap();
        // The disk is full, and then there is room again.
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let replace = |file| {
            let mut held = lock(&blob.received);
            std::mem::replace(held.as_mut().unwrap().file.as_file_mut(), file)
        };
        let file = replace(full);
        blob.append(6, vec![rest.clone()]).await.unwrap_err();
        assert!(lock(&blob.received).is_none(), "nothing is kept of it");
        drop(file);
        blob.size().await.unwrap_err();
        blob.append(6, vec![rest]).await.unwrap_err();
        let digest = Digest::sha256(b"start rest");
        blob.keep(digest).await.unwrap_err();
    }
}
