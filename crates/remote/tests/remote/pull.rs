//! Pulls: the request plan, redirects, and content that is not what it should be.

use eigenpack_oci::{
    AccessError, Descriptor, FetchError, Source as _, TagOrDigest, VerifyError, fetch_blob,
};

use eigenpack_registry::fault::{Fault, Feature, Requests};

use crate::embedded::Embedded;
use crate::fixture::{
    blob, large, manifest, options, read, repository, repository_with, wrong_digest,
};
use crate::registry::{Behaviour, Running};
use crate::server::{Reply, ReplyFault};

#[tokio::test]
async fn an_artifact_takes_a_request_for_the_manifest_and_one_for_each_blob() {
    let running = Embedded::start().await;
    running.add_manifest("v1", &manifest("1")).await;
    running.add_blob(b"{}").await;
    running.add_blob(b"name: my-avs\n").await;
    let source = running.repository();
    let raw = manifest("1");
    for which in [
        TagOrDigest::Tag("v1".parse().unwrap()),
        TagOrDigest::Digest(raw.digest().clone()),
    ] {
        running.recorder.clear();
        assert_eq!(source.manifest(which).await.unwrap(), raw);
        let (config, spec) = tokio::join!(
            fetch_blob(&source, blob(b"{}").0, 100),
            fetch_blob(&source, blob(b"name: my-avs\n").0, 100),
        );
        assert_eq!(
            (config.unwrap(), spec.unwrap()),
            ("{}".into(), "name: my-avs\n".into())
        );
        assert_eq!(
            running.recorder.summaries(),
            ["GET manifest", "GET blob", "GET blob"]
        );
    }
    let agent = running.recorder.exchanges()[0]
        .header("user-agent")
        .unwrap()
        .to_owned();
    assert_eq!(agent, format!("eigenpack/{}", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn redirects_end() {
    let running = Embedded::with(Requests::all(), Fault::redirect("?again")).await;
    let error = read(&running.repository(), &blob(b"{}").0, 0)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::Refused { .. })),
        "{error:?}"
    );
    assert_eq!(running.recorder.exchanges().len(), 6);
}

#[tokio::test]
async fn a_blob_that_is_not_its_descriptor_is_refused() {
    let running = Embedded::start().await;
    let source = running.repository();
    let (descriptor, _) = blob(b"good");
    for (body, expected) in [
        ("evil", "wrong digest"),
        ("goo", "too short"),
        ("good and more", "too long"),
    ] {
        running.recorder.clear();
        running.next(&Requests::all(), [Fault::answer(200).body(body).into()]);
        let error = read(&source, &descriptor, 0).await.unwrap_err();
        let found = match error {
            FetchError::Verify(VerifyError::WrongDigest { .. }) => "wrong digest",
            FetchError::Verify(VerifyError::TooShort { .. }) => "too short",
            FetchError::Verify(VerifyError::TooLong { .. }) => "too long",
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected);
        // What was delivered as announced is not asked for again.
        assert_eq!(running.recorder.exchanges().len(), 1);
    }
}

