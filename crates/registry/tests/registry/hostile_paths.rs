//! Paths, names and digests made to lead out of where they belong, with every method that reads or writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use eigenpack_oci::Digest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Running, manifest};

/// What a repository, a tag or a digest may be called by somebody who means harm.
const NAMES: &[&str] = &[
    "..",
    "../../..",
    "%2e%2e",
    "%2E%2E/%2e%2e",
    "..%2f..",
    ".%2e",
    "%252e%252e",
    "%c0%ae%c0%ae",
    "..%5c..",
    "..\\..",
    "a/../../b",
    "a/./b",
    "a//b",
    "/a",
    "a/",
    "%2fetc%2fpasswd",
    "%00",
    "a%00b",
    "v1%00.json",
    "a%0d%0aX-Injected:1",
    "a/_layout/blobs",
    ".eigenpack",
    "con:ads",
    "~root",
    "%",
    "%2",
    "%zz",
];

const METHODS: [&str; 6] = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"];

#[tokio::test]
async fn nothing_is_read_or_written_under_a_name_that_is_none() {
    let (directory, servers) = Running::both().await;
    for server in &servers {
        let kept = manifest("kept");
        server.put("a/b", "v1", &kept, &[]).await;
        let session = server.open("a/b").await;
        let before = files(directory.path());
        let content = b"{}".as_slice();
        let digest = Digest::sha256(content);
        for name in NAMES {
            for target in [
                format!("/v2/{name}/manifests/v1"),
                format!("/v2/{name}/blobs/{digest}"),
                format!("/v2/{name}/blobs/uploads/?digest={digest}"),
                format!("/v2/{name}/tags/list"),
                format!("/v2/{name}/referrers/{digest}"),
                format!("/v2/a/b/manifests/{name}"),
                format!("/v2/a/b/manifests/sha256:{name}"),
                format!("/v2/a/b/manifests/{}?tag={name}", kept.digest()),
                format!("/v2/a/b/blobs/sha256:{name}"),
                format!("/v2/a/b/blobs/{name}:{}", digest.encoded()),
                format!("/v2/a/b/blobs/uploads/{name}x"),
                format!("/v2/a/b/blobs/uploads/?digest=sha256:{name}"),
                format!("/v2/a/b/blobs/uploads/?mount=sha256:{name}&from=a/b"),
                format!("/v2/a/b/blobs/uploads/?mount={digest}&from={name}"),
                format!("{session}?digest=sha256:{name}"),
            ] {
                for method in METHODS {
                    let reply = server
                        .ask(&format!("{method} {target}"), &[], content)
                        .await;
                    assert!(
                        matches!(reply.status, 400 | 404 | 405),
                        "{method} {target}: {reply:?}"
                    );
                    assert_eq!(reply.header("x-injected"), None, "{method} {target}");
                }
            }
        }
        assert_eq!(files(directory.path()), before);
        let read = server.get("/v2/a/b/manifests/v1").await;
        assert_eq!(read.body, kept.bytes().as_ref());
    }
}

/// Bytes that no client library would send.
#[tokio::test]
async fn bytes_that_are_no_request_end_in_a_refusal() {
    let (directory, servers) = Running::both().await;
    for server in &servers {
        let before = files(directory.path());
        for line in [
            b"GET /v2/a\0b/tags/list HTTP/1.1".as_slice(),
            b"GET /v2/\xff\xfe/tags/list HTTP/1.1",
            b"GET /v2/../../etc/passwd HTTP/1.1",
            b"GET //etc/passwd HTTP/1.1",
            b"GET ../v2/ HTTP/1.1",
            b"GET http://127.0.0.1/../../etc/passwd HTTP/1.1",
            b"GET /v2/a b/tags/list HTTP/1.1",
            b"GET\t/v2/ HTTP/1.1",
            b"PUT /v2/..\\..\\x/manifests/v1 HTTP/1.1",
        ] {
            let shown = String::from_utf8_lossy(line);
            let answer = raw(server, line).await;
            let status = answer
                .strip_prefix("HTTP/1.1 ")
                .and_then(|rest| rest.get(..3));
            assert!(
                matches!(status, Some("400" | "403" | "404")),
                "{shown}: {answer}"
            );
        }
        assert_eq!(files(directory.path()), before);
        assert_eq!(server.get("/v2/").await.status, 200);
    }
}

async fn raw(server: &Running, line: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let rest = format!("\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
    let request = [line, rest.as_bytes()].concat();
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Lists all files and folders.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path);
        }
    }
    found
}
