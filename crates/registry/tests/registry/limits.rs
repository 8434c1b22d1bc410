//! The limits, each reached.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eigenpack_layout::LocalStore;
use eigenpack_oci::Digest;
use eigenpack_registry::ServerOptions;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Reply, Running, manifest};

#[tokio::test]
async fn sizes_are_bounded() {
    let server = Running::with(|options| {
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
async fn an_upload_that_is_too_large_leaves_no_file() {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("store");
    let mut options = ServerOptions::default();
    options.max_upload_size = 1000;
    let server = Running::start(LocalStore::open(&store).await.unwrap(), options).await;
    let files = || std::fs::read_dir(store.join("tmp")).map_or(0, Iterator::count);
    // A file is deleted after the answer.
    let until_none_is_left = async || {
        for _ in 0..10_000 {
            if files() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("a file is left");
    };
    assert_eq!(files(), 0);
    let location = server.open("a/b").await;
    let patch = format!("PATCH {location}");
    assert_eq!(server.ask(&patch, &[], &[b'x'; 600]).await.status, 202);
    assert_eq!(files(), 1);
    let refused = server.ask(&patch, &[], &[b'x'; 600]).await;
    refused.refused(413, "SIZE_INVALID");
    until_none_is_left().await;
    let digest = Digest::sha256(&[b'x'; 1001]);
    let single = format!("POST /v2/a/b/blobs/uploads/?digest={digest}");
    let refused = server.ask(&single, &[], &[b'x'; 1001]).await;
    refused.refused(413, "SIZE_INVALID");
    until_none_is_left().await;
}

#[tokio::test]
async fn heads_and_urls_are_bounded() {
    let server = Running::with(|options| options.max_header_size = 8192).await;
    let list = |size| format!("/v2/a/b/tags/list?last={}", "x".repeat(size));
    let long = server.get(&list(20_000)).await;
    assert!(matches!(long.status, 414 | 431), "{long:?}");
    let header = "x".repeat(20_000);
    let large = server.ask("GET /v2/", &[("X-Large", &header)], b"").await;
    assert_eq!(large.status, 431);

    let server = Running::in_memory().await;
    let long = server.get(&list(9000)).await;
    long.refused(414, "UNSUPPORTED");
    let path = format!("/v2/{}/tags/list", "x".repeat(9000));
    server.get(&path).await.refused(414, "UNSUPPORTED");

    let server = Running::with(|options| {
        options.max_path_size = 30;
        options.max_query_size = 10;
    })
    .await;
    let path = format!("/v2/{}/tags/list", "x".repeat(16));
    server.get(&path).await.refused(404, "NAME_UNKNOWN");
    let path = format!("/v2/{}/tags/list", "x".repeat(17));
    server.get(&path).await.refused(414, "UNSUPPORTED");
    let query = format!("/v2/a/tags/list?last={}", "x".repeat(5));
    server.get(&query).await.refused(404, "NAME_UNKNOWN");
    let query = format!("/v2/a/tags/list?last={}", "x".repeat(6));
    server.get(&query).await.refused(414, "UNSUPPORTED");
}

#[tokio::test]
async fn open_uploads_are_bounded_and_expire() {
    let server = Running::with(|options| options.max_open_uploads = 1).await;
    let location = server.open("a/b").await;
    let start = "POST /v2/a/b/blobs/uploads/";
    let refused = server.ask(start, &[], b"").await;
    refused.refused(429, "TOOMANYREQUESTS");
    assert!(refused.header("retry-after").is_some());
    server.ask(&format!("DELETE {location}"), &[], b"").await;
    server.open("a/b").await;

    let server = Running::with(|options| {
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
    let server = Running::with(|options| options.idle_timeout = Duration::from_millis(50)).await;
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
    let server = Running::with(|options| options.read_only = true).await;
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
async fn nobody_is_asked_for_content_that_is_refused() {
    let refusing = Running::with(|options| options.read_only = true).await;
    let taking = Running::in_memory().await;
    let content = manifest("x");
    let length = content.bytes().len().to_string();
    let headers = [
        ("Expect", "100-continue"),
        ("Content-Length", length.as_str()),
        ("Content-Type", content.media_type().as_str()),
    ];
    let ask = async |server: &Running| {
        let head = server.request("PUT /v2/a/b/manifests/v1", &headers, b"");
        // Whether the connection goes on is the server's to say.
        let head = String::from_utf8(head).unwrap();
        let head = head.replace("Connection: close\r\n", "");
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    };
    let mut said = Vec::new();
    ask(&refusing).await.read_to_end(&mut said).await.unwrap();
    let refused = Reply::parse(&said);
    refused.refused(405, "UNSUPPORTED");
    assert_eq!(refused.header("connection"), Some("close"));

    let invitation = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut stream = ask(&taking).await;
    let mut said = [0; 25];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, invitation);
    stream.write_all(content.bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 201");
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
    let server = Running::with(|options| {
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
