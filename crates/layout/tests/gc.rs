//! What the collector of garbage removes, and above all what it does not.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use eigenpack_layout::{Collected, GcOptions, LocalRepository, LocalStore};
use eigenpack_oci::{
    Content, Descriptor, Digest, FetchError, MediaType, Precondition, Pushed, RawManifest,
    Source as _, Tag, Target as _, fetch_blob,
};

const LAYER: MediaType = MediaType::from_static("text/x-example");
const UNKNOWN: MediaType = MediaType::from_static("application/vnd.example.list+json");

async fn store_in(directory: &Path) -> LocalStore {
    LocalStore::create_or_open(directory).await.unwrap()
}

fn repository(store: &LocalStore, name: &str) -> LocalRepository {
    store.repository(&name.parse().unwrap())
}

async fn push_blob(to: &LocalRepository, content: &str) -> Descriptor {
    let bytes = Bytes::copy_from_slice(content.as_bytes());
    let descriptor = Descriptor::of(LAYER, &bytes);
    let pushed = to.push_blob(descriptor.clone(), Content::Bytes(bytes));
    pushed.await.unwrap();
    descriptor
}

async fn push_manifest(
    to: &LocalRepository,
    media_type: MediaType,
    json: String,
    tags: &[&str],
) -> Descriptor {
    let manifest = RawManifest::new(media_type, json.into());
    let descriptor = manifest.descriptor();
    let tags: Vec<Tag> = tags.iter().map(|tag| tag.parse().unwrap()).collect();
    to.push_manifest(manifest, tags, Precondition::Any)
        .await
        .unwrap();
    descriptor
}

/// Pushes an image of one layer, and returns its manifest and the layer.
async fn push(to: &LocalRepository, content: &str, tags: &[&str]) -> [Descriptor; 2] {
    let layer = push_blob(to, content).await;
    let config = json(&push_blob(to, "{}").await);
    let text = format!(
        r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#,
        json(&layer)
    );
    let manifest = push_manifest(to, MediaType::IMAGE_MANIFEST, text, tags).await;
    [manifest, layer]
}

fn json(descriptor: &Descriptor) -> String {
    serde_json::to_string(descriptor).unwrap()
}

/// Returns the files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Returns the files in which the store has a blob.
fn places(store: &LocalStore, blob: &Descriptor) -> usize {
    let is_it = |path: &PathBuf| path.file_name().unwrap() == blob.digest.encoded();
    files(store.path())
        .iter()
        .filter(|path| is_it(path))
        .count()
}

/// Makes every file look as if it had been written two days ago.
fn make_old(store: &LocalStore) {
    let old = SystemTime::now() - Duration::from_hours(48);
    for path in files(store.path()) {
        File::open(path).unwrap().set_modified(old).unwrap();
    }
}

async fn collect(store: &LocalStore) -> Collected {
    store.collect_garbage(GcOptions::default()).await.unwrap()
}

fn digests(collected: &Collected) -> Vec<&Digest> {
    collected.blobs.iter().map(|blob| &blob.digest).collect()
}

fn sorted<'a>(descriptors: impl IntoIterator<Item = &'a Descriptor>) -> Vec<&'a Digest> {
    let mut digests: Vec<_> = descriptors.into_iter().map(|d| &d.digest).collect();
    digests.sort_unstable();
    digests
}

#[tokio::test]
async fn what_is_unreferenced_and_old_goes() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(directory.path()).await;
    let (one, two) = (repository(&store, "one"), repository(&store, "two"));
    push(&one, "kept", &["v1"]).await;
    let garbage = push_blob(&one, "in a repository with manifests").await;
    let lone = push_blob(&two, "in a repository without any").await;
    let pulled = Descriptor::of(LAYER, b"only in the pool");
    let content = Content::Bytes("only in the pool".into());
    store.fill_pool(pulled.clone(), content).await.unwrap();
    make_old(&store);
    let young = push_blob(&one, "young").await;

    let options = GcOptions {
        dry_run: true,
        ..GcOptions::default()
    };
    let expected = sorted([&garbage, &lone, &pulled]);
    let all = files(directory.path()).len();
    let foretold = store.collect_garbage(options).await.unwrap();
    assert_eq!(digests(&foretold), expected);
    assert_eq!(files(directory.path()).len(), all);

    let collected = collect(&store).await;
    assert_eq!(collected.blobs, foretold.blobs);
    assert_eq!(collected.young, 1);
    assert!(collected.unreadable.is_empty());
    let sizes: u64 = collected.blobs.iter().map(|blob| blob.size).sum();
    assert_eq!(sizes, garbage.size + lone.size + pulled.size);
    assert_eq!(files(directory.path()).len(), all - 5);
    assert_eq!(places(&store, &young), 2);
    assert!(collect(&store).await.blobs.is_empty());
}

