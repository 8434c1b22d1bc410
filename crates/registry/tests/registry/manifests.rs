//! Manifests: their bytes, tags, preconditions and deletion.

use eigenpack_oci::{Algorithm, MediaType};

use crate::fixture::{Running, manifest, manifest_with};

#[tokio::test]
async fn what_is_read_is_what_was_pushed() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let manifest = manifest("one");
        let digest = manifest.digest().as_str();
        let pushed = server.put("a/b", "v1", &manifest, &[]).await;
        assert_eq!(pushed.status, 201);
        assert_eq!(pushed.header("docker-content-digest"), Some(digest));
        for target in ["/v2/a/b/manifests/v1", pushed.header("location").unwrap()] {
            let read = server.get(target).await;
            assert_eq!(read.body, manifest.bytes().as_ref());
            let expected = manifest.media_type().as_str();
            assert_eq!(read.header("content-type"), Some(expected));
            let head = server.ask(&format!("HEAD {target}"), &[], b"").await;
            let length = manifest.bytes().len().to_string();
            assert_eq!(head.header("content-length"), Some(length.as_str()));
            assert_eq!(head.header("docker-content-digest"), Some(digest));
            assert!(head.body.is_empty());
            let etag = head.header("etag").unwrap();
            let known = [("If-None-Match", etag)];
            let known = server.ask(&format!("GET {target}"), &known, b"").await;
            assert_eq!((known.status, known.body.len()), (304, 0));
        }
    }
}

#[tokio::test]
async fn tags_move_only_where_the_precondition_holds() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let (one, two) = (manifest("one"), manifest("two"));
        let absent = [("If-None-Match", "*")];
        assert_eq!(server.put("a/b", "v1", &one, &absent).await.status, 201);
        assert_eq!(server.put("a/b", "v1", &one, &absent).await.status, 201);
        let refused = server.put("a/b", "v1", &two, &absent).await;
        refused.refused(412, "DENIED");
        let is = |digest| format!("\"{digest}\"");
        let wrong = is(two.digest());
        let wrong = [("If-Match", wrong.as_str())];
        server
            .put("a/b", "v1", &two, &wrong)
            .await
            .refused(412, "DENIED");
        let right = is(one.digest());
        let right = [("If-Match", right.as_str())];
        assert_eq!(server.put("a/b", "v1", &two, &right).await.status, 201);
        for unclear in [[("If-Match", "*")], [("If-None-Match", "\"x\"")]] {
            let refused = server.put("a/b", "v1", &one, &unclear).await;
            refused.refused(400, "UNSUPPORTED");
        }
    }
}

#[tokio::test]
async fn a_push_by_digest_may_set_tags() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let manifest = manifest("many");
        let mut hasher = Algorithm::Sha512.hasher().unwrap();
        hasher.update(manifest.bytes());
        let digest = hasher.finish();
        let which = format!("{digest}?tag=one&tag=two");
        let pushed = server.put("a/b", &which, &manifest, &[]).await;
        assert_eq!(
            (pushed.status, pushed.header("oci-tag")),
            (201, Some("one"))
        );
        for tag in ["one", "two"] {
            let read = server.get(&format!("/v2/a/b/manifests/{tag}")).await;
            assert_eq!(read.header("docker-content-digest"), Some(digest.as_str()));
        }
    }
}

#[tokio::test]
async fn a_push_sets_only_so_many_tags() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let manifest = manifest("many");
        let put = |count: usize| {
            let tags: Vec<String> = (0..count).map(|number| format!("&tag=t{number}")).collect();
            let tags = tags.concat();
            let which = format!("{}?{}", manifest.digest(), &tags[1..]);
            let manifest = &manifest;
            async move { server.put("a/b", &which, manifest, &[]).await }
        };
        put(65).await.refused(414, "UNSUPPORTED");
        assert_eq!(server.get("/v2/a/b/tags/list").await.status, 404);
        assert_eq!(put(64).await.status, 201);
    }
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let server = Running::in_memory().await;
    let good = manifest("good");
    let other = manifest("other").digest().to_string();
    server
        .put("a/b", &other, &good, &[])
        .await
        .refused(400, "DIGEST_INVALID");
    let put = "PUT /v2/a/b/manifests/v1";
    for body in [
        &b""[..],
        b"{}",
        b"<html>",
        br#"{"schemaVersion":2,"config":1}"#,
    ] {
        let kind = [("Content-Type", MediaType::IMAGE_MANIFEST.as_str())];
        server
            .ask(put, &kind, body)
            .await
            .refused(400, "MANIFEST_INVALID");
    }
    let kind = [("Content-Type", MediaType::IMAGE_INDEX.as_str())];
    let mislabelled = server.ask(put, &kind, good.bytes()).await;
    mislabelled.refused(400, "MANIFEST_INVALID");
}

#[tokio::test]
async fn deleting_a_manifest_takes_its_tags_and_deleting_a_tag_does_not_take_it() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let manifest = manifest("gone");
        for tag in ["one", "two"] {
            server.put("a/b", tag, &manifest, &[]).await;
        }
        let delete = async |which: &str| {
            let line = format!("DELETE /v2/a/b/manifests/{which}");
            server.ask(&line, &[], b"").await
        };
        let digest = manifest.digest().as_str();
        assert_eq!(delete("one").await.status, 202);
        delete("one").await.refused(404, "MANIFEST_UNKNOWN");
        let by_digest = format!("/v2/a/b/manifests/{digest}");
        assert_eq!(server.get(&by_digest).await.status, 200);
        assert_eq!(delete(digest).await.status, 202);
        server
            .get(&by_digest)
            .await
            .refused(404, "MANIFEST_UNKNOWN");
        let tagged = server.get("/v2/a/b/manifests/two").await;
        tagged.refused(404, "MANIFEST_UNKNOWN");
    }
}

#[tokio::test]
async fn referrers_are_listed_under_a_subject_that_need_not_be_there() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let subject = manifest("never pushed").descriptor();
        let target = format!("/v2/a/b/referrers/{}", subject.digest);
        let none = server.get(&target).await;
        assert_eq!(none.status, 200, "even where there is no repository");
        let pointer = serde_json::to_string(&subject).unwrap();
        for kind in ["text/x-one", "text/x-two"] {
            let rest = format!(r#","subject":{pointer},"artifactType":"{kind}""#);
            let pushed = server.put("a/b", "v1", &manifest_with(&rest), &[]).await;
            assert_eq!(pushed.header("oci-subject"), Some(subject.digest.as_str()));
        }
        let all = server.get(&target).await;
        let kind = MediaType::IMAGE_INDEX;
        assert_eq!(all.header("content-type"), Some(kind.as_str()));
        assert_eq!(all.text().matches("artifactType").count(), 2);
        let one = server
            .get(&format!("{target}?artifactType=text/x-one"))
            .await;
        assert_eq!(one.text().matches("artifactType").count(), 1);
        assert_eq!(one.header("oci-filters-applied"), Some("artifactType"));
    }
}
