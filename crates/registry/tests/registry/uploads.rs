//! Uploads: every way to push a blob, and what becomes of those that go wrong.

use std::time::Duration;

use eigenpack_oci::{Algorithm, Digest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::fixture::{Reply, Running};

fn sha512(content: &[u8]) -> Digest {
    let mut hasher = Algorithm::Sha512.hasher().unwrap();
    hasher.update(content);
    hasher.finish()
}

#[tokio::test]
async fn chunks_must_follow_each_other_and_the_upload_survives_those_that_do_not() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let location = server.open("a/b").await;
        let patch = format!("PATCH {location}");
        let first = server
            .ask(&patch, &[("Content-Range", "0-4")], b"01234")
            .await;
        assert_eq!((first.status, first.header("range")), (202, Some("0-4")));

        let digest = Digest::sha256(b"0123456789");
        let put = format!("PUT {location}?digest={digest}");
        for line in [&patch, &put] {
            let range = [("Content-Range", "6-10")];
            let refused = server.ask(line, &range, b"56789").await;
            refused.refused(416, "BLOB_UPLOAD_INVALID");
            assert_eq!(refused.header("range"), Some("0-4"));
            assert_eq!(refused.header("location"), Some(location.as_str()));
        }
        let short = server.ask(&patch, &[("Content-Range", "5-9")], b"5").await;
        short.refused(400, "SIZE_INVALID");
        let status = server.get(&location).await;
        assert_eq!((status.status, status.header("range")), (204, Some("0-4")));

        let range = [("Content-Range", "5-9")];
        let closed = server.ask(&put, &range, b"56789").await;
        assert_eq!(closed.status, 201);
        assert_eq!(
            closed.header("docker-content-digest"),
            Some(digest.as_str())
        );
        let blob = server.get(closed.header("location").unwrap()).await;
        assert_eq!(blob.body, b"0123456789");
        server
            .get(&location)
            .await
            .refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
}

#[tokio::test]
async fn content_of_no_stated_length_is_taken() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let location = server.open("a/b").await;
        let chunked = [("Transfer-Encoding", "chunked")];
        let body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let patched = server
            .send(&format!("PATCH {location}"), &chunked, body)
            .await;
        assert_eq!(
            (patched.status, patched.header("range")),
            (202, Some("0-4"))
        );
        let put = format!("PUT {location}?digest={}", Digest::sha256(b"abcde"));
        assert_eq!(server.ask(&put, &[], b"").await.status, 201);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_can_be_resumed_where_it_broke() {
    let server = Running::in_memory().await;
    let location = server.open("a/b").await;
    let promised = [("Content-Length", "10")];
    let patch = format!("PATCH {location}");
    broken_off(&server, &patch, &promised, b"0123").await;
    // The server may not have noticed yet; the upload is locked until it has.
    let status = server.get(&location).await;
    assert_eq!((status.status, status.header("range")), (204, Some("0-3")));
    let rest = [("Content-Range", "4-9")];
    assert_eq!(server.ask(&patch, &rest, b"456789").await.status, 202);
    let put = format!("PUT {location}?digest={}", Digest::sha256(b"0123456789"));
    assert_eq!(server.ask(&put, &[], b"").await.status, 201);
}

#[tokio::test]
async fn asking_how_far_an_upload_is_does_not_disturb_it() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let location = server.open("a/b").await;
        let content = [b'x'; 40];
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let line = format!("PATCH {location}");
        let length = [("Content-Length", "40")];
        let head = server.request(&line, &length, b"");
        stream.write_all(&head).await.unwrap();
        let sending = async {
            for byte in &content {
                stream.write_all(&[*byte]).await.unwrap();
                sleep(Duration::from_millis(50)).await;
            }
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            Reply::parse(&answer)
        };
        let asking = async {
            for method in ["GET", "HEAD", "GET"] {
                let status = server.ask(&format!("{method} {location}"), &[], b"").await;
                assert_eq!(status.status, 204, "{status:?}");
            }
        };
        let (patched, ()) = tokio::join!(sending, asking);
        assert_eq!(
            (patched.status, patched.header("range")),
            (202, Some("0-39"))
        );
    }
}

