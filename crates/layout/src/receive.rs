//! The way of content from a stream into a blob's file, in constant memory.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use eigenpack_oci::{Content, Descriptor, PushError, Pushed, Verifier, verify};
use futures_util::StreamExt as _;
use tempfile::NamedTempFile;

use crate::blob_store::BlobStore;
use crate::blocking::{blocking, cannot};

/// How much is collected before it is written, in bytes: each write is a change of threads.
const BATCH: usize = 256 * 1024;

/// Stores a blob, unless it is there already.
pub(crate) async fn receive(
    store: Arc<BlobStore>,
    descriptor: Descriptor,
    content: Content,
) -> Result<Pushed, PushError> {
    match content {
        Content::Bytes(bytes) => {
            verify(&descriptor, &bytes)?;
            blocking(move || store_bytes(&store, &descriptor, &bytes)).await
        }
        content @ Content::Reopen(_) => {
            // What can never be verified is refused before anything is asked or opened.
            let verifier = Verifier::new(&descriptor)?;
            let (there, wanted) = (store.clone(), descriptor.clone());
            if let Some(pushed) = blocking(move || there.reuse(&wanted)).await? {
                return Ok(pushed);
            }
            receive_stream(store, descriptor, verifier, content).await
        }
    }
}

/// Stores bytes that were verified, unless they are there already.
pub(crate) fn store_bytes(
    store: &BlobStore,
    descriptor: &Descriptor,
    bytes: &[u8],
) -> Result<Pushed, PushError> {
    if let Some(pushed) = store.reuse(descriptor)? {
        return Ok(pushed);
    }
    let mut file = store.temporary()?;
    let written = file.write_all(bytes);
    written.map_err(cannot("write", file.path()))?;
    store.keep(descriptor, file)?;
    Ok(Pushed::Uploaded)
}

/// Takes the content in batch by batch; nothing is kept before all of it was verified.
async fn receive_stream(
    store: Arc<BlobStore>,
    descriptor: Descriptor,
    verifier: Verifier,
    content: Content,
) -> Result<Pushed, PushError> {
    let mut stream = content.open(0).await.map_err(PushError::Content)?;
    let opening = store.clone();
    let file = blocking(move || opening.temporary()).await?;
    let mut incoming = Incoming { file, verifier };
    loop {
        let (mut batch, mut size) = (Vec::new(), 0);
        while size < BATCH {
            let Some(bytes) = stream.next().await else {
                break;
            };
            let bytes = bytes.map_err(PushError::Content)?;
            size += bytes.len();
            batch.push(bytes);
        }
        let is_last = size < BATCH;
        incoming = blocking(move || incoming.write(&batch)).await?;
        if is_last {
            break;
        }
    }
    blocking(move || {
        incoming.verifier.finish()?;
        store.keep(&descriptor, incoming.file)?;
        Ok(Pushed::Uploaded)
    })
    .await
}

/// A blob that is being written.
struct Incoming {
    file: NamedTempFile,
    verifier: Verifier,
}

impl Incoming {
    fn write(mut self, batch: &[Bytes]) -> Result<Self, PushError> {
        for bytes in batch {
            self.verifier.update(bytes)?;
            let written = self.file.write_all(bytes);
            written.map_err(cannot("write", self.file.path()))?;
        }
        Ok(self)
    }
}