#[tokio::test]
async fn reads_from_an_offset_with_or_without_ranges() {
    for ranges in [true, false] {
        let running = Embedded::start().await;
        if !ranges {
            running.next(&Requests::all(), [Fault::Ignore(Feature::Range)]);
        }
        running.add_blob(&large()).await;
        let source = running.repository();
        let (descriptor, _) = blob(&large());
        let rest = read(&source, &descriptor, 123_456).await.unwrap();
        assert_eq!(rest, large()[123_456..]);
        assert_eq!(
            running.recorder.exchanges()[0].header("range"),
            Some("bytes=123456-")
        );
    }
    let running = Embedded::start().await;
    let source = running.repository();
    let (descriptor, _) = blob(b"good");
    assert_eq!(read(&source, &descriptor, 4).await.unwrap(), b"");
    let error = read(&source, &descriptor, 5).await.unwrap_err();
    assert!(matches!(error, FetchError::Malformed(_)), "{error:?}");
    assert_eq!(running.recorder.exchanges().len(), 0);
    let part = |range: &str, body: &str| {
        let range = format!("bytes {range}/4");
        let answer = Fault::answer(206)
            .header("content-range", &range)
            .body(body);
        running.next(&Requests::all(), [answer.into()]);
    };
    part("1-3", "ood");
    let error = read(&source, &descriptor, 2).await.unwrap_err();
    assert!(matches!(error, FetchError::Malformed(_)), "{error:?}");
    part("2-3", "odd");
    let error = read(&source, &descriptor, 2).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Verify(VerifyError::TooLong { .. })),
        "{error:?}"
    );
    part("2-3", "o");
    let error = read(&source, &descriptor, 2).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Verify(VerifyError::TooShort { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn tells_whether_a_blob_is_there() {
    let running = Embedded::start().await;
    running.add_blob(b"there").await;
    let source = running.repository();
    assert!(source.has_blob(blob(b"there").0).await.unwrap());
    assert!(!source.has_blob(blob(b"absent").0).await.unwrap());
    let absent: Descriptor = blob(b"absent").0;
    let error = read(&source, &absent, 0).await.unwrap_err();
    assert!(matches!(error, FetchError::BlobNotFound(digest) if digest == absent.digest));
}

#[tokio::test]
async fn manifests_are_capped_and_verified() {
    let running = Embedded::start().await;
    let source = running.repository();
    let tag = || TagOrDigest::Tag("v1".parse().unwrap());
    let raw = manifest("1");
    running.add_manifest("v1", &raw).await;
    let next = |fault| running.next(&Requests::all(), [fault]);

    // A registry may state no digest; one that it states must be right.
    next(Fault::without_header("docker-content-digest"));
    assert_eq!(source.manifest(tag()).await.unwrap(), raw);
    next(Fault::Digest(wrong_digest()));
    let error = source.manifest(tag()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Verify(VerifyError::WrongDigest { .. })),
        "{error:?}"
    );
    let json = std::str::from_utf8(raw.bytes()).unwrap();
    let media_type = raw.media_type().as_str();
    let answer = Fault::answer(200).header("content-type", media_type);
    next(answer.body(json).into());
    let other = manifest("2").digest().clone();
    let error = source.manifest(other.into()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Verify(VerifyError::WrongDigest { .. })),
        "{error:?}"
    );

    next(Fault::Length(4 * 1024 * 1024 + 1));
    let error = source.manifest(tag()).await.unwrap_err();
    assert!(
        matches!(
            error,
            FetchError::TooLarge {
                limit: 4_194_304,
                ..
            }
        ),
        "{error:?}"
    );
    next(Fault::answer(200).body("<html>log in</html>").into());
    let error = source.manifest(tag()).await.unwrap_err();
    assert!(matches!(error, FetchError::Manifest(_)), "{error:?}");
}

#[tokio::test]
async fn a_manifest_is_capped_where_its_length_is_not_announced() {
    // Our own registry always announces lengths.
    let running = Running::start(Behaviour::default()).await;
    let raw = manifest("1");
    let mut small = options();
    small.max_manifest_size = raw.bytes().len() as u64 - 1;
    let reply = Reply::new(200).body(raw.bytes().to_vec());
    running.script("GET", "/manifests/", reply.broken(ReplyFault::Unannounced));
    let source = repository_with(&running, small);
    let tag = TagOrDigest::Tag("v1".parse().unwrap());
    let error = source.manifest(tag).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error:?}");
}

// What follows needs a script: a token, or lengths that do not go with what is sent.

#[tokio::test]
async fn a_redirect_is_followed_and_its_target_learns_nothing() {
    let storage = Running::start(Behaviour::default()).await;
    storage.add_blob(&large());
    let behaviour = Behaviour {
        blobs_at: Some(format!("http://{}", storage.server.address)),
        bearer: true,
        ..Behaviour::default()
    };
    let running = Running::start(behaviour).await;
    running.add_blob(&large());
    let source = repository(&running);
    let (descriptor, _) = blob(&large());
    assert_eq!(read(&source, &descriptor, 0).await.unwrap(), large());
    let redirected = &storage.server.requests()[0];
    assert_eq!(redirected.header("authorization"), None);
    assert_eq!(redirected.query.as_deref(), Some("signature=s3cr3t"));
    assert_eq!(redirected.header("referer"), None);

    // Its 401 is final, whatever it demands.
    let challenge = format!(r#"Bearer realm="http://{}/token""#, running.server.address);
    storage.script(
        "GET",
        "/blobs/",
        Reply::new(401).header("www-authenticate", challenge),
    );
    running.server.forget();
    let error = read(&source, &descriptor, 0).await.unwrap_err();
    let FetchError::Access(AccessError::Unauthenticated(answer)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(answer.host, storage.server.address.to_string());
    assert!(!answer.request.contains("s3cr3t"));
    assert_eq!(running.server.summaries(), ["GET blobs"]);
}

#[tokio::test]
async fn a_length_that_lies_is_found_out() {
    let running = Running::start(Behaviour::default()).await;
    let (descriptor, _) = blob(b"good");
    let source = repository(&running);
    let less = Reply::new(200).body("good").broken(ReplyFault::Announce(2));
    running.script("GET", "/blobs/", less);
    let error = read(&source, &descriptor, 0).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Verify(VerifyError::TooShort { .. })),
        "{error:?}"
    );
    // More announced than there is looks like a broken connection each time; the size ends it.
    for _ in 0..9 {
        let more = Reply::new(200)
            .body("goodgood")
            .broken(ReplyFault::Announce(100));
        running.script("GET", "/blobs/", more);
    }
    let error = read(&source, &descriptor, 0).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Verify(VerifyError::TooLong { .. })),
        "{error:?}"
    );
}
