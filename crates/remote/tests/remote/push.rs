//! Pushes: the requests that they take.

use eigenpack_oci::{
    Algorithm, Content, Descriptor, Precondition, PushError, Pushed, Tag, Target as _, VerifyError,
};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Feature, Requests};

use crate::embedded::Embedded;
use crate::fixture::{blob, large, manifest, pieces, repository, wrong_digest};
use crate::registry::{Behaviour, Running};

fn tag() -> Tag {
    "v1".parse().unwrap()
}

fn starts() -> Requests {
    Requests::to(Endpoint::UploadStart)
}

#[tokio::test]
async fn a_location_is_used_as_it_is() {
    // Our own registry gives locations of one form only: a path without a query.
    for absolute_locations in [false, true] {
        let running = Running::start(Behaviour {
            sessions_only: true,
            absolute_locations,
            ..Behaviour::default()
        })
        .await;
        let (descriptor, content) = blob(b"{}");
        let pushed = repository(&running).push_blob(descriptor, content).await;
        assert_eq!(pushed.unwrap(), Pushed::Uploaded);
        assert!(running.has_blob(b"{}"));
        assert_eq!(
            running.server.summaries(),
            ["POST uploads ?digest", "PUT uploads ?_state&digest"]
        );
    }
}

#[tokio::test]
async fn what_a_host_does_not_take_is_remembered() {
    for fault in [
        Fault::Ignore(Feature::SinglePost),
        Fault::answer(405).into(),
    ] {
        let running = Embedded::start().await;
        running.next(&starts(), [fault]);
        let target = running.repository();
        let (descriptor, content) = blob(b"one");
        target.push_blob(descriptor, content).await.unwrap();
        running.recorder.clear();
        let (descriptor, content) = blob(b"two");
        target.clone().push_blob(descriptor, content).await.unwrap();
        assert!(running.has_blob(b"one").await && running.has_blob(b"two").await);
        assert_eq!(
            running.recorder.summaries(),
            ["POST upload-start", "PUT upload-close ?digest"]
        );
        let exchanges = running.recorder.exchanges();
        assert_eq!((exchanges[0].bytes_in, exchanges[1].bytes_in), (0, 3));
    }
}

#[tokio::test]
async fn a_large_blob_is_asked_for_and_started_in_one_request() {
    let running = Embedded::start().await;
    let target = running.repository();
    for (content, expected, requests) in [
        (Content::Bytes(large().into()), Pushed::Uploaded, 2),
        (pieces(&large(), 7_777), Pushed::Existed, 1),
    ] {
        running.recorder.clear();
        let (descriptor, _) = blob(&large());
        let pushed = target.push_blob(descriptor, content).await;
        assert_eq!(pushed.unwrap(), expected);
        let exchanges = running.recorder.exchanges();
        assert_eq!(exchanges.len(), requests);
        assert_eq!(exchanges[0].summary(), "POST upload-start ?mount&from");
        assert_eq!(exchanges[0].bytes_in, 0);
    }
    assert!(running.has_blob(&large()).await);
}

#[tokio::test]
async fn a_large_blob_is_streamed_and_its_length_announced() {
    let running = Embedded::with(starts(), Fault::Ignore(Feature::Mount)).await;
    let (descriptor, _) = blob(&large());
    let target = running.repository();
    let pushed = target.push_blob(descriptor, pieces(&large(), 150_001));
    assert_eq!(pushed.await.unwrap(), Pushed::Uploaded);
    let put = &running.recorder.exchanges()[1];
    assert_eq!(put.header("content-length"), Some("400000"));
    assert_eq!(put.header("content-type"), Some("application/octet-stream"));
    assert!(running.has_blob(&large()).await);
}

#[tokio::test]
async fn where_mounts_are_refused_a_head_asks() {
    let running = Embedded::start().await;
    running.next(&starts(), [Fault::answer(400).into()]);
    let target = running.repository();
    let (descriptor, content) = blob(&large());
    let pushed = target.push_blob(descriptor.clone(), content.clone()).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert_eq!(
        running.recorder.summaries(),
        [
            "POST upload-start ?mount&from",
            "HEAD blob",
            "POST upload-start",
            "PUT upload-close ?digest"
        ]
    );
    running.recorder.clear();
    let pushed = target.push_blob(descriptor.clone(), content.clone());
    assert_eq!(pushed.await.unwrap(), Pushed::Existed);
    assert_eq!(running.recorder.summaries(), ["HEAD blob"]);

    // What is there is not sent to be refused, by whoever does not know yet.
    running.recorder.clear();
    running.next(&starts(), [Fault::answer(400).into()]);
    let pushed = running.repository().push_blob(descriptor, content).await;
    assert_eq!(pushed.unwrap(), Pushed::Existed);
    assert_eq!(
        running.recorder.summaries(),
        ["POST upload-start ?mount&from", "HEAD blob"]
    );
}

