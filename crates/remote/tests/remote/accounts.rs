//! Whose credentials are used: asked for once, when they are demanded, and never mixed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use eigenpack_oci::distribution::Credential;
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

/// Cannot find anything, and counts how often it should.
#[derive(Debug, Default)]
struct Broken(AtomicUsize);

impl CredentialProvider for Broken {
    fn find(&self, _: &RegistryHost, _: Option<&Repository>) -> Finding<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
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
    let registry = guarded.stage.registry(Some(Arc::new(Broken::default())));
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

#[tokio::test]
async fn why_there_are_no_credentials_is_for_those_who_asked_together() {
    let guarded = Guarded::start(Rules::default()).await;
    let provider = Arc::new(Broken::default());
    let registry = guarded.stage.registry(Some(provider.clone()));
    let source = registry.repository("a/b".parse().unwrap());
    for asked in 1..=2 {
        let all = (0..30).map(|_| source.manifest(which()));
        for result in futures_util::future::join_all(all).await {
            let error = result.unwrap_err();
            assert!(
                matches!(error, FetchError::Access(AccessError::Credentials { .. })),
                "{error:?}"
            );
        }
        assert_eq!(provider.0.load(Ordering::SeqCst), asked);
    }
}

/// Remembers Alice's password until it is told that it was refused, and takes the next one then.
#[derive(Debug)]
struct Remembering {
    /// The one that is remembered, and those to come.
    passwords: Mutex<Vec<&'static str>>,
    asked: AtomicUsize,
    refused: AtomicUsize,
}

impl Remembering {
    fn new(mut passwords: Vec<&'static str>) -> Arc<Self> {
        passwords.reverse();
        Arc::new(Self {
            passwords: Mutex::new(passwords),
            asked: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        })
    }

    fn counts(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.asked), count(&self.refused))
    }
}

impl CredentialProvider for Remembering {
    fn find(&self, _: &RegistryHost, _: Option<&Repository>) -> Finding<'_> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let found = Found {
            credential: password("alice", self.passwords.lock().unwrap().last().unwrap()),
            source: CredentialSource::Given,
        };
        Box::pin(async { Ok(found) })
    }

    fn refused(&self, _: &RegistryHost, credential: &Credential) {
        self.refused.fetch_add(1, Ordering::SeqCst);
        let mut passwords = self.passwords.lock().unwrap();
        assert_eq!(credential, &password("alice", passwords.last().unwrap()));
        if passwords.len() > 1 {
            passwords.pop();
        }
    }
}

/// Rules under which Alice has this password: a registry that demands it itself, and one with a token service, whose tokens
/// are good once.
fn with_password(text: &str) -> [Rules; 2] {
    let alice = basic("alice", text);
    [
        Rules {
            basic: Some(alice.clone()),
            ..Rules::default()
        },
        Rules {
            accounts: vec![alice],
            uses: Some(1),
            ..Rules::default()
        },
    ]
}

#[tokio::test]
async fn credentials_that_ended_are_looked_for_again() {
    for (first, second) in with_password("one").into_iter().zip(with_password("two")) {
        let guarded = Guarded::start(first).await;
        let provider = Remembering::new(vec!["one", "two"]);
        let registry = guarded.stage.registry(Some(provider.clone()));
        let names = ["a/b", "c/d", "e/f"];
        let all = names.map(|name| registry.repository(name.parse().unwrap()));
        for source in &all {
            assert!(!source.has_blob(blob(b"{}").0).await.unwrap());
        }
        assert_eq!(provider.counts(), (3, 0));
        guarded.set(|rules| *rules = second);
        // Those who are refused together look for others together, and each repository is looked for once.
        let requests = all.iter().flat_map(|source| [source; 10]);
        let requests = requests.map(|source| source.has_blob(blob(b"{}").0));
        for result in futures_util::future::join_all(requests).await {
            assert!(!result.unwrap());
        }
        assert_eq!(provider.counts(), (6, 1));
    }
}

#[tokio::test]
async fn credentials_that_ended_may_be_denied_access() {
    let (one, two) = (basic("alice", "one"), basic("alice", "two"));
    let stage = Stage::plain(move |seen| match seen.header("authorization") {
        Some(sent) if sent == one => Reply::new(403).body(
            r#"{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}"#,
        ),
        Some(sent) if sent == two => Reply::new(404),
        _ => Reply::challenge("Basic realm=\"the registry\""),
    })
    .await;
    let provider = Remembering::new(vec!["one", "two"]);
    let registry = stage.registry(Some(provider.clone()));
    let source = registry.repository("a/b".parse().unwrap());
    let error = source.manifest(which()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::ManifestNotFound(_)),
        "{error:?}"
    );
    assert_eq!(provider.counts(), (2, 1));
    assert_eq!(stage.requests().len(), 4);

    // The same again is denied again.
    let provider = Remembering::new(vec!["one"]);
    let registry = stage.registry(Some(provider.clone()));
    let source = registry.repository("a/b".parse().unwrap());
    let error = source.manifest(which()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::Denied(_))),
        "{error:?}"
    );
    assert_eq!(provider.counts(), (2, 1));
}

#[tokio::test]
async fn credentials_that_are_wrong_are_looked_for_once_more() {
    for rules in with_password("right") {
        let guarded = Guarded::start(rules).await;
        let provider = Remembering::new(vec!["wrong"]);
        let registry = guarded.stage.registry(Some(provider.clone()));
        let source = registry.repository("a/b".parse().unwrap());
        let rejected = |result: Result<bool, FetchError>| {
            let error = result.unwrap_err();
            assert!(
                matches!(error, FetchError::Access(AccessError::Unauthenticated(_))),
                "{error:?}"
            );
        };
        rejected(source.has_blob(blob(b"{}").0).await);
        assert_eq!(provider.counts(), (2, 1));
        // It is the same for all who ask together.
        let all = (0..30).map(|_| source.has_blob(blob(b"{}").0));
        for result in futures_util::future::join_all(all).await {
            rejected(result);
        }
        assert_eq!(provider.counts(), (3, 2));
    }
    // Others that are refused too are the end of it.
    for rules in with_password("right") {
        let guarded = Guarded::start(rules).await;
        let provider = Remembering::new(vec!["wrong", "as wrong", "right"]);
        let registry = guarded.stage.registry(Some(provider.clone()));
        let source = registry.repository("a/b".parse().unwrap());
        source.has_blob(blob(b"{}").0).await.unwrap_err();
        assert_eq!(provider.counts(), (2, 1));
        assert!(!source.has_blob(blob(b"{}").0).await.unwrap());
        assert_eq!(provider.counts(), (3, 2));
    }
}
