//! Large blobs that did not arrive whole: what is left of them, and who goes on with it.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use eigenpack_layout::{GcOptions, LayoutStore, LocalStore};
use eigenpack_oci::{
    AccessError, Action, Algorithm, AnsweredBy, Asked, BlobStream, ByteStream, Content, CopyError,
    CopyOptions, Descriptor, Digest, FetchError, MediaType, Observer, Precondition, PushError,
    Pushed, RawManifest, RegistryAnswer, Reopen, Silent, Source, Tag, TagOrDigest, Target as _,
    VerifyError, copy, fetch_blob,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tempfile::TempDir;
use tokio::sync::Notify;

const MIB: usize = 1 << 20;

/// A size and a part of it that are no multiples of anything that is read or written at once.
const SIZE: usize = 3 * MIB + 77;
const PART: usize = 2 * MIB - 11;

/// Content arrives in pieces of this size.
const PIECE: usize = 10_007;

/// So many bytes, of whole pieces, are written at once.
const BATCH: usize = 27 * PIECE;

/// A blob as it is somewhere else.
#[derive(Clone)]
struct Blob {
    bytes: Bytes,
    comes: Comes,
    /// The offsets that it was opened at.
    opened: Arc<Mutex<Vec<usize>>>,
    source_failed: Arc<AtomicBool>,
}

/// How content comes.
#[derive(Clone)]
enum Comes {
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
    fn that(bytes: &[u8], comes: Comes) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(bytes),
            comes,
            opened: Arc::default(),
            source_failed: Arc::default(),
        }
    }

    fn content(&self) -> Content {
        Content::Reopen(Arc::new(self.clone()))
    }

    fn opened(&self) -> Vec<usize> {
        self.opened.lock().unwrap().clone()
    }

    fn pieces(&self, from: usize, to: usize) -> ByteStream {
        let bytes = self.bytes.slice(from.min(to)..to);
        let pieces = (0..bytes.len())
            .step_by(PIECE)
            .map(move |at| Ok(bytes.slice(at..bytes.len().min(at + PIECE))));
        Box::pin(stream::iter(pieces))
    }

    fn stream(&self, offset: usize) -> io::Result<ByteStream> {
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

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

fn bytes() -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..SIZE).map(|n| (n * n / 1000).to_le_bytes()[0]).collect());
    &BYTES
}

/// A layout with nothing in it.
struct Place {
    directory: TempDir,
    layout: LayoutStore,
    blob: Descriptor,
}

impl Place {
    async fn new() -> Self {
        Self::of(&Algorithm::Sha256).await
    }

    async fn of(algorithm: &Algorithm) -> Self {
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

    fn scratch(&self) -> PathBuf {
        self.directory.path().join(".eigenpack")
    }

    fn partial(&self) -> PathBuf {
        partial_in(&self.scratch(), &self.blob.digest)
    }

    /// Leaves a partial file as if a process had died.
    fn leave(&self, held: &[u8]) {
        fs::write(self.partial(), held).unwrap();
    }

    fn left(&self) -> Vec<String> {
        files_in(&self.scratch())
    }

    async fn push(&self, from: &Blob) -> Result<Pushed, PushError> {
        let pushed = self.layout.push_blob(self.blob.clone(), from.content());
        pushed.await
    }

    /// Pushes a blob, and expects that it was opened at these offsets and that nothing but itself is left.
    async fn assert_pushed(&self, from: &Blob, opened: &[usize]) {
        assert_eq!(self.push(from).await.unwrap(), Pushed::Uploaded);
        assert_eq!(from.opened(), opened);
        self.assert_there().await;
    }

    async fn assert_there(&self) {
        let limit = self.blob.size;
        let found = fetch_blob(&self.layout, self.blob.clone(), limit).await;
        assert!(found.unwrap() == bytes());
        assert_eq!(self.left(), [""; 0]);
    }
}

fn partial_in(scratch: &Path, digest: &Digest) -> PathBuf {
    let (algorithm, encoded) = (digest.algorithm().as_str(), digest.encoded());
    scratch.join(format!("partial-{algorithm}-{encoded}"))
}

/// Lists what is in a directory of temporary files, but for the lock.
fn files_in(scratch: &Path) -> Vec<String> {
    let names = fs::read_dir(scratch).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "lock").collect()
}