#[tokio::test]
async fn a_client_that_is_back_goes_on_while_its_old_connection_is_half_open() {
    let server = Running::in_memory().await;
    let location = server.open("a/b").await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let line = format!("PATCH {location}");
    let head = server.request(&line, &[("Content-Length", "10")], b"0123");
    stream.write_all(&head).await.unwrap();
    let status = server.get(&location).await;
    assert_eq!((status.status, status.header("range")), (204, Some("0-0")));
    let put = format!("PUT {location}?digest={}", Digest::sha256(b"0123456789"));
    assert_eq!(server.ask(&put, &[], b"0123456789").await.status, 201);
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // One that clients try again.
    Reply::parse(&answer).refused(408, "BLOB_UPLOAD_INVALID");
}

#[tokio::test]
async fn what_is_being_done_with_an_upload_ends_when_it_is_cancelled() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let digest = Digest::sha256(b"0123456789");
        for (method, query) in [
            ("PUT", format!("?digest={digest}")),
            ("PATCH", String::new()),
        ] {
            let location = server.open("a/b").await;
            let line = format!("{method} {location}{query}");
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let head = server.request(&line, &[("Content-Length", "10")], b"0123");
            stream.write_all(&head).await.unwrap();
            // Once this is answered, the request before it has certainly arrived.
            assert_eq!(server.get(&location).await.status, 204);
            let cancel = format!("DELETE {location}");
            assert_eq!(server.ask(&cancel, &[], b"").await.status, 204);
            stream.write_all(b"456789").await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            Reply::parse(&answer).refused(404, "BLOB_UPLOAD_UNKNOWN");
        }
        let blob = server.get(&format!("/v2/a/b/blobs/{digest}")).await;
        blob.refused(404, "BLOB_UNKNOWN");
    }
}

/// Sends the beginning of a request, and nothing more.
async fn broken_off(server: &Running, line: &str, headers: &[(&str, &str)], body: &[u8]) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = server.request(line, headers, body);
    stream.write_all(&request).await.unwrap();
    stream.shutdown().await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn wrong_content_is_never_kept() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let wrong = Digest::sha256(b"something else");
        let single = format!("POST /v2/a/b/blobs/uploads/?digest={wrong}");
        server
            .ask(&single, &[], b"content")
            .await
            .refused(400, "DIGEST_INVALID");
        let location = server.open("a/b").await;
        let put = format!("PUT {location}?digest={wrong}");
        server
            .ask(&put, &[], b"content")
            .await
            .refused(400, "DIGEST_INVALID");
        let blob = server.get(&format!("/v2/a/b/blobs/{wrong}")).await;
        blob.refused(404, "BLOB_UNKNOWN");
        let location = server.open("a/b").await;
        let put = format!("PUT {location}");
        server
            .ask(&put, &[], b"content")
            .await
            .refused(400, "DIGEST_INVALID");
    }
}

#[tokio::test]
async fn other_algorithms_may_be_announced_or_not() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        for (start, content) in [
            ("?digest-algorithm=sha512", "announced"),
            ("", "a surprise"),
        ] {
            let line = format!("POST /v2/a/b/blobs/uploads/{start}");
            let opened = server.ask(&line, &[], b"").await;
            let location = opened.header("location").unwrap();
            let digest = sha512(content.as_bytes());
            let put = format!("PUT {location}?digest={digest}");
            assert_eq!(server.ask(&put, &[], content.as_bytes()).await.status, 201);
            let blob = server.get(&format!("/v2/a/b/blobs/{digest}")).await;
            assert_eq!(blob.text(), content);
        }
        let unknown = "POST /v2/a/b/blobs/uploads/?digest-algorithm=blake3";
        server
            .ask(unknown, &[], b"")
            .await
            .refused(400, "DIGEST_INVALID");
    }
}

