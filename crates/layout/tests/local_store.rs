//! What is particular to the local store: names, the pool, and what it refuses.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use eigenpack_layout::{LayoutStore, LocalRepository, LocalStore};
use eigenpack_oci::{
    AccessError, Content, Descriptor, FetchError, MediaType, Precondition, PushError, Pushed,
    RawManifest, Repository, Source as _, Tag, Target as _, fetch_blob,
};

const LAYER: MediaType = MediaType::from_static("text/x-example");

fn name(text: &str) -> Repository {
    text.parse().unwrap()
}

fn tags(names: &[&str]) -> Vec<Tag> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

async fn push_blob(to: &LocalRepository, content: &str) -> (Descriptor, Pushed) {
    let bytes = Bytes::copy_from_slice(content.as_bytes());
    let descriptor = Descriptor::of(LAYER, &bytes);
    let pushed = to.push_blob(descriptor.clone(), Content::Bytes(bytes));
    (descriptor, pushed.await.unwrap())
}

async fn push(to: &LocalRepository, content: &str, names: &[&str]) -> RawManifest {
    let (blob, _) = push_blob(to, content).await;
    let pointer = serde_json::to_string(&blob).unwrap();
    let json = format!(r#"{{"schemaVersion":2,"config":{pointer},"layers":[]}}"#);
    let manifest = RawManifest::new(MediaType::IMAGE_MANIFEST, json.into());
    to.push_manifest(manifest.clone(), tags(names), Precondition::Any)
        .await
        .unwrap();
    manifest
}

fn blob_in(directory: &Path, blob: &Descriptor) -> std::path::PathBuf {
    directory.join("blobs/sha256").join(blob.digest.encoded())
}

#[tokio::test]
async fn names_do_not_get_in_each_others_way() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let names = [
        "a",
        "a/b",
        "a/b/c",
        "a/blobs",
        "a/blobs/sha256",
        "a/index.json",
        "a/oci-layout",
    ];
    let mut pushed = Vec::new();
    for repository in names {
        let to = store.repository(&name(repository));
        pushed.push(push(&to, repository, &["_x", "a..b", "a-"]).await);
    }
    let again = LocalStore::open(directory.path()).await.unwrap();
    let listed = again.repositories().await.unwrap();
    assert_eq!(listed, names.map(name));
    for (repository, manifest) in names.iter().zip(pushed) {
        let repository = again.repository(&name(repository));
        assert_eq!(
            repository.tags().await.unwrap(),
            tags(&["_x", "a-", "a..b"])
        );
        for tag in tags(&["_x", "a..b", "a-"]) {
            assert_eq!(repository.manifest(tag.into()).await.unwrap(), manifest);
        }
    }
}

#[tokio::test]
async fn reading_creates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = LocalStore::open(&path).await.unwrap();
    let repository = store.repository(&name("absent"));
    let blob = Descriptor::of(LAYER, b"x");
    let tag = tags(&["v1"]).remove(0);
    assert!(matches!(
        repository.manifest(tag.clone().into()).await,
        Err(FetchError::RepositoryNotFound)
    ));
    assert!(matches!(
        repository.tags().await,
        Err(FetchError::RepositoryNotFound)
    ));
    assert!(matches!(
        repository.blob(blob.clone(), 0).await.map(drop),
        Err(FetchError::RepositoryNotFound)
    ));
    assert!(!repository.has_blob(blob.clone()).await.unwrap());
    assert!(matches!(
        repository.delete(tag.into()).await,
        Err(PushError::ManifestNotFound(_))
    ));
    assert!(!store.contains(blob).await.unwrap());
    assert!(store.repositories().await.unwrap().is_empty());
    assert!(!path.exists());
    push(&repository, "x", &["v1"]).await;
    assert_eq!(store.repositories().await.unwrap(), [name("absent")]);
}

#[tokio::test]
async fn a_directory_that_was_removed_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = LocalStore::create_or_open(&path).await.unwrap();
    let repository = store.repository(&name("a"));
    for removed in [path.join("repositories/a"), path] {
        push(&repository, "x", &["v1"]).await;
        assert_eq!(repository.tags().await.unwrap(), tags(&["v1"]));
        fs::remove_dir_all(removed).unwrap();
        assert!(matches!(
            repository.tags().await,
            Err(FetchError::RepositoryNotFound)
        ));
    }
    push(&repository, "x", &["v1"]).await;
    assert_eq!(store.repositories().await.unwrap(), [name("a")]);
}

#[tokio::test]
async fn the_directory_of_temporary_files_may_be_removed_at_any_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let repository = store.repository(&name("known"));
    push(&repository, "before", &["v1"]).await;
    fs::remove_dir_all(directory.path().join("tmp")).unwrap();
    let manifest = push(&repository, "after", &["v2"]).await;
    let read = repository.manifest(tags(&["v2"])[0].clone().into()).await;
    assert_eq!(read.unwrap(), manifest);
}

#[tokio::test]
async fn a_refused_push_makes_no_repository() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = LocalStore::open(&path).await.unwrap();
    let repository = store.repository(&name("new"));
    let json = r#"{"schemaVersion":2,"manifests":[]}"#;
    let manifest = RawManifest::new(MediaType::IMAGE_INDEX, json.into());
    let expected = Precondition::Is(manifest.digest().clone());
    let refused = repository.push_manifest(manifest, tags(&["v1"]), expected);
    let refused = refused.await;
    assert!(
        matches!(refused, Err(PushError::Conflict { found: None, .. })),
        "{refused:?}"
    );
    assert!(store.repositories().await.unwrap().is_empty());
    assert!(!path.exists(), "nothing at all is made");
}