/// Waits until a file has so many bytes at least.
async fn until_written(path: &Path, size: usize) {
    until(|| {
        let found = fs::metadata(path).map_or(0, |found| found.len());
        found >= u64::try_from(size).unwrap()
    })
    .await;
}

async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
        tokio::task::yield_now().await;
    }
    panic!("it never is so");
}

fn make_old(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    let long_ago = SystemTime::now() - Duration::from_hours(25);
    file.set_modified(long_ago).unwrap();
}

#[tokio::test]
async fn what_broke_off_is_kept_to_the_last_byte_and_gone_on_with() {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let place = Place::of(&algorithm).await;
        let breaks = Blob::that(bytes(), Comes::Until(PART));
        let broken = place.push(&breaks).await;
        assert!(matches!(broken, Err(PushError::Content(_))), "{broken:?}");
        assert!(fs::read(place.partial()).unwrap() == bytes()[..PART]);

        // Who cannot even be asked takes nothing away.
        let silent = Blob::that(bytes(), Comes::NotAtAll);
        assert!(place.push(&silent).await.is_err());
        assert_eq!(silent.opened(), [PART]);
        assert!(fs::read(place.partial()).unwrap() == bytes()[..PART]);

        let further = Blob::that(bytes(), Comes::Until(PART + MIB));
        assert!(place.push(&further).await.is_err());
        let whole = Blob::that(bytes(), Comes::Whole);
        place.assert_pushed(&whole, &[PART + MIB]).await;
    }
}

#[tokio::test]
async fn a_repository_of_the_local_store_keeps_it_beside_the_pool() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let blob = Descriptor::of(MediaType::OCTET_STREAM, bytes());
    let [one, two] = ["one", "two"].map(|name| store.repository(&name.parse().unwrap()));
    let breaks = Blob::that(bytes(), Comes::Until(PART));
    let broken = one.push_blob(blob.clone(), breaks.content()).await;
    assert!(broken.is_err());
    let partial = partial_in(&directory.path().join("tmp"), &blob.digest);
    assert!(fs::read(&partial).unwrap() == bytes()[..PART]);

    // Whichever repository it is for.
    let whole = Blob::that(bytes(), Comes::Whole);
    let pushed = two.push_blob(blob.clone(), whole.content()).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert_eq!(whole.opened(), [PART]);
    let found = fetch_blob(&two, blob.clone(), blob.size).await;
    assert!(found.unwrap() == bytes());
    assert!(!partial.exists());
}

#[tokio::test]
async fn a_damaged_partial_does_not_stand_in_the_way() {
    let place = Place::new().await;
    let mut damaged = bytes().to_vec();
    damaged[PART / 2] ^= 1;
    let longer = [bytes(), &[0]].concat();
    for (held, opened) in [
        (&damaged[..PART], [PART, 0].as_slice()),
        (&damaged[..SIZE], &[SIZE, 0]),
        (&longer[..], &[0]),
        (&[], &[0]),
        // All of it had come, and only its place was wanting.
        (bytes(), &[SIZE]),
    ] {
        place.leave(held);
        let whole = Blob::that(bytes(), Comes::Whole);
        place.assert_pushed(&whole, opened).await;
        fs::remove_file(blob_file(&place)).unwrap();
    }
}

fn blob_file(place: &Place) -> PathBuf {
    let digest = &place.blob.digest;
    let blobs = place.directory.path().join("blobs");
    blobs
        .join(digest.algorithm().as_str())
        .join(digest.encoded())
}

