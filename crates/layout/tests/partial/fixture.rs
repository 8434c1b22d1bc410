//! A layout, and a blob that comes to it in more than one way.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use eigenpack_layout::LayoutStore;
use eigenpack_oci::{
    Algorithm, ByteStream, Content, Descriptor, Digest, FetchError, MediaType, PushError, Pushed,
    Reopen, Target as _, VerifyError, fetch_blob,
};
use futures_util::{StreamExt as _, stream};
use tempfile::TempDir;
use tokio::sync::Notify;

pub(crate) const MIB: usize = 1 << 20;

/// A size and a part of it that are no multiples of anything that is read or written at once.
pub(crate) const SIZE: usize = 3 * MIB + 77;
pub(crate) const PART: usize = 2 * MIB - 11;

/// Content arrives in pieces of this size.
pub(crate) const PIECE: usize = 10_007;

/// So many bytes, of whole pieces, are written at once.
pub(crate) const BATCH: usize = 27 * PIECE;

/// A blob as it is somewhere else.
#[derive(Clone)]
pub(crate) struct Blob {
    pub(crate) bytes: Bytes,
    pub(crate) comes: Comes,
    /// The offsets that it was opened at.
    pub(crate) opened: Arc<Mutex<Vec<usize>>>,
    pub(crate) source_failed: Arc<AtomicBool>,
}

/// How content comes.
#[derive(Clone)]
pub(crate) enum Comes {
    Whole,
    NotAtAll,
    /// The way breaks off before this byte.
    Until(usize),
    /// Before this byte, somebody has to say that it goes on.
    WaitsAt(usize, Arc<Notify>),
    /// The source sees before this byte that no more will come.
    EndsAt(usize),
    /// It can be had from the start alone; whoever asks for another byte is told so.
    FromTheStart(fn() -> FetchError),
}

impl Blob {
    pub(crate) fn that(bytes: &[u8], comes: Comes) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(bytes),
            comes,
            opened: Arc::default(),
            source_failed: Arc::default(),
        }
    }

    pub(crate) fn content(&self) -> Content {
        Content::Reopen(Arc::new(self.clone()))
    }

    pub(crate) fn opened(&self) -> Vec<usize> {
        self.opened.lock().unwrap().clone()
    }

    fn pieces(&self, from: usize, to: usize) -> ByteStream {
        let bytes = self.bytes.slice(from.min(to)..to);
        let pieces = (0..bytes.len())
            .step_by(PIECE)
            .map(move |at| Ok(bytes.slice(at..bytes.len().min(at + PIECE))));
        Box::pin(stream::iter(pieces))
    }

    pub(crate) fn stream(&self, offset: usize) -> io::Result<ByteStream> {
        self.opened.lock().unwrap().push(offset);
        let size = self.bytes.len();
        match &self.comes {
            Comes::Whole => Ok(self.pieces(offset, size)),
            Comes::NotAtAll => Err(broken()),
            Comes::Until(end) => {
                let end_of_it = stream::iter([Err(broken())]);
                Ok(Box::pin(self.pieces(offset, *end).chain(end_of_it)))
            }
            Comes::EndsAt(end) => {
                let error = FetchError::Verify(VerifyError::TooShort {
                    digest: Digest::sha256(&self.bytes),
                    expected: size as u64,
                    found: *end as u64,
                });
                let end_of_it = stream::iter([Err(io::Error::other(error))]);
                Ok(Box::pin(self.pieces(offset, *end).chain(end_of_it)))
            }
            Comes::WaitsAt(at, go_on) => {
                let (go_on, rest) = (go_on.clone(), self.pieces(*at, size));
                let rest = stream::once(async move {
                    go_on.notified().await;
                    rest
                });
                Ok(Box::pin(self.pieces(offset, *at).chain(rest.flatten())))
            }
            Comes::FromTheStart(refusal) if offset > 0 => Err(io::Error::other(refusal())),
            Comes::FromTheStart(_) => Ok(self.pieces(0, size)),
        }
    }
}

impl Reopen for Blob {
    fn open(
        &self,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + 'static>> {
        let stream = self.stream(usize::try_from(offset).unwrap());
        Box::pin(async { stream })
    }

    fn source_failed(&self) -> bool {
        self.source_failed.load(Ordering::Relaxed)
    }
}

pub(crate) fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

pub(crate) fn bytes() -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..SIZE).map(|n| (n * n / 1000).to_le_bytes()[0]).collect());
    &BYTES
}

/// A layout with nothing in it.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) layout: LayoutStore,
    pub(crate) blob: Descriptor,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::of(&Algorithm::Sha256).await
    }

    pub(crate) async fn of(algorithm: &Algorithm) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let layout = LayoutStore::create_or_open(directory.path()).await.unwrap();
        let mut hasher = algorithm.hasher().unwrap();
        hasher.update(bytes());
        let size = u64::try_from(SIZE).unwrap();
        let blob = Descriptor::new(MediaType::OCTET_STREAM, hasher.finish(), size);
        Self {
            directory,
            layout,
            blob,
        }
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.directory.path().join(".eigenpack")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        partial_in(&self.scratch(), &self.blob.digest)
    }

    /// Leaves a partial file as if a process had died.
    pub(crate) fn leave(&self, held: &[u8]) {
        fs::write(self.partial(), held).unwrap();
    }

    pub(crate) fn left(&self) -> Vec<String> {
        files_in(&self.scratch())
    }

    pub(crate) async fn push(&self, from: &Blob) -> Result<Pushed, PushError> {
        let pushed = self.layout.push_blob(self.blob.clone(), from.content());
        pushed.await
    }

    /// Pushes a blob, and expects that it was opened at these offsets and that nothing but itself is left.
    pub(crate) async fn assert_pushed(&self, from: &Blob, opened: &[usize]) {
        assert_eq!(self.push(from).await.unwrap(), Pushed::Uploaded);
        assert_eq!(from.opened(), opened);
        self.assert_there().await;
    }

    pub(crate) async fn assert_there(&self) {
        let limit = self.blob.size;
        let found = fetch_blob(&self.layout, self.blob.clone(), limit).await;
        assert!(found.unwrap() == bytes());
        assert_eq!(self.left(), [""; 0]);
    }
}

pub(crate) fn blob_file(place: &Place) -> PathBuf {
    let digest = &place.blob.digest;
    let blobs = place.directory.path().join("blobs");
    blobs
        .join(digest.algorithm().as_str())
        .join(digest.encoded())
}

pub(crate) fn partial_in(scratch: &Path, digest: &Digest) -> PathBuf {
    let (algorithm, encoded) = (digest.algorithm().as_str(), digest.encoded());
    scratch.join(format!("partial-{algorithm}-{encoded}"))
}

/// Lists what is in a directory of temporary files, but for the lock.
pub(crate) fn files_in(scratch: &Path) -> Vec<String> {
    let names = fs::read_dir(scratch).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "lock").collect()
}

/// Waits until a file has so many bytes at least.
pub(crate) async fn until_written(path: &Path, size: usize) {
    until(|| {
        let found = fs::metadata(path).map_or(0, |found| found.len());
        found >= u64::try_from(size).unwrap()
    })
    .await;
}

pub(crate) async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
        tokio::task::yield_now().await;
    }
    panic!("it never is so");
}

pub(crate) fn make_old(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    let long_ago = SystemTime::now() - Duration::from_hours(25);
    file.set_modified(long_ago).unwrap();
}
