//! What is logged at the most verbose level, and that no secret is in it.
//!
//! These tests have a process of their own. Whether anybody wants an event is remembered for all threads, and it is asked on
//! the thread where the event is first met: a test that nobody listens to would silence it for those that are about it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(dead_code, reason = "the other tests use the rest")]

#[path = "../remote/embedded.rs"]
mod embedded;
#[path = "../remote/fixture.rs"]
mod fixture;
#[path = "../remote/guarded.rs"]
mod guarded;
#[path = "../remote/registry.rs"]
mod registry;
#[path = "../remote/server.rs"]
mod server;
#[path = "../remote/stage.rs"]
mod stage;

use std::io;
use std::sync::{Arc, Mutex, Once};

use eigenpack_oci::distribution::{Authorization, Credential};
use eigenpack_oci::{Precondition, Secret, Source as _, TagOrDigest, Target as _};
use eigenpack_registry::fault::{Fault, FaultPlan, Requests};
use eigenpack_remote::credentials::GivenCredentials;
use tracing_subscriber::filter::LevelFilter;

use self::embedded::Embedded;
use self::fixture::{blob, large, manifest, read};
use self::guarded::{Guarded, Rules, basic, password};
use self::stage::{Reply, Stage};

/// What all tests have logged, on whatever thread.
struct Log(Mutex<Vec<u8>>);

impl io::Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Listens to everything. Every test must begin with this, so that nothing is met before.
fn log() -> &'static Log {
    static LOG: Log = Log(Mutex::new(Vec::new()));
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
        let subscriber = subscriber.with_writer(|| &LOG).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    &LOG
}

const PASSWORD: &str = "pa55word-of-alice";
const IDENTITY: &str = "1dentity-of-alice";
const NEXT_IDENTITY: &str = "n3xt-identity-of-alice";

#[tokio::test]
async fn no_secret_is_logged() {
    let log = log();
    let alice = || password("alice", PASSWORD);
    let by_password = Rules {
        accounts: vec![basic("alice", PASSWORD)],
        ..Rules::default()
    };
    let directly = Rules {
        basic: Some(basic("alice", PASSWORD)),
        ..Rules::default()
    };
    let by_identity = Rules {
        identity: Some(IDENTITY.into()),
        next_identity: Some(NEXT_IDENTITY.into()),
        uses: Some(2),
        ..Rules::default()
    };
    let identity = Credential::IdentityToken(Secret::new(IDENTITY.into()));
    for (rules, credential) in [
        (by_password, alice()),
        (directly, alice()),
        (by_identity, identity),
    ] {
        let guarded = Guarded::start(rules).await;
        let repository = guarded.repository(credential).for_writing();
        for content in [b"{}".to_vec(), large()] {
            let (descriptor, content) = blob(&content);
            repository
                .push_blob(descriptor.clone(), content)
                .await
                .unwrap();
            read(&repository, &descriptor, 0).await.unwrap();
        }
        let tags = vec!["v1".parse().unwrap()];
        let pushed = repository.push_manifest(manifest("1"), tags, Precondition::Any);
        pushed.await.unwrap();
        let which = TagOrDigest::Tag("v1".parse().unwrap());
        repository.manifest(which).await.unwrap();
        let wrong = guarded.repository(password("alice", &format!("{PASSWORD}-wrong")));
        wrong.tags().await.unwrap_err();
    }

    let text = log.text();
    assert!(text.contains("asking for a token"), "{text}");
    assert!(text.contains("TRACE") || text.contains("DEBUG"), "{text}");
    let encoded = |name: &str, secret: &str| {
        let header = Authorization::basic(name, &Secret::new(secret.to_owned()));
        header.header_value()["Basic ".len()..]
            .trim_end_matches('=')
            .to_owned()
    };
    for secret in [PASSWORD, IDENTITY, NEXT_IDENTITY, "t0ken-"] {
        for form in [
            secret.to_owned(),
            encoded("alice", secret),
            encoded("<token>", secret),
        ] {
            assert!(!text.contains(&form), "{form} is logged");
        }
    }
}

#[tokio::test]
async fn a_limit_of_requests_is_logged_once() {
    let log = log();
    let registry = Embedded::start().await;
    let plan = FaultPlan::new()
        .rule(
            Requests::all(),
            Fault::header("RateLimit-Limit", "100;w=21600"),
        )
        .rule(
            Requests::all(),
            Fault::header("RateLimit-Remaining", "76;w=21600"),
        );
    registry.faults.replace(plan);
    let repository = registry.repository();
    for _ in 0..2 {
        repository.tags().await.unwrap_err();
    }
    let said = log.text();
    let line = "the registry limits requests: 76 of 100 requests are left in 6 h";
    assert_eq!(said.matches(line).count(), 1, "{said}");
}

#[tokio::test]
async fn what_a_server_sends_back_is_not_logged() {
    const PASSWORD: &str = "3choed-password";
    let log = log();
    // Every place that it can lead to.
    let stage = Stage::plain(|seen| {
        let place = |last: &str| format!("/v2/moved/{PASSWORD}/{last}");
        match (seen.header("authorization"), &*seen.method) {
            (None, _) => Reply::challenge("Basic"),
            _ if seen.path().ends_with("busy") => {
                Reply::new(503).header("retry-after", format!("0 {PASSWORD}"))
            }
            (_, "POST") => Reply::new(202).header("location", place("session")),
            (_, "PUT" | "DELETE") => Reply::new(400),
            _ if seen.path().ends_with("list") => {
                let next = format!("<{}>; rel=\"next\"", place("page"));
                Reply::new(200).header("link", next).body(r#"{"tags":[]}"#)
            }
            _ => Reply::new(307).header("location", place("busy")),
        }
    })
    .await;
    let provider = GivenCredentials::new(password("alice", PASSWORD));
    let registry = stage.registry(Some(Arc::new(provider)));
    let repository = registry.repository("a/b".parse().unwrap());
    repository.tags().await.unwrap_err();
    let (descriptor, content) = blob(&large());
    repository.push_blob(descriptor, content).await.unwrap_err();
    let text = log.text();
    assert!(text.contains("/v2/moved/…/session"), "{text}");
    assert!(text.contains("/v2/moved/…/page"), "{text}");
    assert!(text.contains("/v2/moved/…/busy"), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
}
