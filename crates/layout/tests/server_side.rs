//! What only a server asks of a layout: blobs that arrive in pieces, are mounted, are deleted.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use eigenpack_layout::{LocalRepository, LocalStore, StoredBlob};
use eigenpack_oci::{
    Algorithm, Content, Descriptor, Digest, MediaType, Precondition, PushError, RawManifest,
    Source as _, Target as _, VerifyError,
};

async fn repositories<const N: usize>(path: &Path, names: [&str; N]) -> [LocalRepository; N] {
    let store = LocalStore::create_or_open(path).await.unwrap();
    names.map(|name| store.repository(&name.parse().unwrap()))
}

async fn push_blob(to: &LocalRepository, content: &str) -> Digest {
    let bytes = Bytes::copy_from_slice(content.as_bytes());
    let blob = Descriptor::of(MediaType::OCTET_STREAM, &bytes);
    to.push_blob(blob.clone(), Content::Bytes(bytes))
        .await
        .unwrap();
    blob.digest
}

/// The files that are being written, or were.
fn temporary_files(store: &Path) -> usize {
    fs::read_dir(store.join("tmp")).unwrap().count()
}

fn until_no_file_is_left(store: &Path) {
    for _ in 0..10_000 {
        if temporary_files(store) == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("a file is left");
}

#[tokio::test]
async fn a_blob_may_arrive_in_pieces() {
    let directory = tempfile::tempdir().unwrap();
    let [repository] = repositories(directory.path(), ["a"]).await;
    let upload = repository.receive_blob(Algorithm::Sha256).await.unwrap();
    assert_eq!(upload.size().await.unwrap(), 0);
    let pieces = vec![Bytes::from("in "), Bytes::from("pie")];
    assert_eq!(upload.append(0, pieces).await.unwrap(), 6);
    // What does not follow changes nothing, and says how much there is.
    assert_eq!(upload.append(7, vec!["x".into()]).await.unwrap(), 6);
    assert_eq!(upload.append(0, vec!["x".into()]).await.unwrap(), 6);
    assert_eq!(upload.append(6, vec!["ces".into()]).await.unwrap(), 9);
    assert_eq!(upload.size().await.unwrap(), 9);
    let digest = Digest::sha256(b"in pieces");
    assert_eq!(repository.blob_size(digest.clone()).await.unwrap(), None);
    upload.keep(digest.clone()).await.unwrap();
    let read = repository.stored_blob(digest).await.unwrap();
    assert_eq!(read, Some(StoredBlob::Whole("in pieces".into())));
    assert_eq!(temporary_files(directory.path()), 0);
}

#[tokio::test]
async fn an_upload_of_another_digest_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let [repository] = repositories(directory.path(), ["a"]).await;
    let upload = repository.receive_blob(Algorithm::Sha256).await.unwrap();
    upload.append(0, vec!["content".into()]).await.unwrap();
    let wrong = Digest::sha256(b"other");
    let kept = upload.keep(wrong.clone()).await;
    let Err(PushError::Verify(VerifyError::WrongDigest { expected, found })) = kept else {
        panic!("{kept:?}");
    };
    assert_eq!(
        (expected, found),
        (wrong.clone(), Digest::sha256(b"content"))
    );
    assert_eq!(repository.blob_size(wrong).await.unwrap(), None);
    let dropped = repository.receive_blob(Algorithm::Sha256).await.unwrap();
    dropped.append(0, vec!["content".into()]).await.unwrap();
    assert_eq!(temporary_files(directory.path()), 1);
    drop(dropped);
    until_no_file_is_left(directory.path());
}

#[test]
fn what_has_arrived_is_not_deleted_on_a_thread_of_the_runtime() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let [repository] = repositories(directory.path(), ["a"]).await;
        let upload = repository.receive_blob(Algorithm::Sha256).await.unwrap();
        // The only thread that may block is kept from doing anything.
        let (go_on, waits) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || waits.recv());
        drop(upload);
        assert_eq!(temporary_files(directory.path()), 1);
        drop(go_on);
        assert!(busy.await.unwrap().is_err());
    });
    until_no_file_is_left(directory.path());
}

