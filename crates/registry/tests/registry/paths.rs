//! Tricks: with paths, with names, with what browsers send for others.

use eigenpack_oci::Digest;
use eigenpack_registry::{MemoryRegistry, ServerOptions};

use crate::fixture::Running;

#[tokio::test]
async fn no_path_leads_out_of_a_repository() {
    let (directory, servers) = Running::both().await;
    std::fs::write(directory.path().join("secret"), "secret").unwrap();
    let digest = Digest::sha256(b"secret");
    for server in &servers {
        for path in [
            "/v2/../secret/manifests/v1",
            "/v2/%2e%2e/%2e%2e/secret/manifests/v1",
            "/v2/a%2f..%2f../manifests/v1",
            "/v2/a//b/manifests/v1",
            "/v2//manifests/v1",
            "/v2/a/b/manifests/..%2f..%2fsecret",
            "/v2/a/b/manifests/%00",
            "/v2/a/b%00/manifests/v1",
            "/v2/a/_layout/manifests/v1",
            "/v2/A/manifests/v1",
            "/v2/a/b/blobs/sha256:../../../secret",
            "/v2/a/b/blobs/sha256%3A..%2F..%2Fsecret",
            "/v2/a/b/blobs/uploads/..%2f..%2fsecret",
            "/v2/a/b/blobs/secret",
            "/v2/a\\b/manifests/v1",
            "/secret",
            "//v2/",
            "/v2/a/b/unknown",
            &format!("/v2/a/b/blobs/../blobs/{digest}"),
        ] {
            let reply = server.get(path).await;
            assert!(matches!(reply.status, 400 | 404), "{path}: {reply:?}");
            assert!(!reply.text().contains("secret/"), "{path}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn browsers_get_nothing_for_other_sites() {
    let server = Running::in_memory().await;
    let own = server.address.to_string();
    let start = "POST /v2/a/b/blobs/uploads/";
    let rebound = [("Host", "evil.example:5001")];
    server
        .ask("GET /v2/_catalog", &rebound, b"")
        .await
        .refused(403, "DENIED");
    let form = [
        ("Origin", "https://evil.example"),
        ("Content-Type", "text/plain"),
    ];
    server.ask(start, &form, b"").await.refused(403, "DENIED");
    let fetch = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "no-cors"),
    ];
    server
        .ask("GET /v2/_catalog", &fetch, b"")
        .await
        .refused(403, "DENIED");
    let origin = format!("http://{own}");
    let same = [
        ("Origin", origin.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    let answered = server.ask("GET /v2/_catalog", &same, b"").await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answered.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn browsers_get_nothing_for_other_sites_from_a_server_that_others_can_reach() {
    let store = MemoryRegistry::new();
    let server = Running::start_at([0, 0, 0, 0], store, ServerOptions::default()).await;
    let host = ("Host", "registry.example");
    let digest = Digest::sha256(b"content");
    let single = format!("POST /v2/a/b/blobs/uploads/?digest={digest}");
    for header in [
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let refused = server.ask(&single, &[host, header], b"content").await;
        refused.refused(403, "DENIED");
    }
    let own = ("Origin", "https://registry.example");
    let taken = server.ask(&single, &[host, own], b"content").await;
    assert_eq!(taken.status, 201);
}
