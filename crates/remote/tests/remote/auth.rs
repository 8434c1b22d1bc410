//! Anonymous tokens: got once, used for everything.

use eigenpack_oci::{AccessError, FetchError, Precondition, Source as _, TagOrDigest, Target as _};

use crate::fixture::{blob, manifest, read, repository};
use crate::registry::{Behaviour, Running};
use crate::server::Reply;

fn which() -> TagOrDigest {
    TagOrDigest::Tag("v1".parse().unwrap())
}

#[tokio::test]
async fn one_token_does_for_a_whole_push() {
    let running = Running::start(Behaviour {
        bearer: true,
        ..Behaviour::default()
    })
    .await;
    let target = repository(&running).for_writing();
    target.manifest(which()).await.unwrap_err();
    let (descriptor, content) = blob(b"{}");
    target.push_blob(descriptor, content).await.unwrap();
    let tags = vec!["v1".parse().unwrap()];
    target
        .push_manifest(manifest("1"), tags, Precondition::Absent)
        .await
        .unwrap();
    assert_eq!(
        running.server.summaries(),
        [
            "GET manifests",
            "GET token ?service&scope",
            "GET manifests",
            "POST uploads ?digest",
            "PUT manifests"
        ]
    );
    let requests = running.server.requests();
    assert_eq!(requests[1].header("authorization"), None);
    assert!(
        requests[1]
            .query
            .as_ref()
            .unwrap()
            .contains("scope=repository%3Aa%2Fb%3Apull%2Cpush")
    );
}

#[tokio::test]
async fn requests_that_are_refused_together_share_a_token() {
    let running = Running::start(Behaviour {
        bearer: true,
        ..Behaviour::default()
    })
    .await;
    running.add_blob(b"one");
    running.add_blob(b"two");
    let source = repository(&running);
    let (one, two) = tokio::join!(
        source.has_blob(blob(b"one").0),
        source.has_blob(blob(b"two").0)
    );
    assert!(one.unwrap() && two.unwrap());
    let tokens = running.server.summaries();
    assert_eq!(
        tokens.iter().filter(|s| s.contains("token")).count(),
        1,
        "{tokens:?}"
    );
}

#[tokio::test]
async fn a_refusal_after_a_token_is_final() {
    let running = Running::start(Behaviour {
        bearer: true,
        ..Behaviour::default()
    })
    .await;
    let source = repository(&running);
    let refuse = || {
        let realm = format!("http://{}/token", running.server.address);
        Reply::new(401).header("www-authenticate", format!(r#"Bearer realm="{realm}""#))
    };
    running.script("GET", "/manifests/", refuse());
    running.script("GET", "/manifests/", refuse());
    let error = source.manifest(which()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::Unauthenticated(_))),
        "{error:?}"
    );
    assert_eq!(
        running.server.summaries(),
        ["GET manifests", "GET token ?scope", "GET manifests"]
    );
}

#[tokio::test]
async fn what_comes_back_from_elsewhere_is_not_trusted_again() {
    let elsewhere = Running::start(Behaviour::default()).await;
    let behaviour = Behaviour {
        blobs_at: Some(format!("http://{}", elsewhere.server.address)),
        bearer: true,
        ..Behaviour::default()
    };
    let running = Running::start(behaviour).await;
    running.add_blob(b"{}");
    let back = format!("http://{}/v2/a/b/manifests/v1", running.server.address);
    elsewhere.script("GET", "/blobs/", Reply::new(307).header("location", back));
    let error = read(&repository(&running), &blob(b"{}").0, 0)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::Unauthenticated(_))),
        "{error:?}"
    );
    let requests = running.server.requests();
    assert_eq!(requests.last().unwrap().path, "/v2/a/b/manifests/v1");
    assert_eq!(requests.last().unwrap().header("authorization"), None);
    assert_eq!(requests.len(), 4);
}

#[tokio::test]
async fn a_token_service_that_is_busy_is_asked_again_and_one_that_fails_is_named() {
    let running = Running::start(Behaviour {
        bearer: true,
        ..Behaviour::default()
    })
    .await;
    let source = repository(&running);
    running.script("GET", "/token", Reply::new(503));
    assert!(!source.has_blob(blob(b"{}").0).await.unwrap());
    running.script("GET", "/token", Reply::new(501));
    let fresh = repository(&running);
    let error = fresh.manifest(which()).await.unwrap_err();
    assert!(
        matches!(&error, FetchError::Access(AccessError::Registry(answer)) if answer.status == 501),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_demand_for_a_password_is_not_answered() {
    let running = Running::start(Behaviour::default()).await;
    let demand = Reply::new(401).header("www-authenticate", "Basic realm=\"x\"");
    running.script("GET", "/manifests/", demand);
    let error = repository(&running).manifest(which()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::Unauthenticated(_))),
        "{error:?}"
    );
    assert_eq!(running.server.requests().len(), 1);
}

#[tokio::test]
async fn a_token_is_not_asked_for_where_it_would_go_astray() {
    let running = Running::start(Behaviour::default()).await;
    for realm in [
        "http://registry.test/token",
        "http://me@127.0.0.1/token",
        "/token",
    ] {
        let challenge = format!(r#"Bearer realm="{realm}""#);
        running.script(
            "GET",
            "/manifests/",
            Reply::new(401).header("www-authenticate", challenge),
        );
        let error = repository(&running).manifest(which()).await.unwrap_err();
        assert!(
            matches!(error, FetchError::Access(AccessError::Refused { .. })),
            "{error:?}"
        );
    }
}