#[tokio::test]
async fn content_that_is_wrong_is_kept_nowhere() {
    let place = Place::new().await;
    let mut wrong = bytes().to_vec();
    wrong[PART + 1] ^= 1;
    let longer = [bytes(), &[0]].concat();
    for (content, comes) in [
        (&wrong[..], Comes::Whole),
        (&bytes()[..PART], Comes::Whole),
        (&longer, Comes::Whole),
        (bytes(), Comes::EndsAt(PART + 1)),
    ] {
        for (held, opened) in [(0, [0].as_slice()), (PART, &[PART, 0])] {
            if held > 0 {
                place.leave(&bytes()[..held]);
            }
            let from = Blob::that(content, comes.clone());
            let refused = place.push(&from).await;
            assert!(
                matches!(refused, Err(PushError::Verify(_) | PushError::Content(_))),
                "{refused:?}"
            );
            assert_eq!(from.opened(), opened);
            assert_eq!(place.left(), [""; 0]);
        }
    }
}

#[tokio::test]
async fn who_does_not_know_ranges_is_asked_for_all_of_it() {
    let refusals: [fn() -> FetchError; 2] = [
        || FetchError::Malformed("other bytes".to_owned()),
        || FetchError::Access(AccessError::Registry(Box::new(answer(416)))),
    ];
    for refusal in refusals {
        let place = Place::new().await;
        place.leave(&bytes()[..PART]);
        let whole = Blob::that(bytes(), Comes::FromTheStart(refusal));
        place.assert_pushed(&whole, &[PART, 0]).await;
    }
    // A registry that is only out of order will know more later.
    let place = Place::new().await;
    place.leave(&bytes()[..PART]);
    let out_of_order = || FetchError::Access(AccessError::Registry(Box::new(answer(503))));
    let refused = Blob::that(bytes(), Comes::FromTheStart(out_of_order));
    assert!(place.push(&refused).await.is_err());
    assert_eq!(refused.opened(), [PART]);
    assert!(fs::read(place.partial()).unwrap() == bytes()[..PART]);
}

fn answer(status: u16) -> RegistryAnswer {
    RegistryAnswer {
        host: "registry.example".to_owned(),
        request: "GET /v2/org/my-avs/blobs/…".to_owned(),
        status,
        code: None,
        message: None,
        asked: Asked {
            registry: "registry.example".to_owned(),
            repository: None,
            action: Action::Pull,
            credentials: None,
            missing_scope: None,
            answered_by: AnsweredBy::Registry,
        },
    }
}

#[tokio::test]
async fn two_at_once_never_write_to_one_file() {
    let place = Place::new().await;
    place.leave(&bytes()[..MIB]);
    let go_on = Arc::new(Notify::new());
    let first = Blob::that(bytes(), Comes::WaitsAt(PART, go_on.clone()));
    let second = Blob::that(bytes(), Comes::Whole);
    let pushing = {
        let (layout, blob, content) = (place.layout.clone(), place.blob.clone(), first.content());
        tokio::spawn(async move { layout.push_blob(blob, content).await })
    };
    until_written(&place.partial(), MIB + 1).await;
    assert_eq!(place.push(&second).await.unwrap(), Pushed::Uploaded);
    assert_eq!(second.opened(), [0]);
    go_on.notify_one();
    assert_eq!(pushing.await.unwrap().unwrap(), Pushed::Uploaded);
    assert_eq!(first.opened(), [MIB]);
    place.assert_there().await;
}

#[tokio::test]
async fn what_is_given_up_is_deleted_and_what_fails_elsewhere_is_not() {
    for (held, fails) in [(0, false), (MIB, false), (0, true), (MIB, true)] {
        let place = Place::new().await;
        if held > 0 {
            place.leave(&bytes()[..held]);
        }
        let from = Blob::that(bytes(), Comes::WaitsAt(PART, Arc::default()));
        let pushing = {
            let (layout, blob, content) =
                (place.layout.clone(), place.blob.clone(), from.content());
            tokio::spawn(async move { layout.push_blob(blob, content).await })
        };
        until_written(&place.partial(), held + 1).await;
        from.source_failed.store(fails, Ordering::Relaxed);
        pushing.abort();
        assert!(pushing.await.unwrap_err().is_cancelled());
        // A step that had begun is finished first.
        if fails {
            until(|| File::open(place.partial()).unwrap().try_lock().is_ok()).await;
            let left = fs::read(place.partial()).unwrap();
            assert!(left.len() > held && left == bytes()[..left.len()]);
            let whole = Blob::that(bytes(), Comes::Whole);
            assert_eq!(place.push(&whole).await.unwrap(), Pushed::Uploaded);
            assert_eq!(whole.opened(), [left.len()]);
            place.assert_there().await;
        } else {
            until(|| place.left().is_empty()).await;
        }
    }
}

