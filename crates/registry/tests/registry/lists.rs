//! Lists, page by page.

use eigenpack_oci::distribution::next_link;
use eigenpack_oci::{MediaType, Source as _};

use crate::fixture::{Running, manifest, manifest_with};

#[tokio::test]
async fn tags_and_repositories_come_in_pages() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        for repository in ["b/c", "a", "b"] {
            for tag in ["v2", "V1", "v1"] {
                server.put(repository, tag, &manifest("x"), &[]).await;
            }
        }
        let all = server.get("/v2/b/tags/list").await;
        assert_eq!(all.text(), r#"{"name":"b","tags":["V1","v1","v2"]}"#);
        let first = server.get("/v2/b/tags/list?n=2").await;
        assert_eq!(first.text(), r#"{"name":"b","tags":["V1","v1"]}"#);
        let next = next_link(first.header("link")).unwrap();
        let second = server.get(next).await;
        assert_eq!(second.text(), r#"{"name":"b","tags":["v2"]}"#);
        assert_eq!(second.header("link"), None);
        let none = server.get("/v2/b/tags/list?n=0").await;
        assert_eq!(
            (none.text(), none.header("link")),
            (r#"{"name":"b","tags":[]}"#, None)
        );
        let bad = server.get("/v2/b/tags/list?n=-1").await;
        bad.refused(400, "PAGINATION_NUMBER_INVALID");
        server
            .get("/v2/c/tags/list")
            .await
            .refused(404, "NAME_UNKNOWN");

        let catalog = server.get("/v2/_catalog").await;
        assert_eq!(catalog.text(), r#"{"repositories":["a","b","b/c"]}"#);
        let last = server.get("/v2/_catalog?n=1&last=b").await;
        assert_eq!(last.text(), r#"{"repositories":["b/c"]}"#);
    }
}

#[tokio::test]
async fn referrers_that_are_too_large_for_one_answer_come_in_pages() {
    let server = Running::in_memory().await;
    let subject = manifest("subject").descriptor();
    let pointer = serde_json::to_string(&subject).unwrap();
    for number in 0..5 {
        let note = number.to_string().repeat(1024 * 1024);
        let rest = format!(r#","subject":{pointer},"annotations":{{"note":"{note}"}}"#);
        let manifest = manifest_with(&rest);
        let which = manifest.digest().to_string();
        assert_eq!(server.put("a/b", &which, &manifest, &[]).await.status, 201);
    }
    let page = server
        .get(&format!("/v2/a/b/referrers/{}", subject.digest))
        .await;
    let next = next_link(page.header("link")).unwrap();
    let second = server.get(next).await;
    assert_ne!(second.text(), page.text());
    // What a client makes of a URL on its way, or what is encoded more than needed, means the same.
    for reencoded in [
        next.replace("%3A", ":"),
        next.replace("sha256%", "%73ha256%"),
    ] {
        assert_ne!(reencoded, next);
        assert_eq!(server.get(&reencoded).await.text(), second.text());
    }
    let nowhere = format!("/v2/a/b/referrers/{}?last=x", subject.digest);
    server.get(&nowhere).await.refused(400, "DIGEST_INVALID");
    let repository = server.repository("a/b");
    for of_type in [None, Some(MediaType::EMPTY)] {
        let listed = repository.referrers(subject.digest.clone(), of_type);
        assert_eq!(listed.await.unwrap().len(), 5);
    }
}
