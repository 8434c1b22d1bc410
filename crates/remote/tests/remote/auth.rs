//! How credentials and tokens are used: got once, used for everything, renewed, widened, and never mixed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eigenpack_oci::distribution::{Credential, ScopeSet};
use eigenpack_oci::{
    AccessError, Action, FetchError, Precondition, PushError, Pushed, Secret, Source as _,
    Target as _,
};
use eigenpack_remote::RemoteRepository;
use eigenpack_remote::credentials::GivenCredentials;

use crate::fixture::{blob, large, manifest, read};
use crate::guarded::{Guarded, Rules, alice, basic, for_alice, password, which};
use crate::stage::{Reply, Seen, Stage};

async fn push(target: &RemoteRepository, content: &[u8]) -> Result<(), PushError> {
    let (descriptor, content) = blob(content);
    target.push_blob(descriptor, content).await?;
    let (config, content) = blob(b"{}");
    target.push_blob(config, content).await?;
    let tags = vec!["v1".parse().unwrap()];
    target
        .push_manifest(manifest("1"), tags, Precondition::Absent)
        .await
}

/// Reads the tag, which is absent, then pushes: what publishing does.
async fn publish(target: &RemoteRepository) {
    let error = target.manifest(which()).await.unwrap_err();
    assert!(matches!(
        error,
        FetchError::ManifestNotFound(_) | FetchError::RepositoryNotFound
    ));
    push(target, b"{}").await.unwrap();
}

#[tokio::test]
async fn one_token_does_for_a_whole_push() {
    for (rules, credential) in [
        (Rules::default(), Credential::Anonymous),
        (for_alice(), alice()),
    ] {
        let guarded = Guarded::start(rules).await;
        publish(&guarded.repository(credential).for_writing()).await;
        assert_eq!(
            guarded.stage.summaries(),
            [
                "GET manifests",
                "GET token",
                "GET manifests",
                "POST uploads",
                "POST uploads",
                "PUT manifests"
            ]
        );
        assert_eq!(guarded.scopes(), ["repository:a/b:pull,push"]);
    }
}

#[tokio::test]
async fn a_password_adds_one_request() {
    let guarded = Guarded::start(Rules {
        basic: Some(basic("alice", "pw")),
        ..Rules::default()
    })
    .await;
    let registry = guarded.client(alice());
    publish(&registry.repository("a/b".parse().unwrap()).for_writing()).await;
    // Another repository of the registry is asked with the password at once.
    let other = registry.repository("c/d".parse().unwrap());
    other.manifest(which()).await.unwrap_err();
    assert_eq!(
        guarded.stage.summaries(),
        [
            "GET manifests",
            "GET manifests",
            "POST uploads",
            "POST uploads",
            "PUT manifests",
            "GET manifests"
        ]
    );
}

#[tokio::test]
async fn an_identity_token_is_posted_and_replaced() {
    let guarded = Guarded::start(Rules {
        identity: Some("first".into()),
        next_identity: Some("second".into()),
        uses: Some(1),
        ..Rules::default()
    })
    .await;
    let source = guarded.repository(Credential::IdentityToken(Secret::new("first".into())));
    source.manifest(which()).await.unwrap_err();
    source.manifest(which()).await.unwrap_err();
    let requests = guarded.stage.requests();
    let forms: Vec<_> = requests
        .iter()
        .filter(|seen| seen.method == "POST")
        .map(Seen::body_text)
        .collect();
    assert_eq!(forms.len(), 2);
    assert!(forms[0].ends_with("refresh_token=first"), "{forms:?}");
    assert!(forms[1].ends_with("refresh_token=second"), "{forms:?}");
    assert!(requests.iter().all(|seen| seen.path() != "/token"
        || seen.header("content-type") == Some("application/x-www-form-urlencoded")));
}