#[tokio::test]
async fn of_a_small_blob_nothing_is_kept() {
    let place = Place::new().await;
    let small = &bytes()[..MIB - 1];
    let blob = Descriptor::of(MediaType::OCTET_STREAM, small);
    let breaks = Blob::that(small, Comes::Until(MIB / 2));
    let broken = place.layout.push_blob(blob, breaks.content()).await;
    assert!(broken.is_err());
    assert_eq!(place.left(), [""; 0]);
    // Nor of what never began.
    assert!(
        place
            .push(&Blob::that(bytes(), Comes::Until(0)))
            .await
            .is_err()
    );
    assert!(
        place
            .push(&Blob::that(bytes(), Comes::NotAtAll))
            .await
            .is_err()
    );
    assert_eq!(place.left(), [""; 0]);
}

#[tokio::test]
async fn only_what_nobody_works_on_is_swept() {
    let place = Place::new().await;
    let another = partial_in(&place.scratch(), &Digest::sha256(b"another"));
    let young = partial_in(&place.scratch(), &Digest::sha256(b"young"));
    fs::write(&another, "old").unwrap();
    make_old(&another);
    fs::write(&young, "young").unwrap();
    let go_on = Arc::new(Notify::new());
    let waits = Blob::that(bytes(), Comes::WaitsAt(PART, go_on.clone()));
    let pushing = {
        let (layout, blob, content) = (place.layout.clone(), place.blob.clone(), waits.content());
        tokio::spawn(async move { layout.push_blob(blob, content).await })
    };
    // All that is written before it stands still, so its age is what it is given then.
    until_written(&place.partial(), PART / BATCH * BATCH).await;
    make_old(&place.partial());

    // Whoever opens the layout for writing sweeps it.
    LayoutStore::create_or_open(place.layout.path())
        .await
        .unwrap();
    assert_eq!(
        (another.exists(), young.exists(), place.partial().exists()),
        (false, true, true)
    );
    go_on.notify_one();
    assert_eq!(pushing.await.unwrap().unwrap(), Pushed::Uploaded);
    fs::remove_file(young).unwrap();
    place.assert_there().await;
}

#[tokio::test]
async fn garbage_is_a_partial_file_that_is_old_and_not_worked_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let tmp = directory.path().join("tmp");
    let [old, young] = ["old", "young"].map(|name| {
        let path = partial_in(&tmp, &Digest::sha256(name.as_bytes()));
        fs::write(&path, name).unwrap();
        path
    });
    make_old(&old);
    let locked = partial_in(&tmp, &Digest::sha256(b"locked"));
    let held = File::create(&locked).unwrap();
    held.lock().unwrap();
    make_old(&locked);
    for dry_run in [true, false] {
        let options = GcOptions {
            dry_run,
            ..GcOptions::default()
        };
        let collected = store.collect_garbage(options).await.unwrap();
        assert_eq!(
            (collected.temporary_files, collected.temporary_bytes),
            (1, 3)
        );
        let there = (old.exists(), young.exists(), locked.exists());
        assert_eq!(there, (dry_run, true, true));
    }
    drop(held);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_to_but_a_file_of_that_name_alone() {
    // Linked to a blob: a process died while it gave the file its place. The blob is left as it is, even if it is wrong.
    let place = Place::new().await;
    let wrong = vec![0; PART];
    fs::create_dir_all(blob_file(&place).parent().unwrap()).unwrap();
    fs::write(blob_file(&place), &wrong).unwrap();
    fs::hard_link(blob_file(&place), place.partial()).unwrap();
    let reader = fs::canonicalize(blob_file(&place)).unwrap();
    let reader = File::open(reader).unwrap();
    let whole = Blob::that(bytes(), Comes::Whole);
    place.assert_pushed(&whole, &[0]).await;
    assert_eq!(reader.metadata().unwrap().len(), wrong.len() as u64);

    // Somebody else's file, a directory, and nothing at all.
    let elsewhere = tempfile::tempdir().unwrap();
    let theirs = elsewhere.path().join("theirs");
    fs::write(&theirs, &bytes()[..PART]).unwrap();
    let nothing = elsewhere.path().join("nothing");
    for target in [&theirs, &nothing, &elsewhere.path().to_owned()] {
        let place = Place::new().await;
        std::os::unix::fs::symlink(target, place.partial()).unwrap();
        let whole = Blob::that(bytes(), Comes::Whole);
        assert_eq!(place.push(&whole).await.unwrap(), Pushed::Uploaded);
        assert_eq!(whole.opened(), [0]);
    }
    assert!(fs::read(&theirs).unwrap() == bytes()[..PART]);
    assert!(!nothing.exists());
}

