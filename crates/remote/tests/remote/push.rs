//! Pushes: the request plans, counted.

use eigenpack_oci::{
    Content, Descriptor, FetchError, Precondition, PushError, Pushed, Source as _, Tag,
    TagOrDigest, Target as _, VerifyError,
};
use eigenpack_remote::RemoteRepository;

use crate::fixture::{blob, large, manifest, pieces, repository, wrong_digest};
use crate::registry::{Behaviour, Mount, Running, SinglePost};

fn tag() -> Tag {
    "v1".parse().unwrap()
}

/// Pushes an artifact of two small blobs as a publisher does: the tag is read, the blobs go side by side, the manifest last.
async fn push_artifact(target: &RemoteRepository) {
    let absent = target.manifest(TagOrDigest::Tag(tag())).await;
    assert!(
        matches!(absent, Err(FetchError::ManifestNotFound(_))),
        "{absent:?}"
    );
    push_blobs(target).await;
    let pushed = target.push_manifest(manifest("1"), vec![tag()], Precondition::Absent);
    pushed.await.unwrap();
}

async fn push_blobs(target: &RemoteRepository) {
    let ((config, config_bytes), (spec, spec_bytes)) = (blob(b"{}"), blob(b"name: my-avs\n"));
    let (one, two) = tokio::join!(
        target.push_blob(config, config_bytes),
        target.push_blob(spec, spec_bytes),
    );
    assert_eq!(
        (one.unwrap(), two.unwrap()),
        (Pushed::Uploaded, Pushed::Uploaded)
    );
}

fn assert_pushed(running: &Running) {
    assert!(running.has_blob(b"{}") && running.has_blob(b"name: my-avs\n"));
    let content = running.registry.content.lock().unwrap();
    assert_eq!(content.manifests["v1"].1, manifest("1").bytes().as_ref());
}

#[tokio::test]
async fn a_new_artifact_takes_four_requests_where_single_posts_are_taken() {
    let running = Running::start(Behaviour {
        gather: 2,
        ..Behaviour::default()
    })
    .await;
    push_artifact(&repository(&running)).await;
    assert_pushed(&running);
    assert_eq!(
        running.server.summaries(),
        [
            "GET manifests",
            "POST uploads ?digest",
            "POST uploads ?digest",
            "PUT manifests"
        ]
    );
    assert_eq!(running.server.trips(), 3);
    assert_eq!(running.server.connections(), 2);
}

#[tokio::test]
async fn a_new_artifact_takes_six_requests_elsewhere() {
    for absolute_locations in [false, true] {
        let behaviour = Behaviour {
            single_post: SinglePost::Accepted,
            gather: 2,
            absolute_locations,
            ..Behaviour::default()
        };
        let running = Running::start(behaviour).await;
        push_artifact(&repository(&running)).await;
        assert_pushed(&running);
        let mut summaries = running.server.summaries();
        summaries[1..3].sort();
        assert_eq!(
            summaries,
            [
                "GET manifests",
                "POST uploads ?digest",
                "POST uploads ?digest",
                "PUT uploads ?_state&digest",
                "PUT uploads ?_state&digest",
                "PUT manifests"
            ]
        );
        assert_eq!(running.server.trips(), 4);
    }
}

#[tokio::test]
async fn what_a_host_does_not_take_is_remembered() {
    for single_post in [SinglePost::Accepted, SinglePost::Refused(405)] {
        let running = Running::start(Behaviour {
            single_post,
            ..Behaviour::default()
        })
        .await;
        let target = repository(&running);
        let (descriptor, content) = blob(b"one");
        target.push_blob(descriptor, content).await.unwrap();
        running.server.forget();
        let (descriptor, content) = blob(b"two");
        target.clone().push_blob(descriptor, content).await.unwrap();
        assert_eq!(
            running.server.summaries(),
            ["POST uploads", "PUT uploads ?_state&digest"]
        );
        let bodies = running.server.requests();
        assert_eq!(
            (bodies[0].body.len(), bodies[1].body.as_slice()),
            (0, b"two".as_slice())
        );
    }
}

#[tokio::test]
async fn a_large_blob_is_asked_for_and_started_in_one_request() {
    let running = Running::start(Behaviour::default()).await;
    let target = repository(&running);
    for (content, expected, requests) in [
        (Content::Bytes(large().into()), Pushed::Uploaded, 2),
        (pieces(&large(), 7_777), Pushed::Existed, 1),
    ] {
        running.server.forget();
        let (descriptor, _) = blob(&large());
        assert_eq!(
            target.push_blob(descriptor, content).await.unwrap(),
            expected
        );
        let summaries = running.server.summaries();
        assert_eq!(summaries.len(), requests);
        assert_eq!(summaries[0], "POST uploads ?mount&from");
        assert_eq!(running.server.requests()[0].body, b"");
    }
    assert!(running.has_blob(&large()));
}

#[tokio::test]
async fn a_large_blob_is_streamed_and_its_length_announced() {
    let behaviour = Behaviour {
        mount: Mount::AlwaysAccepted,
        ..Behaviour::default()
    };
    let running = Running::start(behaviour).await;
    let (descriptor, _) = blob(&large());
    let target = repository(&running);
    let pushed = target.push_blob(descriptor, pieces(&large(), 150_001));
    assert_eq!(pushed.await.unwrap(), Pushed::Uploaded);
    let put = &running.server.requests()[1];
    assert_eq!(put.header("content-length"), Some("400000"));
    assert_eq!(put.header("content-type"), Some("application/octet-stream"));
    assert!(running.has_blob(&large()));
}

#[tokio::test]
async fn where_mounts_are_refused_a_head_asks() {
    let behaviour = Behaviour {
        mount: Mount::Refused(400),
        ..Behaviour::default()
    };
    let running = Running::start(behaviour).await;
    let target = repository(&running);
    let (descriptor, content) = blob(&large());
    target
        .push_blob(descriptor.clone(), content.clone())
        .await
        .unwrap();
    assert_eq!(
        running.server.summaries(),
        [
            "POST uploads ?mount&from",
            "POST uploads",
            "PUT uploads ?_state&digest"
        ]
    );
    running.server.forget();
    assert_eq!(
        target.push_blob(descriptor, content).await.unwrap(),
        Pushed::Existed
    );
    assert_eq!(running.server.summaries(), ["HEAD blobs"]);
}

#[tokio::test]
async fn content_that_is_not_its_descriptor_is_never_acknowledged() {
    let running = Running::start(Behaviour::default()).await;
    let target = repository(&running);
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
    assert!(!running.has_blob(&large()));
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
    let running = Running::start(Behaviour::default()).await;
    let name_unknown = r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#;
    running.script(
        "POST",
        "/uploads/",
        crate::server::Reply::new(404).body(name_unknown),
    );
    let (descriptor, content) = blob(b"{}");
    let error = repository(&running)
        .push_blob(descriptor, content)
        .await
        .unwrap_err();
    assert!(matches!(error, PushError::RepositoryNotFound), "{error:?}");
    assert_eq!(running.server.requests().len(), 1);
}

#[tokio::test]
async fn another_digest_than_sent_is_an_error() {
    let running = Running::start(Behaviour::default()).await;
    let wrong = wrong_digest().to_string();
    let reply = crate::server::Reply::new(201).header("docker-content-digest", wrong);
    running.script("POST", "/uploads/", reply.clone());
    running.script("PUT", "/manifests/", reply);
    let target = repository(&running);
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
