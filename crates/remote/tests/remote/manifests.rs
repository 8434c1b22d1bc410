//! Manifests written: tags, preconditions, and the registries' ways of saying no.

use eigenpack_oci::{
    AccessError, FetchError, Precondition, PushError, Source as _, Tag, TagOrDigest, Target as _,
};

use eigenpack_registry::fault::{Fault, Moment, Requests};

use crate::embedded::Embedded;
use crate::fixture::manifest;

fn tag() -> Tag {
    "v1".parse().unwrap()
}

#[tokio::test]
async fn one_request_for_each_tag_or_one_by_digest() {
    let running = Embedded::start().await;
    let target = running.repository();
    let raw = manifest("1");
    let tags = vec![tag(), "v2".parse().unwrap()];
    target
        .push_manifest(raw.clone(), tags, Precondition::Any)
        .await
        .unwrap();
    target
        .push_manifest(raw.clone(), vec![], Precondition::Any)
        .await
        .unwrap();
    let requests = running.recorder.exchanges();
    let paths: Vec<_> = requests
        .iter()
        .map(|r| r.path.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(paths, ["v1", "v2", raw.digest().as_str()]);
    for request in &requests {
        assert_eq!(
            request.header("content-type"),
            Some(raw.media_type().as_str())
        );
        assert_eq!(request.header("if-match"), None);
        assert_eq!(request.bytes_in, raw.bytes().len() as u64);
    }
    for tag in ["v1", "v2"] {
        assert_eq!(running.tagged(tag).await.as_ref(), Some(&raw));
    }
}

#[tokio::test]
async fn preconditions_are_sent_and_their_failure_is_a_conflict() {
    let running = Embedded::start().await;
    let target = running.repository();
    let (one, two) = (manifest("1"), manifest("2"));
    let push = |manifest, precondition| target.push_manifest(manifest, vec![tag()], precondition);

    push(one.clone(), Precondition::Absent).await.unwrap();
    assert_eq!(
        running.recorder.exchanges()[0].header("if-none-match"),
        Some("*")
    );
    let error = push(two.clone(), Precondition::Absent).await.unwrap_err();
    assert!(
        matches!(&error, PushError::Conflict { found: Some(found), .. } if found == one.digest()),
        "{error:?}"
    );
    // The tag names what was pushed already: somebody else's push, or a retry of our own.
    push(one.clone(), Precondition::Absent).await.unwrap();

    push(two.clone(), Precondition::Is(one.digest().clone()))
        .await
        .unwrap();
    let header = running
        .recorder
        .exchanges()
        .last()
        .unwrap()
        .header("if-match")
        .unwrap()
        .to_owned();
    assert_eq!(header, format!("\"{}\"", one.digest()));
    let error = push(manifest("3"), Precondition::Is(one.digest().clone()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, PushError::Conflict { found: Some(found), .. } if found == two.digest()),
        "{error:?}"
    );
    running.delete_tag("v1").await;
    let error = push(one, Precondition::Is(two.digest().clone()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PushError::Conflict { found: None, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_tag_that_cannot_move_is_said_to_be_immutable() {
    let running = Embedded::start().await;
    let target = running.repository();
    let (one, two) = (manifest("1"), manifest("2"));
    running.add_manifest("v1", &one).await;
    for (status, body) in [
        (
            400,
            r#"{"errors":[{"code":"TAG_INVALID","message":"The image tag 'v1' already exists and cannot be overwritten because the tag is immutable."}]}"#,
        ),
        (
            412,
            r#"{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}"#,
        ),
        (409, r#"{"errors":[{"code":"TAG_IMMUTABLE"}]}"#),
    ] {
        let refuse = || running.next(&Requests::all(), [Fault::answer(status).body(body).into()]);
        refuse();
        let error = target.push_manifest(two.clone(), vec![tag()], Precondition::Any);
        let error = error.await.unwrap_err();
        assert!(matches!(error, PushError::ImmutableTag { .. }), "{error:?}");
        // It is where it was to go: nothing had to move.
        refuse();
        target
            .push_manifest(one.clone(), vec![tag()], Precondition::Any)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn refusals_have_names() {
    let running = Embedded::start().await;
    let target = running.repository();
    let error =
        |code: &str| format!(r#"{{"errors":[{{"code":"{code}","message":"\u001b[1mno"}}]}}"#);
    let name = |error| match error {
        PushError::MissingContent(message) => format!("missing: {message}"),
        PushError::RepositoryNotFound => "repository".to_owned(),
        PushError::TooLarge { .. } => "too large".to_owned(),
        PushError::Access(AccessError::Unauthenticated(_)) => "unauthenticated".to_owned(),
        PushError::Access(AccessError::Denied(answer)) => format!("denied: {answer}"),
        PushError::Access(AccessError::Registry(answer)) => format!("registry {}", answer.status),
        other => panic!("{other:?}"),
    };
    let host = running.host.clone();
    for (status, code, expected) in [
        (400, "MANIFEST_BLOB_UNKNOWN", "missing: [1mno".to_owned()),
        (404, "MANIFEST_BLOB_UNKNOWN", "missing: [1mno".to_owned()),
        (404, "NAME_UNKNOWN", "repository".to_owned()),
        (413, "SIZE_INVALID", "too large".to_owned()),
        (401, "UNAUTHORIZED", "unauthenticated".to_owned()),
        (
            403,
            "DENIED",
            format!("denied: {host} answered 403 to PUT /v2/a/b/manifests/v1 (DENIED: [1mno)"),
        ),
        (400, "MANIFEST_INVALID", "registry 400".to_owned()),
    ] {
        running.recorder.clear();
        let refusal = Fault::answer(status).body(error(code));
        running.next(&Requests::all(), [refusal.into()]);
        let refused = target.push_manifest(manifest("1"), vec![tag()], Precondition::Any);
        assert_eq!(name(refused.await.unwrap_err()), expected);
        assert_eq!(running.recorder.exchanges().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn deletes_or_says_that_it_cannot() {
    let running = Embedded::start().await;
    let target = running.repository();
    let raw = manifest("1");
    running.add_manifest("v1", &raw).await;
    target.delete(tag().into()).await.unwrap();
    let error = target.delete(tag().into()).await.unwrap_err();
    assert!(matches!(error, PushError::ManifestNotFound(_)), "{error:?}");
    for (which, status) in [
        (TagOrDigest::Tag(tag()), 400),
        (TagOrDigest::Tag(tag()), 405),
        (TagOrDigest::Digest(raw.digest().clone()), 405),
    ] {
        running.next(&Requests::all(), [Fault::answer(status).into()]);
        let error = target.delete(which).await.unwrap_err();
        assert!(matches!(error, PushError::Unsupported(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_delete_that_was_carried_out_before_is_done() {
    let running = Embedded::start().await;
    let target = running.repository();
    for (first, is_done) in [
        (Fault::from(Fault::answer(502)), true),
        (Fault::Reset(Moment::BeforeHead), true),
        // Whoever has no time for it has not deleted it.
        (Fault::answer(429).into(), false),
        (Fault::answer(503).into(), false),
    ] {
        running.recorder.clear();
        let told = format!("{first:?}");
        running.next(&Requests::all(), [first, Fault::answer(404).into()]);
        let deleted = target.delete(tag().into()).await;
        assert_eq!(running.recorder.exchanges().len(), 2, "{told}");
        match deleted {
            Ok(()) => assert!(is_done, "{told}"),
            Err(PushError::ManifestNotFound(_)) => assert!(!is_done, "{told}"),
            Err(other) => panic!("{other:?}: {told}"),
        }
    }
}

#[tokio::test]
async fn an_absent_repository_is_not_an_absent_manifest() {
    let running = Embedded::start().await;
    let source = running.repository();
    let error = source.manifest(tag().into()).await.unwrap_err();
    assert!(matches!(error, FetchError::RepositoryNotFound), "{error:?}");
    running.add_manifest("v2", &manifest("2")).await;
    let error = source.manifest(tag().into()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::ManifestNotFound(_)),
        "{error:?}"
    );
}
