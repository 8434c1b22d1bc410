//! The way of content from a stream into a blob's file, in constant memory.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use eigenpack_oci::{ByteStream, Content, Descriptor, PushError, Pushed, Verifier, verify};
use futures_util::stream::Fuse;
use futures_util::{StreamExt as _, try_join};
use tempfile::NamedTempFile;

use crate::blob_store::BlobStore;
use crate::blocking::{blocking, cannot};
use crate::early_sync::EarlySync;

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
    let mut stream = content.open(0).await.map_err(PushError::Content)?.fuse();
    let opening = store.clone();
    let file = blocking(move || opening.temporary()).await?;
    let mut incoming = Incoming { file, verifier };
    let mut sync = EarlySync::default();
    let mut batch = next_batch(&mut stream).await?;
    while !batch.is_empty() {
        // Hashing and writing take about as long as the network does: neither waits for the other.
        let writing = blocking(move || incoming.write(&batch));
        (incoming, batch) = try_join!(writing, next_batch(&mut stream))?;
        sync.written(&incoming.file, incoming.verifier.seen())?;
    }
    sync.finish().await?;
    blocking(move || {
        incoming.verifier.finish()?;
        store.keep(&descriptor, incoming.file)?;
        Ok(Pushed::Uploaded)
    })
    .await
}

/// Collects what comes next; nothing where the content has ended.
async fn next_batch(stream: &mut Fuse<ByteStream>) -> Result<Vec<Bytes>, PushError> {
    let (mut batch, mut size) = (Vec::new(), 0);
    while size < BATCH
        && let Some(bytes) = stream.next().await
    {
        let bytes = bytes.map_err(PushError::Content)?;
        size += bytes.len();
        batch.push(bytes);
    }
    Ok(batch)
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