#[tokio::test]
async fn where_mounts_are_ignored_a_head_asks_before_much_is_sent() {
    let running = Embedded::with(starts(), Fault::Ignore(Feature::Mount)).await;
    let huge = vec![7; 1_100_000];
    let (descriptor, content) = blob(&huge);
    running.add_blob(&huge).await;
    running.recorder.clear();
    let target = running.repository();
    let pushed = target.push_blob(descriptor.clone(), content.clone());
    assert_eq!(pushed.await.unwrap(), Pushed::Existed);
    assert_eq!(
        running.recorder.summaries(),
        [
            "POST upload-start ?mount&from",
            "HEAD blob",
            "DELETE upload-cancel"
        ]
    );
    // It is known now.
    running.recorder.clear();
    let pushed = target.push_blob(descriptor, content).await;
    assert_eq!(pushed.unwrap(), Pushed::Existed);
    assert_eq!(running.recorder.summaries(), ["HEAD blob"]);
}

#[tokio::test]
async fn content_that_is_not_its_descriptor_is_never_acknowledged() {
    let running = Embedded::start().await;
    let target = running.repository();
    let (good, _) = blob(&large());
    let shorter = &large()[1..];
    let longer = [&large(), b"x".as_slice()].concat();
    let mut other = large();
    other[0] ^= 1;
    for content in [shorter, &longer, &other] {
        for content in [
            pieces(content, 9_999),
            Content::Bytes(content.to_vec().into()),
        ] {
            let error = target.push_blob(good.clone(), content).await.unwrap_err();
            assert!(matches!(error, PushError::Verify(_)), "{error:?}");
        }
    }
    assert!(!running.has_blob(&large()).await);
    let unknown = Descriptor::new(good.media_type, "blake3:ab".parse().unwrap(), 1);
    let error = target
        .push_blob(unknown, Content::Bytes("x".into()))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        PushError::Verify(VerifyError::UnknownAlgorithm { .. })
    ));
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_said_to_be() {
    let running = Embedded::start().await;
    let name_unknown = r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#;
    running.next(&starts(), [Fault::answer(404).body(name_unknown).into()]);
    let (descriptor, content) = blob(b"{}");
    let error = running
        .repository()
        .push_blob(descriptor, content)
        .await
        .unwrap_err();
    assert!(matches!(error, PushError::RepositoryNotFound), "{error:?}");
    assert_eq!(running.recorder.exchanges().len(), 1);
}

#[tokio::test]
async fn another_digest_than_sent_is_an_error() {
    let running = Embedded::with(Requests::all(), Fault::Digest(wrong_digest())).await;
    let target = running.repository();
    let (descriptor, content) = blob(b"{}");
    let error = target.push_blob(descriptor, content).await.unwrap_err();
    assert!(
        matches!(error, PushError::StoredOtherwise { .. }),
        "{error:?}"
    );
    let error = target.push_manifest(manifest("1"), vec![tag()], Precondition::Any);
    let error = error.await.unwrap_err();
    assert!(
        matches!(error, PushError::StoredOtherwise { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_digest_by_another_algorithm_is_compared_where_the_content_is_still_there() {
    let sha512 = |content: &[u8]| {
        let mut hasher = Algorithm::Sha512.hasher().unwrap();
        hasher.update(content);
        hasher.finish()
    };
    let raw = manifest("1");
    let running = Embedded::with(Requests::all(), Fault::Digest(sha512(raw.bytes()))).await;
    let target = running.repository();
    let push = || target.push_manifest(raw.clone(), vec![tag()], Precondition::Any);
    push().await.unwrap();
    let (descriptor, content) = blob(b"{}");
    target.push_blob(descriptor, content).await.unwrap();

    let wrong = Fault::Digest(sha512(b"something else"));
    running
        .faults
        .replace(FaultPlan::new().rule(Requests::all(), wrong));
    let error = push().await.unwrap_err();
    assert!(
        matches!(error, PushError::StoredOtherwise { .. }),
        "{error:?}"
    );
}
