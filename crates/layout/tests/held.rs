//! What is held in memory is never older than what is on disk, whoever changed that, and however.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use eigenpack_layout::{GcOptions, LocalRepository, LocalStore, StoredBlob};
use eigenpack_oci::{
    Content, Descriptor, Digest, FetchError, MediaType, Precondition, RawManifest, Source as _,
    Tag, Target as _,
};
use tempfile::TempDir;

/// After this time a file is held in memory by whoever reads it.
const SETTLED: Duration = Duration::from_millis(2100);

/// Two users of one store, as two processes are: they share nothing but the files.
struct Place {
    directory: TempDir,
    reader: LocalRepository,
    reader_store: LocalStore,
    writer: LocalRepository,
    writer_store: LocalStore,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let name = "a/b".parse().unwrap();
        let open = async || {
            LocalStore::create_or_open(directory.path().join("store"))
                .await
                .unwrap()
        };
        let (reader_store, writer_store) = (open().await, open().await);
        Self {
            reader: reader_store.repository(&name),
            reader_store,
            writer: writer_store.repository(&name),
            writer_store,
            directory,
        }
    }

    fn layout(&self) -> PathBuf {
        self.directory.path().join("store/repositories/a/b/_layout")
    }

    fn file_of(&self, digest: &Digest) -> PathBuf {
        self.layout().join("blobs/sha256").join(digest.encoded())
    }

    /// Reads often enough for everything to be held.
    async fn read(&self) -> Result<RawManifest, FetchError> {
        self.reader.manifest(tag().into()).await?;
        self.reader.manifest(tag().into()).await
    }

    async fn read_blob(&self, digest: &Digest) -> Result<Option<StoredBlob>, FetchError> {
        self.reader.stored_blob(digest.clone()).await?;
        self.reader.stored_blob(digest.clone()).await
    }
}

fn tag() -> Tag {
    "v1".parse().unwrap()
}

async fn push_blob(to: &LocalRepository, content: &str) -> Descriptor {
    let bytes = Bytes::copy_from_slice(content.as_bytes());
    let blob = Descriptor::of(MediaType::OCTET_STREAM, &bytes);
    let pushed = to.push_blob(blob.clone(), Content::Bytes(bytes));
    pushed.await.unwrap();
    blob
}

async fn push(to: &LocalRepository, content: &str) -> RawManifest {
    let config = serde_json::to_string(&push_blob(to, content).await).unwrap();
    let json = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#);
    let manifest = RawManifest::new(MediaType::IMAGE_MANIFEST, json.into());
    to.push_manifest(manifest.clone(), vec![tag()], Precondition::Any)
        .await
        .unwrap();
    manifest
}

/// Changes one byte in place, and gives the file its old time again.
fn damage(path: &Path) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}

#[tokio::test]
async fn what_was_left_alone_is_read_from_the_disk_once() {
    let place = Place::new().await;
    let manifest = push(&place.writer, "config").await;
    let blob = push_blob(&place.writer, "blob").await.digest;
    sleep(SETTLED);
    for hits in [1, 3, 5] {
        // Two reads each, of which the very first finds nothing held.
        assert_eq!(place.read().await.unwrap(), manifest);
        assert!(place.read_blob(&blob).await.unwrap().is_some());
        let found = place.reader_store.memory_hits();
        assert_eq!(
            (found.indexes, found.manifests, found.blobs),
            (hits, hits, hits)
        );
    }
}

#[tokio::test]
async fn a_tag_that_another_process_moves_or_deletes_is_seen_at_once() {
    let place = Place::new().await;
    let mut expected = push(&place.writer, "0").await;
    sleep(SETTLED);
    for content in ["1", "2", "3"] {
        // Held, and then written soon after.
        assert_eq!(place.read().await.unwrap(), expected);
        expected = push(&place.writer, content).await;
        assert_eq!(place.read().await.unwrap(), expected);
    }
    sleep(SETTLED);
    assert_eq!(place.read().await.unwrap(), expected);
    place.writer.delete(tag().into()).await.unwrap();
    assert!(matches!(
        place.read().await,
        Err(FetchError::ManifestNotFound(_))
    ));
    let by_digest = expected.digest().clone();
    let read = place.reader.manifest(by_digest.clone().into()).await;
    assert_eq!(read.unwrap(), expected);
    place.writer.delete(by_digest.clone().into()).await.unwrap();
    assert!(matches!(
        place.reader.manifest(by_digest.into()).await,
        Err(FetchError::ManifestNotFound(_))
    ));
}

