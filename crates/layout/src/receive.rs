//! The way of content from a stream into a blob's file, in constant memory.

use std::io::{self, Read as _};
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use eigenpack_oci::{
    AccessError, ByteStream, Content, Descriptor, FetchError, PushError, Pushed, Verifier, verify,
};
use futures_util::{StreamExt as _, try_join};
use tokio::sync::mpsc;

use crate::blob_store::BlobStore;
use crate::blocking::{Abandoned, blocking, cannot};
use crate::early_sync::EarlySync;
use crate::files::each_chunk;
use crate::partial::Arriving;
use crate::steps::write;

/// How much is collected before it is handed on to be written, in bytes: that may be a change of threads.
const BATCH: usize = 128 * 1024;

/// How many such batches wait while one is written, so that neither side stops for a short delay of the other.
const WAITING: usize = 1;

/// How much of a partial file is hashed before anybody can interrupt it, in bytes.
const STEP: u64 = 8 * 1024 * 1024;

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
            Verifier::new(&descriptor)?;
            let reused = store.clone().reuse_while_wanted(descriptor.clone());
            if let Some(pushed) = reused.await? {
                return Ok(pushed);
            }
            receive_stream(store, descriptor, content).await?;
            Ok(Pushed::Uploaded)
        }
    }
}

/// Stores bytes that were verified, unless they are there already.
pub(crate) fn store_bytes(
    store: &BlobStore,
    descriptor: &Descriptor,
    bytes: &[u8],
) -> Result<Pushed, PushError> {
    if let Some(pushed) = store.reuse(descriptor, &Abandoned::default())? {
        return Ok(pushed);
    }
    let mut file = store.temporary()?;
    write(&mut file, bytes)?;
    store.keep(descriptor, file)?;
    Ok(Pushed::Uploaded)
}

/// Takes the content in, from where an earlier operation got to if there was one.
async fn receive_stream(
    store: Arc<BlobStore>,
    descriptor: Descriptor,
    content: Content,
) -> Result<(), PushError> {
    let incoming = Incoming::resume(&store, &descriptor, &content).await?;
    let start = incoming.verifier.seen();
    if start > 0 {
        tracing::debug!("{} goes on from byte {start}", descriptor.digest);
    }
    match fill(&store, &descriptor, &content, incoming).await {
        // What was there may have been damaged. A fault of the content itself will show again.
        Err(error) if start > 0 && is_wrong(&error) => {
            tracing::debug!("{} starts anew: {error}", descriptor.digest);
            let incoming = Incoming::start(&store, &descriptor, &content).await?;
            fill(&store, &descriptor, &content, incoming).await
        }
        result => result,
    }
}

/// Tells whether an error is one of the content, as far as it came, and not of the way that it came on.
fn is_wrong(error: &PushError) -> bool {
    let of_source = |error: &FetchError| match error {
        FetchError::Verify(_) | FetchError::Malformed(_) => true,
        // It does not know the range that was asked for.
        FetchError::Access(AccessError::Registry(answer)) => answer.status == 416,
        _ => false,
    };
    match error {
        PushError::Verify(_) => true,
        PushError::Content(error) => error
            .get_ref()
            .and_then(|error| error.downcast_ref())
            .is_some_and(of_source),
        _ => false,
    }
}

/// Takes in what is left of the content, batch by batch; nothing gets its place before all of it was verified.
async fn fill(
    store: &Arc<BlobStore>,
    descriptor: &Descriptor,
    content: &Content,
    mut incoming: Incoming,
) -> Result<(), PushError> {
    let opened = content.open(incoming.verifier.seen()).await;
    let end = match opened {
        Ok(stream) => {
            // Hashing and writing take about as long as the network does: neither waits for the other.
            let (sender, receiver) = mpsc::channel(WAITING);
            let arriving = async { Ok(send_all(stream, sender).await) };
            let writing = incoming.write_all(receiver);
            let (written, end) = try_join!(writing, arriving)?;
            incoming = written;
            end
        }
        Err(error) => Err(error),
    };
    incoming.sync.finish().await?;
    if let Err(error) = end {
        let error = PushError::Content(error);
        if !is_wrong(&error) {
            incoming.arriving.leave();
        }
        return Err(error);
    }
    let (store, descriptor) = (store.clone(), descriptor.clone());
    blocking(move || {
        incoming.verifier.finish()?;
        Ok(store.keep(&descriptor, incoming.arriving.into_file())?)
    })
    .await
}

