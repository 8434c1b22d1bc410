//! Whose credentials are used: asked for once, when they are demanded, and never mixed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eigenpack_oci::{AccessError, FetchError, RegistryHost, Repository, Source as _};
use eigenpack_remote::credentials::{
    CredentialError, CredentialProvider, CredentialSource, Finding, Found,
};

use crate::fixture::blob;
use crate::guarded::{Guarded, Rules, alice, basic, for_alice, password, which};
use crate::stage::{Reply, Stage};

/// Credentials of each repository, and how often they were asked for.
#[derive(Debug, Default)]
struct ByRepository(AtomicUsize);

impl CredentialProvider for ByRepository {
    fn find(&self, _: &RegistryHost, repository: Option<&Repository>) -> Finding<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let name = match repository.map(Repository::as_str) {
            Some("a/b") => "alice",
            _ => "bob",
        };
        let found = Found {
            credential: password(name, "pw"),
            source: CredentialSource::Given,
        };
        Box::pin(async { Ok(found) })
    }
}

#[tokio::test]
async fn accounts_do_not_mix() {
    let rules = Rules {
        accounts: vec![basic("alice", "pw"), basic("bob", "pw")],
        ..Rules::default()
    };
    let guarded = Guarded::start(rules).await;
    // Two accounts on one host, in one process.
    let alices = guarded.repository(alice());
    let bobs = guarded.repository(password("bob", "pw"));
    for repository in [&alices, &bobs, &alices, &bobs] {
        repository.manifest(which()).await.unwrap_err();
    }
    let users: Vec<_> = guarded.users().into_iter().map(|(_, who)| who).collect();
    let (a, b) = (basic("alice", "pw"), basic("bob", "pw"));
    assert_eq!(users, [&a, &b, &a, &b].map(String::clone));

    // Two accounts in one client, by repository: a scope that one token has does not let it be used for the other account.
    guarded.stage.forget();
    let provider = Arc::new(ByRepository::default());
    let registry = guarded.stage.registry(Some(provider.clone()));
    let one = registry.repository("a/b".parse().unwrap());
    let two = registry.repository("c/d".parse().unwrap());
    let two = two.together_with(&one);
    for repository in [&one, &two, &one, &two] {
        repository.manifest(which()).await.unwrap_err();
    }
    for (path, who) in guarded.users() {
        let expected = if path.starts_with("/v2/a/b/") { &a } else { &b };
        assert_eq!(&who, expected, "{path}");
    }
    // Each repository's credentials were asked for once.
    assert_eq!(provider.0.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn credentials_are_asked_for_after_a_challenge_only() {
    let stage = Stage::plain(|_| Reply::new(404)).await;
    let provider = Arc::new(ByRepository::default());
    let registry = stage.registry(Some(provider.clone()));
    let source = registry.repository("a/b".parse().unwrap());
    assert!(!source.has_blob(blob(b"{}").0).await.unwrap());
    assert_eq!(provider.0.load(Ordering::SeqCst), 0);
}

#[derive(Debug)]
struct Broken;

impl CredentialProvider for Broken {
    fn find(&self, _: &RegistryHost, _: Option<&Repository>) -> Finding<'_> {
        Box::pin(async {
            Err(CredentialError::HelperMissing {
                name: "pass".into(),
                config: "/config.json".into(),
            })
        })
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_had_are_an_error() {
    let guarded = Guarded::start(Rules::default()).await;
    let registry = guarded.stage.registry(Some(Arc::new(Broken)));
    let source = registry.repository("a/b".parse().unwrap());
    let error = source.manifest(which()).await.unwrap_err();
    let FetchError::Access(AccessError::Credentials { registry, source }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(registry, guarded.stage.address.to_string());
    assert!(source.downcast_ref::<CredentialError>().is_some());
    assert_eq!(guarded.stage.count("/token"), 0);
}

#[tokio::test]
async fn credentials_can_be_checked() {
    let guarded = Guarded::start(for_alice()).await;
    guarded.client(alice()).check_credentials().await.unwrap();
    let wrong = guarded.client(password("alice", "wrong"));
    let error = wrong.check_credentials().await.unwrap_err();
    assert!(
        matches!(error, AccessError::Unauthenticated(_)),
        "{error:?}"
    );
}