#[tokio::test]
async fn an_index_that_another_tool_writes_in_place_is_seen_at_once() {
    let place = Place::new().await;
    let manifest = push(&place.writer, "x").await;
    sleep(SETTLED);
    assert_eq!(place.read().await.unwrap(), manifest);
    let index = place.layout().join("index.json");
    let text = fs::read_to_string(&index).unwrap();
    // Of the same length.
    fs::write(&index, text.replace(r#""v1""#, r#""v2""#)).unwrap();
    assert!(matches!(
        place.read().await,
        Err(FetchError::ManifestNotFound(_))
    ));
    fs::write(&index, text).unwrap();
    assert_eq!(place.read().await.unwrap(), manifest);
    fs::remove_file(&index).unwrap();
    assert!(matches!(
        place.read().await,
        Err(FetchError::RepositoryNotFound)
    ));
}

#[tokio::test]
async fn what_another_process_removes_is_gone_at_once() {
    let place = Place::new().await;
    let manifest = push(&place.writer, "config").await;
    let deleted = push_blob(&place.writer, "deleted").await.digest;
    let collected = push_blob(&place.writer, "collected").await.digest;
    sleep(SETTLED);
    let held = place.read_blob(&deleted).await.unwrap();
    assert_eq!(held, Some(StoredBlob::Whole("deleted".into())));
    assert!(place.read_blob(&collected).await.unwrap().is_some());
    assert!(place.writer.delete_blob(deleted.clone()).await.unwrap());
    assert_eq!(place.read_blob(&deleted).await.unwrap(), None);
    let options = GcOptions {
        min_age: Duration::ZERO,
        dry_run: false,
    };
    place.writer_store.collect_garbage(options).await.unwrap();
    assert_eq!(place.read_blob(&collected).await.unwrap(), None);
    assert_eq!(place.read().await.unwrap(), manifest);
    fs::remove_file(place.file_of(manifest.digest())).unwrap();
    assert!(matches!(
        place.read().await,
        Err(FetchError::BlobNotFound(_))
    ));
}

#[tokio::test]
async fn damage_is_noticed_though_the_content_was_held() {
    let place = Place::new().await;
    let manifest = push(&place.writer, "config").await;
    let blob = push_blob(&place.writer, "blob").await.digest;
    sleep(SETTLED);
    assert_eq!(place.read().await.unwrap(), manifest);
    assert!(place.read_blob(&blob).await.unwrap().is_some());
    damage(&place.file_of(manifest.digest()));
    damage(&place.file_of(&blob));
    assert!(matches!(place.read().await, Err(FetchError::Verify(_))));
    let read = place.read_blob(&blob).await;
    assert!(matches!(read, Err(FetchError::Verify(_))));
    // A push mends it, and that is seen as well.
    push_blob(&place.writer, "blob").await;
    let mended = Some(StoredBlob::Whole("blob".into()));
    assert_eq!(place.read_blob(&blob).await.unwrap(), mended);
}

#[tokio::test]
async fn only_small_blobs_come_whole_and_reading_does_not_make_them_young() {
    let place = Place::new().await;
    let limit = 64 * 1024;
    for (size, expected) in [
        (0, StoredBlob::Whole(Bytes::new())),
        (limit, StoredBlob::Whole("x".repeat(limit).into())),
        (limit + 1, StoredBlob::Large(limit as u64 + 1)),
    ] {
        let blob = push_blob(&place.writer, &"x".repeat(size)).await.digest;
        let path = place.file_of(&blob);
        let old = std::time::SystemTime::UNIX_EPOCH;
        fs::File::open(&path).unwrap().set_modified(old).unwrap();
        let read = place.read_blob(&blob).await.unwrap();
        assert!(read == Some(expected), "{size}");
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), old);
        assert_eq!(
            place.reader.blob_size(blob).await.unwrap(),
            Some(size as u64)
        );
        assert!(fs::metadata(&path).unwrap().modified().unwrap() > old);
    }
    let absent = place.read_blob(&Digest::sha256(b"absent")).await;
    assert_eq!(absent.unwrap(), None);
}
