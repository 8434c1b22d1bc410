//! Small content is held in memory, which nobody can tell from the answers.

use std::time::Duration;

use eigenpack_layout::LocalStore;
use eigenpack_oci::{Precondition, Target as _};
use eigenpack_registry::ServerOptions;
use tempfile::TempDir;

use crate::fixture::{Running, manifest};

#[tokio::test]
async fn what_is_held_is_answered_like_anything_else_and_never_outlives_its_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store");
    let store = LocalStore::open(&path).await.unwrap();
    let server = Running::start(store.clone(), ServerOptions::default()).await;
    let blob = server.push_blob("a/b", b"0123456789").await;
    let first = manifest("first");
    assert_eq!(server.put("a/b", "v1", &first, &[]).await.status, 201);
    let blob_url = format!("/v2/a/b/blobs/{blob}");
    let etag = format!("\"{blob}\"");
    let ask = async |method: &str, headers: &[(&str, &str)]| {
        let line = format!("{method} {blob_url}");
        server.ask(&line, headers, b"").await
    };
    // From then on the second of two reads opens no file.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    for _ in 0..2 {
        let whole = ask("GET", &[]).await;
        assert_eq!((whole.status, whole.text()), (200, "0123456789"));
        assert_eq!(whole.header("etag"), Some(etag.as_str()));
        assert_eq!(whole.header("docker-content-digest"), Some(blob.as_str()));
        let part = ask("GET", &[("Range", "bytes=2-4")]).await;
        assert_eq!((part.status, part.text()), (206, "234"));
        assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
        let beyond = ask("GET", &[("Range", "bytes=10-")]).await;
        assert_eq!(beyond.status, 416);
        let known = ask("GET", &[("If-None-Match", &etag)]).await;
        assert_eq!((known.status, known.text()), (304, ""));
        let read = server.get("/v2/a/b/manifests/v1").await;
        assert_eq!(read.body, first.bytes().as_ref());
        let head = server.ask("HEAD /v2/a/b/manifests/v1", &[], b"").await;
        let length = first.bytes().len().to_string();
        assert_eq!(head.header("content-length"), Some(length.as_str()));
        assert!(head.body.is_empty());
    }
    // All but the first, and of the blob perhaps those whose answer needs none of its content.
    let hits = store.memory_hits();
    assert!(hits.blobs >= 3, "{hits:?}");
    assert_eq!(hits.manifests, 3, "{hits:?}");
    let head = ask("HEAD", &[]).await;
    assert_eq!((head.status, head.text()), (200, ""));
    assert_eq!(head.header("content-length"), Some("10"));

    let other = LocalStore::open(&path).await.unwrap();
    let other = other.repository(&"a/b".parse().unwrap());
    assert!(other.delete_blob(blob.clone()).await.unwrap());
    ask("GET", &[]).await.refused(404, "BLOB_UNKNOWN");
    let second = manifest("second");
    let tags = vec!["v1".parse().unwrap()];
    let moved = other.push_manifest(second.clone(), tags, Precondition::Any);
    moved.await.unwrap();
    let read = server.get("/v2/a/b/manifests/v1").await;
    assert_eq!(read.body, second.bytes().as_ref());
}
