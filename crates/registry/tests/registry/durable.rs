//! The local store behind a server: it outlives it, and others may use it meanwhile.

use eigenpack_layout::{LayoutStore, LocalStore};
use eigenpack_oci::{Precondition, Source as _, Tag, Target as _};
use eigenpack_registry::ServerOptions;
use tempfile::TempDir;

use crate::fixture::{Running, manifest};

async fn serve(directory: &TempDir) -> Running {
    let store = LocalStore::open(directory.path().join("store")).await;
    Running::start(store.unwrap(), ServerOptions::default()).await
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let directory = TempDir::new().unwrap();
    let server = serve(&directory).await;
    let blob = server.push_blob("a/b", b"kept").await;
    let manifest = manifest("kept");
    assert_eq!(server.put("a/b", "v1", &manifest, &[]).await.status, 201);
    let unfinished = server.open("a/b").await;
    server.stop().await;

    let server = serve(&directory).await;
    let read = server.get("/v2/a/b/manifests/v1").await;
    assert_eq!(read.body, manifest.bytes().as_ref());
    assert_eq!(
        server.get(&format!("/v2/a/b/blobs/{blob}")).await.body,
        b"kept"
    );
    server
        .get(&unfinished)
        .await
        .refused(404, "BLOB_UPLOAD_UNKNOWN");

    let layout = directory.path().join("store/repositories/a/b/_layout");
    let layout = LayoutStore::open(layout).await.unwrap();
    let tag: Tag = "v1".parse().unwrap();
    assert_eq!(layout.manifest(tag.into()).await.unwrap(), manifest);
}

#[tokio::test]
async fn what_others_write_is_seen_at_once() {
    let directory = TempDir::new().unwrap();
    let server = serve(&directory).await;
    let other = LocalStore::open(directory.path().join("store")).await;
    let other = other.unwrap().repository(&"a/b".parse().unwrap());
    for note in ["one", "two"] {
        let manifest = manifest(note);
        let tags = vec!["v1".parse().unwrap()];
        let pushed = other.push_manifest(manifest.clone(), tags, Precondition::Any);
        pushed.await.unwrap();
        let read = server.get("/v2/a/b/manifests/v1").await;
        assert_eq!(read.body, manifest.bytes().as_ref());
    }
}

#[tokio::test]
async fn a_manifest_is_not_deleted_as_a_blob() {
    let directory = TempDir::new().unwrap();
    let server = serve(&directory).await;
    let manifest = manifest("whole");
    server.put("a/b", "v1", &manifest, &[]).await;
    let delete = format!("DELETE /v2/a/b/blobs/{}", manifest.digest());
    server
        .ask(&delete, &[], b"")
        .await
        .refused(404, "BLOB_UNKNOWN");
    assert_eq!(server.get("/v2/a/b/manifests/v1").await.status, 200);
}

#[tokio::test]
async fn damaged_content_is_never_served_as_if_it_were_whole() {
    let directory = TempDir::new().unwrap();
    let server = serve(&directory).await;
    let large = vec![1; 1_000_000];
    for content in [b"small".as_slice(), &large] {
        let blob = server.push_blob("a/b", content).await;
        let encoded = blob.encoded();
        let path = format!("store/repositories/a/b/_layout/blobs/sha256/{encoded}");
        let mut damaged = content.to_vec();
        damaged[0] ^= 1;
        std::fs::write(directory.path().join(path), damaged).unwrap();
        let read = server.get(&format!("/v2/a/b/blobs/{blob}")).await;
        match read.status {
            500 => read.refused(500, "UNKNOWN"),
            status => {
                assert_eq!(status, 200);
                assert!(read.body.len() < content.len(), "all of it was sent");
            }
        }
    }
}