/// An image of two large layers, of which one cannot be had and the other takes its time.
#[derive(Clone)]
struct Image {
    manifest: RawManifest,
    layers: Vec<(Descriptor, Blob)>,
    /// What has to be there before the first one fails.
    waits_for: PathBuf,
}

impl Source for Image {
    async fn manifest(&self, _: TagOrDigest) -> Result<RawManifest, FetchError> {
        Ok(self.manifest.clone())
    }

    async fn unverified_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<BlobStream, FetchError> {
        let is_it = |layer: &&(Descriptor, Blob)| layer.0.digest == descriptor.digest;
        let (_, blob) = self.layers.iter().find(is_it).unwrap();
        if let Comes::NotAtAll = blob.comes {
            until_written(&self.waits_for, 1).await;
            return Err(FetchError::BlobNotFound(descriptor.digest));
        }
        let stream = blob.stream(usize::try_from(offset).unwrap()).unwrap();
        let failed = |error: io::Error| FetchError::Malformed(error.to_string());
        Ok(Box::pin(stream.map_err(failed)))
    }

    async fn has_blob(&self, _: Descriptor) -> Result<bool, FetchError> {
        Ok(true)
    }

    async fn tags(&self) -> Result<Vec<Tag>, FetchError> {
        Ok(Vec::new())
    }

    async fn referrers(
        &self,
        _: Digest,
        _: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn a_copy_that_fails_on_one_blob_keeps_what_it_has_of_the_others() {
    let place = Place::new().await;
    let missing = Descriptor::of(MediaType::OCTET_STREAM, &bytes()[1..]);
    let pointer = |blob: &Descriptor| serde_json::to_string(blob).unwrap();
    let json = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
        pointer(&missing),
        pointer(&place.blob)
    );
    let waits = Blob::that(bytes(), Comes::WaitsAt(PART, Arc::default()));
    let image = Image {
        manifest: RawManifest::new(MediaType::IMAGE_MANIFEST, json.into()),
        layers: vec![
            (missing.clone(), Blob::that(&[], Comes::NotAtAll)),
            (place.blob.clone(), waits),
        ],
        waits_for: place.partial(),
    };
    let options = CopyOptions {
        tags: Vec::new(),
        precondition: Precondition::Any,
        concurrency: 2,
    };
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let manifest = image.manifest.clone();
    let failed = copy(&image, &place.layout, manifest, &options, &observer).await;
    match failed.unwrap_err() {
        CopyError::Source { digest, .. } => assert_eq!(digest, missing.digest),
        other => panic!("{other:?}"),
    }
    // A step that had begun is finished first.
    let is_done = || File::open(place.partial()).map_or(true, |file| file.try_lock().is_ok());
    until(is_done).await;
    let name = place.partial().file_name().unwrap().to_owned();
    assert_eq!(place.left(), [name.into_string().unwrap()]);
    let left = fs::read(place.partial()).unwrap();
    assert!(!left.is_empty() && left == bytes()[..left.len()]);
}
