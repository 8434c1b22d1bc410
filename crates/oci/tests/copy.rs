//! Copying moves everything a manifest points to, children before parents, and says which side failed.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use eigenpack_oci::{
    Content, CopyError, CopyOptions, Descriptor, Digest, Event, FetchError, MediaType, MemoryStore,
    Observer, Precondition, PushError, Pushed, RawManifest, Silent, Source, Tag, Target, copy,
};

fn options(tag: &str) -> CopyOptions {
    CopyOptions {
        tags: vec![tag.parse().unwrap()],
        precondition: Precondition::Absent,
        concurrency: 2,
    }
}

async fn push_blob(store: &MemoryStore, media_type: &str, content: &str) -> Descriptor {
    let bytes = Bytes::copy_from_slice(content.as_bytes());
    let descriptor = Descriptor::of(media_type.parse().unwrap(), &bytes);
    store
        .push_blob(descriptor.clone(), Content::Bytes(bytes))
        .await
        .unwrap();
    descriptor
}

async fn push_manifest(
    store: &MemoryStore,
    json: serde_json::Value,
    tag: Option<&str>,
) -> RawManifest {
    let bytes = Bytes::from(serde_json::to_vec(&json).unwrap());
    let raw = RawManifest::from_outside(bytes, None, None).unwrap();
    let tags: Vec<Tag> = tag.iter().map(|tag| tag.parse().unwrap()).collect();
    store
        .push_manifest(raw.clone(), tags, Precondition::Any)
        .await
        .unwrap();
    raw
}

async fn image(store: &MemoryStore, config: &str, layers: &[&str]) -> RawManifest {
    let config = push_blob(store, "a/config", config).await;
    let mut pushed = Vec::new();
    for layer in layers {
        pushed.push(push_blob(store, "a/layer", layer).await);
    }
    let json = serde_json::json!({"schemaVersion": 2, "config": config, "layers": pushed});
    push_manifest(store, json, None).await
}

async fn index(store: &MemoryStore, children: &[&RawManifest], tag: Option<&str>) -> RawManifest {
    let manifests: Vec<Descriptor> = children.iter().map(|child| child.descriptor()).collect();
    push_manifest(
        store,
        serde_json::json!({"schemaVersion": 2, "manifests": manifests}),
        tag,
    )
    .await
}

fn silent() -> Arc<dyn Observer> {
    Arc::new(Silent)
}

/// Remembers in which order blobs were begun, by their sizes.
#[derive(Debug, Default)]
struct Sizes(Mutex<Vec<u64>>);

impl Observer for Sizes {
    fn event(&self, event: Event<'_>) {
        if let Event::BlobStarted(descriptor) = event {
            self.0.lock().unwrap().push(descriptor.size);
        }
    }
}

#[tokio::test]
async fn small_blobs_go_before_large_ones() {
    let (source, target) = (MemoryStore::default(), MemoryStore::default());
    let root = image(&source, "{}", &["of no mean size", "small", "a few"]).await;
    let sizes = Arc::new(Sizes::default());
    let observer: Arc<dyn Observer> = sizes.clone();
    let options = options("v1");
    let copied = copy(&source, &target, root, &options, &observer).await;
    assert_eq!(copied.unwrap().blobs.len(), 4);
    assert_eq!(*sizes.0.lock().unwrap(), [2, 5, 5, 15]);
}

/// Remembers in which order manifests came.
#[derive(Debug, Default)]
struct Order(Mutex<Vec<Digest>>);

impl Observer for Order {
    fn event(&self, event: Event<'_>) {
        if let Event::ManifestPushed(descriptor) = event {
            self.0.lock().unwrap().push(descriptor.digest.clone());
        }
    }
}

#[tokio::test]
async fn an_index_moves_with_all_that_it_leads_to() {
    let (source, target) = (MemoryStore::default(), MemoryStore::default());
    let shared = image(&source, "one", &["layer", "base"]).await;
    let other = image(&source, "two", &["base"]).await;
    let inner = index(&source, &[&shared], None).await;
    // The root lists a manifest that one of its other children leads to as well.
    let root = index(&source, &[&shared, &inner, &other], Some("v1")).await;

    let order = Arc::new(Order::default());
    let observer: Arc<dyn Observer> = order.clone();
    let copied = copy(&source, &target, root.clone(), &options("v1"), &observer)
        .await
        .unwrap();

    assert_eq!(copied.manifests.len(), 4);
    assert_eq!(
        copied.blobs.len(),
        4,
        "shared layers are moved once: {:?}",
        copied.blobs
    );
    assert!(
        copied
            .blobs
            .iter()
            .all(|(_, pushed)| *pushed == Pushed::Uploaded)
    );
    let order = order.0.lock().unwrap().clone();
    let at = |raw: &RawManifest| {
        order
            .iter()
            .position(|digest| digest == raw.digest())
            .unwrap()
    };
    assert!(at(&shared) < at(&inner) && at(&inner) < at(&root) && at(&other) < at(&root));

    let tag: Tag = "v1".parse().unwrap();
    assert_eq!(target.manifest(tag.into()).await.unwrap(), root);
    for raw in [&shared, &other, &inner] {
        assert_eq!(
            target
                .manifest(raw.digest().clone().into())
                .await
                .unwrap()
                .bytes(),
            raw.bytes()
        );
    }

    let again = copy(&source, &target, root, &options("v1"), &silent())
        .await
        .unwrap();
    assert!(
        again
            .blobs
            .iter()
            .all(|(_, pushed)| *pushed == Pushed::Existed)
    );
}