#[tokio::test]
async fn a_token_service_that_knows_one_method_is_asked_by_it() {
    let identity = Credential::IdentityToken(Secret::new("i".into()));
    for (credential, unknown, asked) in [
        (
            identity.clone(),
            ("POST", 404, ""),
            ["POST token", "GET token"],
        ),
        (
            identity,
            ("POST", 400, r#"{"error":"unsupported_grant_type"}"#),
            ["POST token", "GET token"],
        ),
        (alice(), ("GET", 405, ""), ["GET token", "POST token"]),
    ] {
        let guarded = Guarded::start(Rules {
            identity: matches!(credential, Credential::IdentityToken(_)).then(|| "i".to_owned()),
            unknown: Some(unknown),
            ..for_alice()
        })
        .await;
        guarded
            .repository(credential)
            .manifest(which())
            .await
            .unwrap_err();
        let summaries = guarded.stage.summaries();
        assert_eq!(summaries[1..3], asked);
        assert_eq!(summaries.len(), 4);
    }
}

#[tokio::test]
async fn a_registry_token_is_sent_as_it_is() {
    let stage = Stage::plain(|seen| match seen.header("authorization") {
        Some("Bearer mine") => Reply::new(404),
        _ => Reply::challenge("Bearer realm=\"http://127.0.0.1:1/token\""),
    })
    .await;
    let token = Credential::RegistryToken(Secret::new("mine".into()));
    let provider = GivenCredentials::new(token);
    let registry = stage.registry(Some(Arc::new(provider)));
    let source = registry.repository("a/b".parse().unwrap());
    assert!(!source.has_blob(blob(b"{}").0).await.unwrap());
    assert!(!source.has_blob(blob(b"[]").0).await.unwrap());
    assert_eq!(stage.requests().len(), 3);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let guarded = Guarded::start(Rules {
        lifetime: Some(2),
        ..for_alice()
    })
    .await;
    let source = guarded.repository(alice());
    source.manifest(which()).await.unwrap_err();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    source.manifest(which()).await.unwrap_err();
    // The second token is asked for without a refusal, and before the request that it is for. A machine that stands
    // still makes the first one only older.
    assert_eq!(
        guarded.stage.summaries(),
        [
            "GET manifests",
            "GET token",
            "GET manifests",
            "GET token",
            "GET manifests"
        ]
    );
}

#[tokio::test]
async fn a_token_that_is_good_is_used_again() {
    let guarded = Guarded::start(Rules {
        lifetime: Some(3600),
        ..for_alice()
    })
    .await;
    let source = guarded.repository(alice());
    for _ in 0..3 {
        source.manifest(which()).await.unwrap_err();
    }
    let summaries = guarded.stage.summaries();
    assert_eq!(summaries[..2], ["GET manifests", "GET token"]);
    assert_eq!(summaries[2..], ["GET manifests"; 3]);
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_is_replaced() {
    // Each token does for one request, so the content is refused after the upload's start.
    let guarded = Guarded::start(Rules {
        uses: Some(1),
        ..for_alice()
    })
    .await;
    let target = guarded.repository(alice());
    let (descriptor, content) = blob(&large());
    let pushed = target.push_blob(descriptor.clone(), content).await.unwrap();
    assert_eq!(pushed, Pushed::Uploaded);
    assert_eq!(
        guarded.stage.summaries(),
        [
            "POST uploads",
            "GET token",
            "POST uploads",
            "PUT uploads",
            "GET token",
            "PUT uploads"
        ]
    );
    guarded.set(|rules| {
        rules.uses = None;
        rules.cut_blob = true;
    });
    // The connection breaks halfway, and by then the token is no longer good.
    assert_eq!(read(&target, &descriptor, 0).await.unwrap(), large());
    let summaries = guarded.stage.summaries();
    assert_eq!(summaries.iter().filter(|s| *s == "GET token").count(), 3);
}

#[tokio::test]
async fn a_scope_that_does_not_suffice_is_widened_once() {
    let more = ScopeSet::parse("repository:a/b:admin");
    let guarded = Guarded::start(Rules {
        besides: Some(("PUT", more)),
        ..for_alice()
    })
    .await;
    publish(&guarded.repository(alice()).for_writing()).await;
    assert_eq!(
        guarded.scopes(),
        ["repository:a/b:pull,push", "repository:a/b:admin,pull,push"]
    );
    // Where the wider scope is not given, that is the end of it.
    let guarded = Guarded::start(Rules {
        allowed: Some(ScopeSet::parse("repository:a/b:pull")),
        ..for_alice()
    })
    .await;
    let error = push(&guarded.repository(alice()), b"{}").await.unwrap_err();
    let PushError::Access(AccessError::Denied(answer)) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        answer.asked.missing_scope.as_deref(),
        Some("repository:a/b:push")
    );
    assert_eq!(answer.asked.action, Action::Push);
    assert_eq!(answer.asked.repository.as_deref(), Some("a/b"));
    let host = guarded.stage.address;
    assert_eq!(
        error.to_string(),
        format!(
            "{host} denies push access to a/b for the credentials of alice that were given; the token lacks repository:a/b:push"
        )
    );
    assert_eq!(
        guarded.stage.summaries(),
        ["POST uploads", "GET token", "POST uploads"]
    );
}

async fn has_blob(source: RemoteRepository) -> Result<bool, FetchError> {
    source.has_blob(blob(b"{}").0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_share_one_token() {
    let guarded = Guarded::start(for_alice()).await;
    let source = guarded.repository(alice());
    let tasks: Vec<_> = (0..100)
        .map(|_| tokio::spawn(has_blob(source.clone())))
        .collect();
    for task in tasks {
        assert!(!task.await.unwrap().unwrap());
    }
    assert_eq!(guarded.stage.count("/token"), 1);

    // They share the refusal too: a password that is wrong is not tried a hundred times.
    guarded.stage.forget();
    let source = guarded.repository(password("alice", "wrong"));
    let tasks: Vec<_> = (0..100)
        .map(|_| tokio::spawn(has_blob(source.clone())))
        .collect();
    let mut rejected = 0;
    for task in tasks {
        let result = task.await.unwrap();
        rejected += usize::from(matches!(
            result,
            Err(FetchError::Access(AccessError::Unauthenticated(_)))
        ));
    }
    assert_eq!(rejected, 100);
    let asked = guarded.stage.count("/token");
    assert!(asked < 10, "{asked}");
}

#[tokio::test]
async fn two_repositories_of_one_operation_share_a_token() {
    let both = "repository:a/b:pull repository:c/d:pull,push";
    let guarded = Guarded::start(for_alice()).await;
    publish(&guarded.repository(alice()).for_writing()).await;
    for (all_or_nothing, allowed, asked) in [
        (false, None, vec![both]),
        // A service that gives nothing where it would not give all is asked for less.
        (
            true,
            Some("repository:a/b:pull"),
            vec![both, "repository:a/b:pull"],
        ),
    ] {
        guarded.set(|rules| {
            rules.all_or_nothing = all_or_nothing;
            rules.allowed = allowed.map(ScopeSet::parse);
        });
        guarded.stage.forget();
        let registry = guarded.client(alice());
        let source = registry.repository("a/b".parse().unwrap());
        let target = registry.repository("c/d".parse().unwrap()).for_writing();
        let source_of_copy = source.clone().together_with(&target);
        let target = target.together_with(&source);
        source_of_copy.manifest(which()).await.unwrap();
        assert_eq!(guarded.scopes(), asked);
        if allowed.is_none() {
            push(&target, b"{}").await.unwrap();
            assert_eq!(guarded.scopes(), asked);
        }
    }
}

#[tokio::test]
async fn a_token_service_that_is_busy_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let stage = Stage::plain(
        move |seen| match (seen.path(), seen.header("authorization")) {
            ("/token", _) if asked.fetch_add(1, Ordering::SeqCst) == 0 => Reply::new(503),
            ("/token", _) => Reply::new(200).body(r#"{"token":"t"}"#),
            (_, Some(_)) => Reply::new(404),
            _ => Reply::challenge(format!("Bearer realm=\"http://{}/token\"", seen.host)),
        },
    )
    .await;
    let source = stage.registry(None).repository("a/b".parse().unwrap());
    assert!(!source.has_blob(blob(b"{}").0).await.unwrap());
    assert_eq!(stage.count("/token"), 2);
}