#[tokio::test]
async fn what_an_index_leads_to_stays() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(directory.path()).await;
    let to = repository(&store, "org/images");
    let [child, layer] = push(&to, "a platform's layer", &[]).await;
    let absent = Descriptor::of(MediaType::IMAGE_MANIFEST, b"of another platform");
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{}]}}"#,
        json(&child),
        json(&absent)
    );
    let index = push_manifest(&to, MediaType::IMAGE_INDEX, text, &["v1"]).await;
    let config = json(&push_blob(&to, "{}").await);
    let text = format!(
        r#"{{"schemaVersion":2,"config":{config},"layers":[],"subject":{}}}"#,
        json(&index)
    );
    let signature = push_manifest(&to, MediaType::IMAGE_MANIFEST, text, &[]).await;
    // The child is reached through the index alone, as in layouts that other tools wrote.
    to.delete(child.digest.clone().into()).await.unwrap();
    make_old(&store);
    assert!(collect(&store).await.blobs.is_empty());
    // A subject leads on, so the index stays for as long as its signature does.
    to.delete(index.digest.clone().into()).await.unwrap();
    assert!(collect(&store).await.blobs.is_empty());
    to.delete(signature.digest.clone().into()).await.unwrap();
    let config = Descriptor::of(LAYER, b"{}");
    let all = sorted([&child, &layer, &index, &signature, &config]);
    assert_eq!(digests(&collect(&store).await), all);
}

#[tokio::test]
async fn a_manifest_goes_when_it_is_deleted_and_not_when_it_loses_its_tag() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(directory.path()).await;
    let to = repository(&store, "a");
    let [first, first_layer] = push(&to, "first", &["v1"]).await;
    let [second, _] = push(&to, "second", &["v1"]).await;
    make_old(&store);
    assert!(collect(&store).await.blobs.is_empty());
    to.delete(first.digest.clone().into()).await.unwrap();
    let collected = collect(&store).await;
    assert_eq!(digests(&collected), sorted([&first, &first_layer]));
    let manifest = to.manifest(second.digest.clone().into()).await.unwrap();
    assert_eq!(manifest.digest(), &second.digest);
}

#[tokio::test]
async fn what_another_repository_refers_to_stays() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(directory.path()).await;
    let (one, two) = (repository(&store, "one"), repository(&store, "one/two"));
    let [manifest, layer] = push(&one, "shared", &["v1"]).await;
    assert_eq!(push(&two, "shared", &["v2"]).await[0], manifest);
    make_old(&store);
    one.delete(manifest.digest.clone().into()).await.unwrap();
    assert!(collect(&store).await.blobs.is_empty());
    fetch_blob(&two, layer.clone(), 100).await.unwrap();
    two.delete(manifest.digest.clone().into()).await.unwrap();
    assert_eq!(collect(&store).await.blobs.len(), 3);
    assert_eq!(places(&store, &layer), 0);
    assert_eq!(push(&two, "shared", &["v1"]).await, [manifest, layer]);
}

#[tokio::test]
async fn what_is_not_understood_is_kept_with_all_that_it_may_point_to() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(directory.path()).await;
    let to = repository(&store, "foreign");
    let layer = push_blob(&to, "layer").await;
    let text = format!(r#"{{"things":[{{"sum":"{}"}}]}}"#, layer.digest);
    let list = push_blob(&to, &text).await;
    let odd = push_blob(&to, "odd").await;
    let garbage = push_blob(&to, "garbage").await;
    let listed = Descriptor {
        media_type: UNKNOWN,
        ..list
    };
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{{"digest":"{}","size":-1}}]}}"#,
        json(&listed),
        odd.digest
    );
    fs::write(to.path().join("index.json"), index).unwrap();
    fs::write(to.path().join("blobs/sha256/README"), "not ours").unwrap();
    make_old(&store);
    assert_eq!(digests(&collect(&store).await), [&garbage.digest]);
    assert!(to.path().join("blobs/sha256/README").exists());
}