#[tokio::test]
async fn blobs_are_kept_once_for_all() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let (one, two) = (
        store.repository(&name("one")),
        store.repository(&name("two")),
    );
    let (blob, pushed) = push_blob(&one, "shared").await;
    assert_eq!(pushed, Pushed::Uploaded);
    assert!(!two.has_blob(blob.clone()).await.unwrap());
    assert_eq!(push_blob(&two, "shared").await.1, Pushed::Mounted);
    assert_eq!(push_blob(&two, "shared").await.1, Pushed::Existed);
    assert!(store.contains(blob.clone()).await.unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let found = fs::metadata(blob_in(directory.path(), &blob)).unwrap();
        assert_eq!(found.nlink(), 3);
    }

    let manifest = push(&one, "more", &["v1"]).await;
    let from_pool = store.pool_manifest(manifest.digest().clone()).await;
    assert_eq!(from_pool.unwrap(), Some(manifest));
    let filled = Descriptor::of(LAYER, b"pulled");
    let content = || Content::Bytes("pulled".into());
    let pushed = store.fill_pool(filled.clone(), content()).await.unwrap();
    assert_eq!(pushed, Pushed::Uploaded);
    let pushed = store.fill_pool(filled.clone(), content()).await.unwrap();
    assert_eq!(pushed, Pushed::Existed);
    assert!(store.pool_blob(filled, 0).await.unwrap().is_some());
    assert_eq!(push_blob(&two, "pulled").await.1, Pushed::Mounted);
}

#[tokio::test]
async fn a_damaged_blob_is_noticed_and_mended_by_a_push() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let repository = store.repository(&name("a"));
    let (blob, _) = push_blob(&repository, "whole").await;
    // The file is one with the layout's, so both are damaged.
    fs::write(blob_in(directory.path(), &blob), "whale").unwrap();
    let read = fetch_blob(&repository, blob.clone(), 10).await;
    assert!(matches!(read, Err(FetchError::Verify(_))));
    assert_eq!(push_blob(&repository, "whole").await.1, Pushed::Uploaded);
    let read = fetch_blob(&repository, blob.clone(), 10).await;
    assert_eq!(read.unwrap(), "whole");
    assert!(store.pool_blob(blob, 0).await.unwrap().is_some());

    let manifest = push(&repository, "m", &["v1"]).await;
    fs::write(blob_in(directory.path(), &manifest.descriptor()), "{}").unwrap();
    let read = repository.manifest(tags(&["v1"]).remove(0).into()).await;
    assert!(matches!(read, Err(FetchError::Verify(_))));
}

#[tokio::test]
async fn being_asked_for_makes_a_blob_young() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let repository = store.repository(&name("a"));
    let (blob, _) = push_blob(&repository, "old").await;
    let path = blob_in(directory.path(), &blob);
    let old = std::time::SystemTime::UNIX_EPOCH;
    let age = || fs::metadata(&path).unwrap().modified().unwrap();
    let make_old = || fs::File::open(&path).unwrap().set_modified(old).unwrap();
    make_old();
    assert!(repository.has_blob(blob.clone()).await.unwrap());
    assert!(age() > old);
    make_old();
    push_blob(&repository, "old").await;
    assert!(age() > old);
    make_old();
    assert!(store.pool_blob(blob, 0).await.unwrap().is_some());
    assert!(age() > old);

    let manifest = push(&repository, "of a manifest", &["v1"]).await;
    let path = blob_in(directory.path(), &manifest.descriptor());
    let file = || fs::File::open(&path).unwrap();
    file().set_modified(old).unwrap();
    let found = store.pool_manifest(manifest.digest().clone()).await;
    assert_eq!(found.unwrap(), Some(manifest));
    assert!(file().metadata().unwrap().modified().unwrap() > old);
}

#[tokio::test]
async fn what_cannot_be_protected_is_not_said_to_be_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let repository = store.repository(&name("a"));
    let (blob, _) = push_blob(&repository, "blob").await;
    assert!(repository.has_blob(blob.clone()).await.unwrap());
    // It cannot be locked, and not because we may not write.
    let lock = directory.path().join("store.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let told = repository.has_blob(blob.clone()).await;
    assert!(
        matches!(told, Err(FetchError::Access(AccessError::Io { .. }))),
        "{told:?}"
    );
    repository.blob_size(blob.digest).await.unwrap_err();
}

#[tokio::test]
async fn a_repository_is_a_layout_for_other_tools() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let manifest = push(&store.repository(&name("org/avs")), "x", &["v1"]).await;
    let path = directory.path().join("repositories/org/avs/_layout");
    let layout = LayoutStore::open(&path).await.unwrap();
    let read = layout.manifest(tags(&["v1"]).remove(0).into()).await;
    assert_eq!(read.unwrap(), manifest);
    let marker = fs::read_to_string(path.join("oci-layout")).unwrap();
    assert_eq!(marker, r#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = fs::read_to_string(path.join("index.json")).unwrap();
    assert!(index.starts_with(r#"{"schemaVersion":2,"#), "{index}");
}

#[tokio::test]
async fn refuses_what_is_not_a_store_that_it_knows() {
    let directory = tempfile::tempdir().unwrap();
    let refused = async |name: &str| match LocalStore::open(directory.path().join(name)).await {
        Err(AccessError::Store { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    for (name, content, expected) in [
        ("newer", r#"{"formatVersion":2}"#, "format version 2"),
        ("broken", "{", "not valid"),
    ] {
        let path = directory.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("store.json"), content).unwrap();
        assert!(refused(name).await.contains(expected));
    }
    fs::create_dir(directory.path().join("photos")).unwrap();
    fs::write(directory.path().join("photos/cat.jpg"), "").unwrap();
    assert!(refused("photos").await.contains("no store.json"));
    fs::write(directory.path().join("file"), "").unwrap();
    assert!(refused("file").await.contains("not a directory"));
}