#[tokio::test]
async fn the_digest_may_have_another_algorithm_than_was_announced() {
    let directory = tempfile::tempdir().unwrap();
    let [repository] = repositories(directory.path(), ["a"]).await;
    let upload = repository.receive_blob(Algorithm::Sha256).await.unwrap();
    upload.append(0, vec!["content".into()]).await.unwrap();
    let mut hasher = Algorithm::Sha512.hasher().unwrap();
    hasher.update(b"content");
    let digest = hasher.finish();
    upload.keep(digest.clone()).await.unwrap();
    assert_eq!(repository.blob_size(digest).await.unwrap(), Some(7));
    let unknown = Algorithm::Unknown("blake3".into());
    let refused = repository.receive_blob(unknown).await;
    assert!(matches!(
        refused,
        Err(PushError::Verify(VerifyError::UnknownAlgorithm { .. }))
    ));
}

#[tokio::test]
async fn a_blob_is_mounted_from_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let [from, to, empty] = repositories(directory.path(), ["from", "to", "empty"]).await;
    let digest = push_blob(&from, "shared").await;
    let mount = async |from: Option<&LocalRepository>| to.mount(digest.clone(), from).await;
    assert!(!mount(Some(&empty)).await.unwrap());
    assert_eq!(to.blob_size(digest.clone()).await.unwrap(), None);
    assert!(mount(Some(&from)).await.unwrap());
    assert_eq!(to.blob_size(digest.clone()).await.unwrap(), Some(6));
    assert!(mount(Some(&from)).await.unwrap(), "it is there already");

    // Without a repository to take it from, the pool has it.
    assert!(empty.mount(digest.clone(), None).await.unwrap());
    assert_eq!(empty.blob_size(digest).await.unwrap(), Some(6));
    let absent = Digest::sha256(b"absent");
    assert!(!empty.mount(absent.clone(), None).await.unwrap());
    assert!(!empty.mount(absent, Some(&from)).await.unwrap());
}

#[tokio::test]
async fn a_damaged_blob_is_not_mounted() {
    let directory = tempfile::tempdir().unwrap();
    let [from, to] = repositories(directory.path(), ["from", "to"]).await;
    let digest = push_blob(&from, "whole").await;
    let pooled = directory.path().join("blobs/sha256").join(digest.encoded());
    fs::write(pooled, "whale").unwrap();
    assert!(!to.mount(digest.clone(), Some(&from)).await.unwrap());
    assert_eq!(to.blob_size(digest).await.unwrap(), None);
}

#[tokio::test]
async fn a_blob_is_deleted_from_one_repository_alone() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = repositories(directory.path(), ["one", "two"]).await;
    let digest = push_blob(&one, "shared").await;
    push_blob(&two, "shared").await;
    assert!(one.delete_blob(digest.clone()).await.unwrap());
    assert!(!one.delete_blob(digest.clone()).await.unwrap());
    assert_eq!(one.blob_size(digest.clone()).await.unwrap(), None);
    assert_eq!(two.blob_size(digest).await.unwrap(), Some(6));
}

#[tokio::test]
async fn a_manifest_is_not_deleted_as_a_blob() {
    let directory = tempfile::tempdir().unwrap();
    let [repository] = repositories(directory.path(), ["a"]).await;
    let json = r#"{"schemaVersion":2,"manifests":[]}"#;
    let manifest = RawManifest::new(MediaType::IMAGE_INDEX, json.into());
    let digest = manifest.digest().clone();
    let tags = vec!["v1".parse().unwrap()];
    repository
        .push_manifest(manifest, tags, Precondition::Any)
        .await
        .unwrap();
    assert!(!repository.delete_blob(digest.clone()).await.unwrap());
    assert!(repository.manifest(digest.into()).await.is_ok());
}