#[tokio::test]
async fn everything_stays_of_a_repository_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(directory.path()).await;
    let names = ["damaged", "garbled", "missing"];
    let mut manifests = Vec::new();
    for name in names {
        let to = repository(&store, name);
        manifests.push(push(&to, name, &["v1"]).await[0].clone());
        push_blob(&to, &format!("perhaps garbage of {name}")).await;
    }
    let garbage = push_blob(&repository(&store, "whole"), "garbage").await;
    let path = |name: &str, file: &str| repository(&store, name).path().join(file);
    let blob = |of: &Descriptor| format!("blobs/sha256/{}", of.digest.encoded());
    fs::write(path("damaged", &blob(&manifests[0])), "{}").unwrap();
    fs::write(path("garbled", "index.json"), "{").unwrap();
    fs::remove_file(path("missing", &blob(&manifests[2]))).unwrap();
    make_old(&store);

    let collected = collect(&store).await;
    assert_eq!(digests(&collected), [&garbage.digest]);
    let [damaged, garbled, missing] = &collected.unreadable[..] else {
        panic!("{:?}", collected.unreadable);
    };
    assert_eq!(damaged.manifest.as_ref(), Some(&manifests[0].digest));
    assert!(matches!(damaged.error, FetchError::Verify(_)));
    assert_eq!(garbled.manifest, None);
    assert!(matches!(garbled.error, FetchError::Access(_)));
    assert_eq!(missing.manifest.as_ref(), Some(&manifests[2].digest));
    assert!(matches!(missing.error, FetchError::BlobNotFound(_)));

    // A push mends a manifest, and then its repository is collected like any other.
    push(&repository(&store, "missing"), "missing", &["v1"]).await;
    make_old(&store);
    let collected = collect(&store).await;
    let garbage = Digest::sha256(b"perhaps garbage of missing");
    assert_eq!(digests(&collected), [&garbage]);
    assert_eq!(collected.unreadable.len(), 2);
}

#[tokio::test]
async fn whoever_is_told_that_a_blob_is_there_may_rely_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(directory.path()).await;
    let (one, two) = (repository(&store, "one"), repository(&store, "two"));
    let asked = push_blob(&one, "asked for").await;
    let pushed = push_blob(&one, "pushed again").await;
    let mounted = push_blob(&one, "pushed elsewhere").await;
    let forgotten = push_blob(&one, "forgotten").await;
    make_old(&store);
    assert!(one.has_blob(asked).await.unwrap());
    let again = Content::Bytes("pushed again".into());
    let existed = one.push_blob(pushed, again).await.unwrap();
    assert_eq!(existed, Pushed::Existed);
    let elsewhere = Content::Bytes("pushed elsewhere".into());
    let shared = two.push_blob(mounted, elsewhere).await.unwrap();
    assert_eq!(shared, Pushed::Mounted);
    let collected = collect(&store).await;
    assert_eq!(digests(&collected), [&forgotten.digest]);
    assert_eq!(collected.young, 3);
}

#[tokio::test]
async fn abandoned_temporary_files_go() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(directory.path()).await;
    let to = repository(&store, "a");
    push(&to, "x", &["v1"]).await;
    let abandoned = [
        store.path().join("tmp/tmp-1"),
        to.path().join(".eigenpack/tmp-2"),
    ];
    for path in &abandoned {
        fs::write(path, "12345").unwrap();
    }
    assert_eq!(collect(&store).await.temporary_files, 0);
    make_old(&store);
    let collected = collect(&store).await;
    assert_eq!(
        (collected.temporary_files, collected.temporary_bytes),
        (2, 10)
    );
    assert!(abandoned.iter().all(|path| !path.exists()));
    assert!(to.path().join(".eigenpack/lock").exists());
}

#[tokio::test]
async fn nothing_is_made_where_there_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = LocalStore::open(&path).await.unwrap();
    assert!(collect(&store).await.blobs.is_empty());
    assert!(!path.exists());
}
