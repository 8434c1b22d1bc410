//! What the local store or a descriptor has already is not asked for.

use std::fs;

use eigenpack::oci::{Descriptor, Precondition, RawManifest, Target as _};
use eigenpack::{Client, FetchConfigError, Reference};
use serde_json::Value;
use tempfile::TempDir;

use crate::place::{BLOB, GET, Place, spec};

/// Pulls once from the place, so that a local store has the artifact; returns the store and the reference by digest.
async fn stored(place: &Place) -> (TempDir, Reference) {
    let store = TempDir::new().unwrap();
    place.push(spec(), false).await.unwrap();
    let pulled = with_store(&store).pull(&place.reference).await.unwrap();
    (store, place.reference.pinned(pulled.digest().clone()))
}

fn with_store(store: &TempDir) -> Client {
    Client::builder().store(store.path()).build()
}

#[tokio::test]
async fn what_the_local_store_has_is_not_fetched_again() {
    let mut place = Place::start().await;
    let (store, by_digest) = stored(&place).await;

    place.afresh();
    let client = with_store(&store);
    let pulled = client.pull(&by_digest).await.unwrap();
    assert_eq!(pulled.spec(), &spec());
    let manifest = client.manifest(&by_digest).await.unwrap();
    assert_eq!(&manifest, pulled.raw_manifest());
    let config = client.config(&by_digest).await.unwrap();
    assert_eq!(&config.bytes, pulled.config_bytes());
    assert_eq!(place.recorder.accepted(), 0);

    client.pull(&place.reference).await.unwrap();
    client.config(&place.reference).await.unwrap();
    assert_eq!(place.trips(), [[GET], [GET]]);

    place.recorder.clear();
    let asking = client.without_cache();
    asking.pull(&by_digest).await.unwrap();
    assert_eq!(place.recorder.summaries(), [GET, BLOB, BLOB]);

    place.afresh();
    let elsewhere = TempDir::new().unwrap();
    let client = Client::builder().store(elsewhere.path()).cache(false);
    client.build().pull(&by_digest).await.unwrap();
    assert_eq!(place.recorder.summaries(), [GET, BLOB, BLOB]);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_pushed_locally_is_not_fetched_from_elsewhere() {
    let mut place = Place::start().await;
    place.push(spec(), false).await.unwrap();
    let store = TempDir::new().unwrap();
    let client = with_store(&store);
    let local: Reference = "my-avs:v1".parse().unwrap();
    client.copy(&place.reference, &local, false).await.unwrap();
    place.afresh();
    let pulled = client.pull(&place.reference).await.unwrap();
    assert_eq!(pulled.spec(), &spec());
    assert_eq!(place.trips(), [[GET]]);
}

#[tokio::test]
async fn a_copy_takes_what_the_local_store_has() {
    let mut place = Place::start().await;
    let (store, by_digest) = stored(&place).await;
    place.afresh();
    let client = with_store(&store);
    let directory = TempDir::new().unwrap();
    let layout = format!("oci:{}:v1", directory.path().join("layout").display());
    let local = ["other:v1", &layout];
    for target in local {
        let target = target.parse().unwrap();
        client.copy(&by_digest, &target, true).await.unwrap();
        assert_eq!(client.pull(&target).await.unwrap().spec(), &spec());
    }
    assert_eq!(place.recorder.accepted(), 0);

    // What only passes through is not kept.
    let elsewhere = TempDir::new().unwrap();
    let client = Client::builder().store(elsewhere.path().join("store"));
    let target = format!("oci:{}:v1", elsewhere.path().join("layout").display());
    let target = target.parse().unwrap();
    let copied = client.build().copy(&by_digest, &target, false).await;
    assert_eq!(copied.unwrap().copied.blobs.len(), 2);
    assert!(!elsewhere.path().join("store").exists());
}

#[tokio::test]
async fn a_damaged_blob_in_the_local_store_is_fetched_again_and_mended() {
    let mut place = Place::start().await;
    let (store, by_digest) = stored(&place).await;
    let pulled = place.client.pull(&by_digest).await.unwrap();
    let spec_digest = pulled.manifest().spec.digest.to_string();
    for digest in [spec_digest, pulled.digest().to_string()] {
        let path = store.path().join("blobs").join(digest.replace(':', "/"));
        let mut bytes = fs::read(&path).unwrap();
        bytes[10] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    place.afresh();
    for _ in 0..2 {
        let pulled = with_store(&store).pull(&by_digest).await.unwrap();
        assert_eq!(pulled.spec(), &spec());
    }
    assert_eq!(place.trips(), [[GET], [BLOB]]);
}

#[tokio::test]
async fn a_local_store_that_cannot_be_used_fails_no_pull() {
    let place = Place::start().await;
    let (store, by_digest) = stored(&place).await;
    let file = store.path().join("file");
    fs::write(&file, "").unwrap();
    let foreign = TempDir::new().unwrap();
    fs::write(foreign.path().join("mine.txt"), "").unwrap();
    for unusable in [&file, &file.join("below"), foreign.path()] {
        place.recorder.clear();
        let client = Client::builder().store(unusable).build();
        let pulled = client.pull(&by_digest).await.unwrap();
        assert_eq!(pulled.spec(), &spec());
        assert_eq!(place.recorder.summaries(), [GET, BLOB, BLOB]);
    }
    assert_eq!(fs::read_dir(foreign.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn content_in_its_descriptor_is_not_asked_for() {
    let mut place = Place::start().await;
    place.push(spec(), false).await.unwrap();
    let pulled = place.client.pull(&place.reference).await.unwrap();
    let embed = |data: &[u8]| {
        let mut manifest: Value = serde_json::from_slice(pulled.raw_manifest().bytes()).unwrap();
        let data = serde_json::to_value(Descriptor {
            data: Some(data.to_vec().into()),
            ..pulled.manifest().config.clone()
        });
        manifest["config"] = data.unwrap();
        let json = serde_json::to_vec(&manifest).unwrap();
        RawManifest::new(pulled.raw_manifest().media_type().clone(), json.into())
    };
    let target = place.client.open_to_write(&place.reference.location);
    let target = target.await.unwrap();
    for (tag, data) in [("good", &pulled.config_bytes()[..]), ("bad", b"{}")] {
        let tag = vec![tag.parse().unwrap()];
        let pushed = target.push_manifest(embed(data), tag, Precondition::Any);
        pushed.await.unwrap();
    }
    let reference = |tag: &str| place.reference.tagged(tag.parse().unwrap());
    let (good, bad) = (reference("good"), reference("bad"));

    place.afresh();
    let again = place.client.pull(&good).await.unwrap();
    assert_eq!(again.config_bytes(), pulled.config_bytes());
    assert_eq!(place.trips(), [[GET], [BLOB]]);
    place.recorder.clear();
    let error = place.client.config(&bad).await.unwrap_err();
    assert!(matches!(error, FetchConfigError::Blob { .. }), "{error:?}");
    let layout = TempDir::new().unwrap();
    let target = format!("oci:{}:v1", layout.path().join("layout").display());
    let target = target.parse().unwrap();
    place.client.copy(&good, &target, false).await.unwrap();
    let asked = place.recorder.summaries();
    assert_eq!(asked, [GET, GET, BLOB]);
}
