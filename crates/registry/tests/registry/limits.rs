//! The limits, each reached.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eigenpack_oci::Digest;
use eigenpack_registry::{MemoryRegistry, ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Running, manifest};

async fn with(change: impl FnOnce(&mut ServerOptions)) -> Running {
    let mut options = ServerOptions::default();
    change(&mut options);
    Running::start(MemoryRegistry::new(), options).await
}

#[tokio::test]
async fn sizes_are_bounded() {
    let server = with(|options| {
        options.max_manifest_size = 1000;
        options.max_upload_size = 1000;
    })
    .await;
    let large = manifest(&"x".repeat(1000));
    server
        .put("a/b", "v1", &large, &[])
        .await
        .refused(413, "SIZE_INVALID");
    let chunked = [("Transfer-Encoding", "chunked")];
    let body = [b"7d0\r\n", [b'x'; 2000].as_slice(), b"\r\n0\r\n\r\n"].concat();
    let put = server.send("PUT /v2/a/b/manifests/v1", &chunked, &body);
    put.await.refused(413, "SIZE_INVALID");

    let digest = Digest::sha256(&[b'x'; 1001]);
    let single = format!("POST /v2/a/b/blobs/uploads/?digest={digest}");
    server
        .ask(&single, &[], &[b'x'; 1001])
        .await
        .refused(413, "SIZE_INVALID");
    let location = server.open("a/b").await;
    let patch = format!("PATCH {location}");
    assert_eq!(server.ask(&patch, &[], &[b'x'; 600]).await.status, 202);
    server
        .ask(&patch, &[], &[b'x'; 600])
        .await
        .refused(413, "SIZE_INVALID");
    server
        .get(&location)
        .await
        .refused(404, "BLOB_UPLOAD_UNKNOWN");
    server.push_blob("a/b", &[b'x'; 1000]).await;
}

#[tokio::test]
async fn heads_and_urls_are_bounded() {
    let server = with(|options| options.max_header_size = 8192).await;
    let long = server
        .get(&format!("/v2/a/b/tags/list?last={}", "x".repeat(20_000)))
        .await;
    assert!(matches!(long.status, 414 | 431), "{long:?}");
    let header = "x".repeat(20_000);
    let large = server.ask("GET /v2/", &[("X-Large", &header)], b"").await;
    assert_eq!(large.status, 431);
    let server = Running::in_memory().await;
    let long = server
        .get(&format!("/v2/a/b/tags/list?last={}", "x".repeat(9000)))
        .await;
    long.refused(414, "UNSUPPORTED");
}

#[tokio::test]
async fn open_uploads_are_bounded_and_expire() {
    let server = with(|options| options.max_open_uploads = 1).await;
    let location = server.open("a/b").await;
    let start = "POST /v2/a/b/blobs/uploads/";
    let refused = server.ask(start, &[], b"").await;
    refused.refused(429, "TOOMANYREQUESTS");
    assert!(refused.header("retry-after").is_some());
    server.ask(&format!("DELETE {location}"), &[], b"").await;
    server.open("a/b").await;

    let server = with(|options| {
        options.max_open_uploads = 1;
        options.upload_expiry = Duration::ZERO;
    })
    .await;
    let first = server.open("a/b").await;
    server.open("a/b").await;
    server.get(&first).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_not_waited_for() {
    let server = with(|options| options.idle_timeout = Duration::from_millis(50)).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.unwrap();

    let location = server.open("a/b").await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    let host = server.address;
    let head = format!("PATCH {location} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n\r\n01");
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let status = server.get(&location).await;
    assert_eq!(status.header("range"), Some("0-1"));
}

#[tokio::test]
async fn a_server_that_can_only_be_read_changes_nothing() {
    let server = with(|options| options.read_only = true).await;
    server
        .put("a/b", "v1", &manifest("x"), &[])
        .await
        .refused(405, "UNSUPPORTED");
    for line in [
        "POST /v2/a/b/blobs/uploads/",
        "DELETE /v2/a/b/manifests/v1",
        "PATCH /v2/a/b/blobs/uploads/x",
    ] {
        server.ask(line, &[], b"").await.refused(405, "UNSUPPORTED");
    }
    assert_eq!(server.get("/v2/").await.status, 200);
}

#[tokio::test]
async fn endpoints_say_which_methods_they_have() {
    let server = Running::in_memory().await;
    for (line, allowed) in [
        ("POST /v2/a/b/tags/list", "GET, HEAD"),
        ("PUT /v2/a/b/blobs/uploads/", "POST"),
        ("PATCH /v2/a/b/manifests/v1", "GET, HEAD, PUT, DELETE"),
    ] {
        let reply = server.ask(line, &[], b"").await;
        reply.refused(405, "UNSUPPORTED");
        assert_eq!(reply.header("allow"), Some(allowed), "{line}");
    }
}

#[tokio::test]
async fn requests_under_way_are_finished_and_each_is_reported() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = log.clone();
    let server = with(|options| {
        options.observer = Some(Arc::new(move |one| {
            let line = format!("{} {} {}", one.method, one.target, one.status);
            seen.lock().unwrap().push(line);
        }));
    })
    .await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let digest = Digest::sha256(b"0123");
    let target = format!("/v2/a/b/blobs/uploads/?digest={digest}");
    let host = server.address;
    let head = format!("POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n\r\n01");
    stream.write_all(head.as_bytes()).await.unwrap();
    // Once this is answered, the request before it has certainly arrived.
    assert_eq!(server.get("/v2/").await.status, 200);
    let stopping = tokio::spawn(server.stop());
    stream.write_all(b"23").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 201 "));
    stopping.await.unwrap();
    let expected = ["GET /v2/ 200".to_owned(), format!("POST {target} 201")];
    assert_eq!(*log.lock().unwrap(), expected);
}
