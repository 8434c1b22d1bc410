//! What is said of a refusal: by whom, of whose credentials, and what was lacking.

use std::sync::Arc;

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{
    AccessError, AnsweredBy, FetchError, RegistryAnswer, Secret, Source as _, UsedCredentials,
};
use eigenpack_remote::RemoteRegistry;
use eigenpack_remote::credentials::GivenCredentials;

use crate::fixture::options;
use crate::guarded::{Guarded, alice, basic, for_alice, password, which};
use crate::stage::{Reply, Stage};

#[tokio::test]
async fn what_no_header_can_hold_is_refused_at_once() {
    let stage = Stage::plain(|_| Reply::challenge("Bearer realm=\"http://127.0.0.1/\"")).await;
    let token = Credential::RegistryToken(Secret::new("t0ken\nof-alice".into()));
    let registry = stage.registry(Some(Arc::new(GivenCredentials::new(token))));
    let source = registry.repository("a/b".parse().unwrap());
    let error = source.manifest(which()).await.unwrap_err();
    let FetchError::Access(AccessError::Refused { host, reason }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(host, stage.address.to_string());
    assert!(reason.contains("authorization"), "{reason}");
    assert!(!reason.contains("alice"), "{reason}");
    // It was never sent, and nothing was tried again.
    assert_eq!(stage.requests().len(), 1);

    let mut options = options();
    options.user_agent = "me\r\nx-injected: 1".to_owned();
    let error = RemoteRegistry::new(stage.host(), options).unwrap_err();
    let AccessError::Refused { reason, .. } = error else {
        panic!("{error:?}");
    };
    assert!(reason.contains("the user agent"), "{reason}");
}

fn unauthenticated(error: FetchError) -> (String, RegistryAnswer) {
    let text = error.to_string();
    match error {
        FetchError::Access(AccessError::Unauthenticated(answer)) => (text, *answer),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_says_who_refused_whose_credentials() {
    // Nobody has credentials.
    let guarded = Guarded::start(for_alice()).await;
    let host = guarded.stage.address.to_string();
    let source = guarded.repository(Credential::Anonymous);
    let (text, answer) = unauthenticated(source.manifest(which()).await.unwrap_err());
    assert_eq!(
        text,
        format!("{host} wants credentials for a/b, and there are none")
    );
    assert_eq!(answer.asked.credentials, None);
    assert_eq!(answer.asked.answered_by, AnsweredBy::TokenService);

    // The token service does not accept them, and they are not tried twice.
    guarded.stage.forget();
    let source = guarded.repository(password("alice", "wrong"));
    let (text, answer) = unauthenticated(source.manifest(which()).await.unwrap_err());
    let used = UsedCredentials {
        username: Some("alice".into()),
        source: None,
    };
    assert_eq!(answer.asked.credentials, Some(used));
    assert_eq!(
        (answer.status, answer.request.as_str()),
        (401, "GET /token")
    );
    assert_eq!(answer.message.as_deref(), Some("who are you?"));
    assert_eq!(
        text,
        format!("{host} does not accept the credentials of alice that were given")
    );
    assert_eq!(guarded.stage.count("/token"), 1);

    // The registry itself does not.
    guarded.set(|rules| rules.basic = Some(basic("alice", "pw")));
    guarded.stage.forget();
    let source = guarded.repository(password("alice", "wrong"));
    for _ in 0..2 {
        let (_, answer) = unauthenticated(source.manifest(which()).await.unwrap_err());
        assert_eq!(answer.asked.answered_by, AnsweredBy::Registry);
        assert!(answer.asked.credentials.is_some());
    }
    // Once sent with the first request, once without, which is how the second one learns of it.
    assert_eq!(guarded.stage.requests().len(), 4);
}

#[tokio::test]
async fn a_403_is_final() {
    let guarded = Stage::plain(|seen| {
        let reply = if seen.header("authorization").is_some() {
            Reply::new(403)
        } else {
            Reply::new(401)
        };
        reply.header("www-authenticate", "Basic realm=\"x\"")
    })
    .await;
    let provider = Arc::new(GivenCredentials::new(alice()));
    let registry = guarded.registry(Some(provider));
    let source = registry.repository("a/b".parse().unwrap());
    let error = source.manifest(which()).await.unwrap_err();
    let FetchError::Access(AccessError::Denied(answer)) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(answer.asked.missing_scope, None);
    assert_eq!(
        error.to_string(),
        format!(
            "{} denies pull access to a/b for the credentials of alice that were given",
            guarded.address
        )
    );
    assert_eq!(guarded.requests().len(), 2);
}

#[tokio::test]
async fn a_token_service_that_fails_is_named() {
    for (reply, status, message) in [
        (Reply::new(501), 501, None),
        (
            Reply::new(200).body("<html>"),
            200,
            Some("the token service's answer is not JSON"),
        ),
    ] {
        let stage = Stage::plain(move |seen| match seen.path() {
            "/token" => reply.clone(),
            _ => Reply::challenge(format!("Bearer realm=\"http://{}/token\"", seen.host)),
        })
        .await;
        let source = stage.registry(None).repository("a/b".parse().unwrap());
        let error = source.manifest(which()).await.unwrap_err();
        let FetchError::Access(AccessError::Registry(answer)) = error else {
            panic!("{error:?}")
        };
        assert_eq!(answer.asked.answered_by, AnsweredBy::TokenService);
        assert_eq!(
            (answer.status, answer.message.as_deref()),
            (status, message)
        );
    }
}