#[tokio::test]
async fn an_upload_survives_a_digest_by_which_nothing_can_be_verified() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let location = server.open("a/b").await;
        let patch = format!("PATCH {location}");
        assert_eq!(server.ask(&patch, &[], b"01234").await.status, 202);
        let unknown = format!("PUT {location}?digest=blake9:{}", "0".repeat(64));
        let refused = server.ask(&unknown, &[], b"56789").await;
        refused.refused(400, "DIGEST_INVALID");
        let status = server.get(&location).await;
        assert_eq!((status.status, status.header("range")), (204, Some("0-4")));
        let put = format!("PUT {location}?digest={}", Digest::sha256(b"0123456789"));
        assert_eq!(server.ask(&put, &[], b"56789").await.status, 201);
    }
}

#[tokio::test]
async fn a_cancelled_upload_is_gone_and_belongs_to_one_repository() {
    let server = Running::in_memory().await;
    let location = server.open("a/b").await;
    let elsewhere = location.replace("/a/b/", "/a/c/");
    server
        .get(&elsewhere)
        .await
        .refused(404, "BLOB_UPLOAD_UNKNOWN");
    let cancel = format!("DELETE {location}");
    assert_eq!(server.ask(&cancel, &[], b"").await.status, 204);
    server
        .ask(&cancel, &[], b"")
        .await
        .refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn blobs_are_mounted_from_those_who_have_them_and_deleted_one_by_one() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let digest = server.push_blob("from/here", b"shared").await;
        let mount = |rest: &str| format!("POST /v2/to/here/blobs/uploads/?mount={digest}{rest}");
        let foreign = server.ask(&mount("&from=not/here"), &[], b"").await;
        assert_eq!(
            foreign.status, 202,
            "what a repository lacks cannot be mounted from it"
        );
        let mounted = server.ask(&mount("&from=from/here"), &[], b"").await;
        assert_eq!(mounted.status, 201);
        let there = mounted.header("location").unwrap();
        let delete = format!("DELETE /v2/from/here/blobs/{digest}");
        assert_eq!(server.ask(&delete, &[], b"").await.status, 202);
        server
            .ask(&delete, &[], b"")
            .await
            .refused(404, "BLOB_UNKNOWN");
        assert_eq!(server.get(there).await.body, b"shared");
        let again = format!("POST /v2/from/here/blobs/uploads/?mount={digest}");
        assert_eq!(
            server.ask(&again, &[], b"").await.status,
            201,
            "wherever it is"
        );
    }
}

#[tokio::test]
async fn parts_of_a_blob_can_be_read() {
    let (_directory, servers) = Running::both().await;
    let content: Vec<u8> = (0..400_000u32).map(|n| n.to_le_bytes()[0]).collect();
    for server in &servers {
        let digest = server.push_blob("a/b", &content).await;
        let target = format!("/v2/a/b/blobs/{digest}");
        let part = async |range: &str| {
            let line = format!("GET {target}");
            server.ask(&line, &[("Range", range)], b"").await
        };
        let middle = part("bytes=100000-299999").await;
        assert_eq!(middle.status, 206);
        assert_eq!(
            middle.header("content-range"),
            Some("bytes 100000-299999/400000")
        );
        assert_eq!(middle.header("content-length"), Some("200000"));
        assert_eq!(middle.body, content[100_000..300_000]);
        let beyond = part("bytes=400000-").await;
        beyond.refused(416, "SIZE_INVALID");
        assert_eq!(beyond.header("content-range"), Some("bytes */400000"));
        let head = server.ask(&format!("HEAD {target}"), &[], b"").await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some("400000"))
        );
        assert!(head.body.is_empty());
        let known = [("If-None-Match", &*format!("\"{digest}\""))];
        let known = server.ask(&format!("GET {target}"), &known, b"").await;
        assert_eq!((known.status, known.body.len()), (304, 0));
    }
}