#[tokio::test]
async fn layers_that_may_not_be_distributed_stay() {
    let (source, target) = (MemoryStore::default(), MemoryStore::default());
    let config = push_blob(&source, "a/config", "{}").await;
    let layer = Descriptor::of(
        "application/vnd.oci.image.layer.nondistributable.v1.tar"
            .parse()
            .unwrap(),
        b"nowhere",
    );
    let json = serde_json::json!({"schemaVersion": 2, "config": config, "layers": [layer]});
    let root = push_manifest(&source, json, Some("v1")).await;
    let copied = copy(&source, &target, root, &options("v1"), &silent())
        .await
        .unwrap();
    assert_eq!(copied.blobs, [(config, Pushed::Uploaded)]);
}

#[tokio::test]
async fn the_same_bytes_may_be_a_manifest_and_a_layer() {
    let source = MemoryStore::default();
    let x = image(&source, "x", &[]).await;
    let text = std::str::from_utf8(x.bytes()).unwrap();
    let a = image(&source, "a", &[text]).await;
    for children in [[&a, &x], [&x, &a]] {
        let root = index(&source, &children, None).await;
        let target = MemoryStore::default();
        let copied = copy(&source, &target, root, &options("v1"), &silent()).await;
        assert_eq!(copied.unwrap().manifests.len(), 3);
        for child in children {
            let there = target.manifest(child.digest().clone().into()).await;
            assert_eq!(there.unwrap(), *child);
        }
        let layer = Descriptor::of("a/layer".parse().unwrap(), x.bytes());
        assert!(target.has_blob(layer).await.unwrap());
    }
}

#[tokio::test]
async fn a_child_must_be_as_large_as_its_parent_says() {
    let (source, target) = (MemoryStore::default(), MemoryStore::default());
    let child = image(&source, "one", &[]).await;
    let mut listed = child.descriptor();
    listed.size += 1;
    for data in [None, Some(child.bytes().clone())] {
        listed.data = data;
        let json = serde_json::json!({"schemaVersion": 2, "manifests": [listed]});
        let root = push_manifest(&source, json, None).await;
        let copied = copy(&source, &target, root, &options("v1"), &silent()).await;
        let error = copied.unwrap_err();
        assert!(
            matches!(
                &error,
                CopyError::Source {
                    source: FetchError::Verify(_),
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn the_error_names_the_side_that_failed() {
    let (source, target) = (MemoryStore::default(), MemoryStore::default());
    let missing = Descriptor::of(MediaType::OCTET_STREAM, b"missing");
    let json = serde_json::json!({"schemaVersion": 2, "config": missing, "layers": []});
    let root =
        RawManifest::from_outside(serde_json::to_vec(&json).unwrap().into(), None, None).unwrap();
    let error = copy(&source, &target, root, &options("v1"), &silent())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CopyError::Source { digest, source: FetchError::BlobNotFound(_) } if *digest == missing.digest),
        "{error:?}"
    );
    assert!(target.tags().await.unwrap_or_default().is_empty());

    let first = image(&source, "one", &[]).await;
    let second = image(&source, "two", &[]).await;
    copy(&source, &target, first, &options("v1"), &silent())
        .await
        .unwrap();
    let error = copy(&source, &target, second, &options("v1"), &silent())
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error,
            CopyError::Target {
                source: PushError::Conflict { .. },
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn manifests_have_a_limit_together() {
    let (source, target) = (MemoryStore::default(), MemoryStore::default());
    let note = "x".repeat(4 * 1024 * 1024 - 1000);
    let config = push_blob(&source, "a/config", "{}").await;
    let mut children = Vec::new();
    for number in 0..17 {
        let annotations = serde_json::json!({"number": number.to_string(), "note": note});
        let json = serde_json::json!({"schemaVersion": 2, "config": config, "layers": [], "annotations": annotations});
        children.push(push_manifest(&source, json, None).await);
    }
    let children: Vec<&RawManifest> = children.iter().collect();
    let fits = index(&source, &children[..16], None).await;
    copy(&source, &target, fits, &options("v1"), &silent())
        .await
        .unwrap();

    let target = MemoryStore::default();
    let root = index(&source, &children, None).await;
    let error = copy(&source, &target, root, &options("v1"), &silent())
        .await
        .unwrap_err();
    assert!(matches!(error, CopyError::TooMuch), "{error:?}");
    assert_eq!(
        error.to_string(),
        "there are more than 1000 manifests or 64 MiB of them, or indexes nest deeper than 8"
    );
    assert!(!target.has_blob(config).await.unwrap());
}

#[tokio::test]
async fn nesting_has_an_end() {
    let (source, target) = (MemoryStore::default(), MemoryStore::default());
    let mut root = image(&source, "one", &[]).await;
    for _ in 0..10 {
        root = index(&source, &[&root], None).await;
    }
    let error = copy(&source, &target, root, &options("v1"), &silent())
        .await
        .unwrap_err();
    assert!(matches!(error, CopyError::TooMuch), "{error:?}");
}