/// Hands on what comes of a content, until it ends or nobody takes it any more.
async fn send_all(mut stream: ByteStream, batches: mpsc::Sender<Vec<Bytes>>) -> io::Result<()> {
    let (mut batch, mut size) = (Vec::new(), 0);
    let end = loop {
        match stream.next().await {
            Some(Ok(bytes)) => {
                size += bytes.len();
                batch.push(bytes);
            }
            Some(Err(error)) => break Err(error),
            None => break Ok(()),
        }
        if size >= BATCH {
            size = 0;
            if batches.send(mem::take(&mut batch)).await.is_err() {
                break Ok(());
            }
        }
    };
    // An empty one does no harm.
    let _ = batches.send(batch).await;
    end
}

/// A blob that is being written.
struct Incoming {
    arriving: Arriving,
    verifier: Verifier,
    sync: EarlySync,
}

impl Incoming {
    /// Opens the file of a blob, and reads what it holds already.
    async fn resume(
        store: &Arc<BlobStore>,
        descriptor: &Descriptor,
        content: &Content,
    ) -> Result<Self, PushError> {
        let (mut incoming, mut left) = Self::open(store, descriptor, content).await?;
        while left > 0 {
            let read = blocking(move || incoming.read(left)).await;
            (incoming, left) = match read {
                Ok(read) => read,
                // It is longer than the blob, or cannot be read.
                Err(error) => {
                    tracing::debug!(%error, "cannot go on with a partial file");
                    return Self::start(store, descriptor, content).await;
                }
            };
        }
        Ok(incoming)
    }

    /// Opens the file of a blob, and empties it.
    async fn start(
        store: &Arc<BlobStore>,
        descriptor: &Descriptor,
        content: &Content,
    ) -> Result<Self, PushError> {
        let (incoming, _) = Self::open(store, descriptor, content).await?;
        incoming.cleared().await
    }

    /// Opens the file of a blob, and tells its size.
    async fn open(
        store: &Arc<BlobStore>,
        descriptor: &Descriptor,
        content: &Content,
    ) -> Result<(Self, u64), PushError> {
        let verifier = Verifier::new(descriptor)?;
        let (store, descriptor, content) = (store.clone(), descriptor.clone(), content.clone());
        blocking(move || {
            let arriving = store.arriving(&descriptor, &content)?;
            let file = arriving.file();
            let found = file.as_file().metadata();
            let size = found.map_err(cannot("open", file.path()))?.len();
            let incoming = Self {
                arriving,
                verifier,
                sync: EarlySync::default(),
            };
            Ok((incoming, size))
        })
        .await
    }

    async fn cleared(self) -> Result<Self, PushError> {
        blocking(move || {
            let file = self.arriving.file();
            let cleared = file.as_file().set_len(0);
            cleared.map_err(cannot("write", file.path()))?;
            Ok(self)
        })
        .await
    }

    /// Reads a part of the `left` bytes that the file holds, and returns how many are left then.
    fn read(mut self, left: u64) -> Result<(Self, u64), PushError> {
        let file = self.arriving.file();
        let part = left.min(STEP);
        let mut reading = file.as_file().take(part);
        each_chunk(&mut reading, file.path(), |bytes| {
            self.verifier.update(bytes).map_err(PushError::Verify)
        })?;
        let has_ended = reading.limit() > 0;
        let left = if has_ended { 0 } else { left - part };
        Ok((self, left))
    }

    /// Takes in all that comes. A thread is held only while something is there to be written.
    async fn write_all(
        mut self,
        mut batches: mpsc::Receiver<Vec<Bytes>>,
    ) -> Result<Self, PushError> {
        while let Some(first) = batches.recv().await {
            (self, batches) = blocking(move || {
                self.write(&first)?;
                while let Ok(next) = batches.try_recv() {
                    self.write(&next)?;
                }
                Ok::<_, PushError>((self, batches))
            })
            .await?;
        }
        Ok(self)
    }

    fn write(&mut self, batch: &[Bytes]) -> Result<(), PushError> {
        let file = self.arriving.file_mut();
        for bytes in batch {
            self.verifier.update(bytes)?;
            write(file, bytes)?;
        }
        self.sync.written(file, self.verifier.seen())?;
        Ok(())
    }
}
