//! What hostile servers answer, and that no byte of a credential reaches a host that is not entitled to it.
//!
//! `registry.test` is the registry that the user named, over plain http as `--plain-http` allows. Everything else is a host
//! that nobody named: what it is sent is searched for every credential, in clear and in base64. Nobody here speaks TLS:
//! the rows over https are in `tls`.

mod bad_demands;
mod led_elsewhere;

use std::sync::Arc;

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{Precondition, Secret, Source as _, TagOrDigest, Target as _};
use eigenpack_remote::RemoteRegistry;
use eigenpack_remote::credentials::GivenCredentials;

use self::bad_demands::BAD_DEMANDS;
use self::led_elsewhere::LED_ELSEWHERE;
use crate::fixture::{blob, large, manifest, read};
use crate::stage::{Reply, Seen, Stage};

const REGISTRY: &str = "registry.test";
const EVIL: &str = "evil.test";

/// The secrets, as they may not be found: the base64 is of `alice:PASSWORD`, of `<token>:IDENTITY`, and of each alone.
const PASSWORD: &str = "c0rrect-horse-battery";
const IDENTITY: &str = "1dentity-t0ken-of-alice";
const REGISTRY_TOKEN: &str = "r3gistry-t0ken-of-alice";
const ISSUED: &str = "1ssued-t0ken";
const FORBIDDEN: [&str; 10] = [
    PASSWORD,
    IDENTITY,
    REGISTRY_TOKEN,
    ISSUED,
    "YWxpY2U6YzBycmVjdC1ob3JzZS1iYXR0ZXJ5",
    "YzBycmVjdC1ob3JzZS1iYXR0ZXJ5",
    "PHRva2VuPjoxZGVudGl0eS10MGtlbi1vZi1hbGljZQ",
    "MWRlbnRpdHktdDBrZW4tb2YtYWxpY2",
    "cjNnaXN0cnktdDBrZW4tb2YtYWxpY2",
    "Authorization",
];

/// What is done while the servers are hostile.
#[derive(Clone, Copy, Debug)]
enum Work {
    PullManifest,
    PullBlob,
    PushSmallBlob,
    PushLargeBlob,
    PushManifest,
    ListTags,
    ListReferrers,
}

/// One hostile answer.
struct Row {
    name: &'static str,
    work: Work,
    play: fn(&Seen) -> Reply,
    /// Another host that the answer leads to, so that a row in which nothing happens fails.
    leads_to: Option<&'static str>,
    registry: Entitled,
}

/// What of the credentials the registry itself may get.
#[derive(Clone, Copy, PartialEq)]
enum Entitled {
    Everything,
    /// It names a token service that may get none, so only what is meant for the registry alone.
    OwnTokenOnly,
    /// It never asked for any in a valid way.
    Nothing,
}

const fn row(name: &'static str, work: Work, play: fn(&Seen) -> Reply) -> Row {
    Row {
        name,
        work,
        play,
        leads_to: None,
        registry: Entitled::Everything,
    }
}

impl Row {
    const fn leads_to(mut self, host: &'static str) -> Self {
        self.leads_to = Some(host);
        self
    }

    const fn for_nobody(mut self) -> Self {
        self.registry = Entitled::Nothing;
        self
    }

    const fn for_no_token_service(mut self) -> Self {
        self.registry = Entitled::OwnTokenOnly;
        self
    }
}

fn bearer(realm: &str) -> Reply {
    Reply::challenge(format!(
        r#"Bearer realm="{realm}",service="s",scope="repository:a/b:pull""#
    ))
}

/// Answers as a registry with a token service of its own would, up to the point where what was asked for is authorised.
fn honest(seen: &Seen) -> Option<Reply> {
    if seen.host != REGISTRY {
        return None;
    }
    if seen.path() == "/token" {
        return Some(Reply::new(200).body(format!(r#"{{"token":"{ISSUED}"}}"#)));
    }
    match seen.header("authorization") {
        None => Some(bearer("http://registry.test/token")),
        Some(_) => None,
    }
}

/// A host that nobody named asks for whatever it can get.
fn greedy(_: &Seen) -> Reply {
    bearer("http://evil.test/token").header("www-authenticate", "Basic realm=\"evil\"")
}

/// The registry names this realm before anything else; whoever is asked for a token gives one.
fn naming(seen: &Seen, realm: &str) -> Reply {
    let token = || Reply::new(200).body(format!(r#"{{"token":"{ISSUED}"}}"#));
    match seen.host.as_str() {
        REGISTRY if seen.path() == "/token" => token(),
        REGISTRY if seen.header("authorization").is_some() => Reply::new(404),
        REGISTRY => bearer(realm),
        _ => token(),
    }
}

fn credentials() -> [Credential; 3] {
    [
        Credential::Basic {
            username: "alice".into(),
            password: Secret::new(PASSWORD.into()),
        },
        Credential::IdentityToken(Secret::new(IDENTITY.into())),
        Credential::RegistryToken(Secret::new(REGISTRY_TOKEN.into())),
    ]
}

async fn work(work: Work, registry: &RemoteRegistry) -> Result<(), String> {
    let repository = registry.repository("a/b".parse().unwrap());
    let which = || TagOrDigest::Tag("v1".parse().unwrap());
    match work {
        Work::PullManifest => repository
            .manifest(which())
            .await
            .map(drop)
            .map_err(|e| format!("{e:?}")),
        Work::PullBlob => read(&repository, &blob(b"{}").0, 0)
            .await
            .map(drop)
            .map_err(|e| format!("{e:?}")),
        Work::PushSmallBlob => {
            let (descriptor, content) = blob(b"{}");
            repository
                .push_blob(descriptor, content)
                .await
                .map(drop)
                .map_err(|e| format!("{e:?}"))
        }
        Work::PushLargeBlob => {
            let (descriptor, content) = blob(&large());
            repository
                .push_blob(descriptor, content)
                .await
                .map(drop)
                .map_err(|e| format!("{e:?}"))
        }
        Work::PushManifest => {
            let tags = vec!["v1".parse().unwrap()];
            let pushed = repository.push_manifest(manifest("1"), tags, Precondition::Any);
            pushed.await.map_err(|e| format!("{e:?}"))
        }
        Work::ListTags => repository
            .tags()
            .await
            .map(drop)
            .map_err(|e| format!("{e:?}")),
        Work::ListReferrers => {
            let subject = blob(b"{}").0.digest;
            repository
                .referrers(subject, None)
                .await
                .map(drop)
                .map_err(|e| format!("{e:?}"))
        }
    }
}

/// Returns which credentials are in these bytes, by name or by value.
fn leaked(bytes: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    FORBIDDEN
        .into_iter()
        .filter(|secret| text.contains(&secret.to_ascii_lowercase()))
        .collect()
}

#[tokio::test]
async fn no_credential_goes_where_it_must_not() {
    let rows = || LED_ELSEWHERE.iter().chain(BAD_DEMANDS);
    assert!(rows().count() >= 25);
    for row in rows() {
        for credential in credentials() {
            let for_registry = matches!(credential, Credential::RegistryToken(_));
            let stage = Stage::plain(row.play).await;
            let mut options = stage.as_proxy();
            options.credentials = Some(Arc::new(GivenCredentials::new(credential)));
            let registry = RemoteRegistry::new(REGISTRY.parse().unwrap(), options).unwrap();
            let outcome = work(row.work, &registry).await;
            let shown = format!("{}: {outcome:?}", row.name);
            let outcome = outcome.err().unwrap_or_default();
            assert_eq!(leaked(outcome.as_bytes()), [""; 0], "{shown}");
            let requests = stage.requests();
            let mut came_back = requests.iter().filter(|seen| seen.path() == "/back");
            assert!(came_back.all(|seen| seen.header("authorization").is_none()));
            let bytes = stage.bytes();
            assert!(bytes.contains_key(REGISTRY), "{shown}");
            if let Some(host) = row.leads_to {
                assert!(bytes.contains_key(host), "{shown}: {:?}", bytes.keys());
            }
            for (host, bytes) in bytes {
                let entitled = match row.registry {
                    _ if host != REGISTRY => false,
                    Entitled::Everything => true,
                    Entitled::OwnTokenOnly => for_registry,
                    Entitled::Nothing => false,
                };
                if !entitled {
                    assert_eq!(leaked(&bytes), [""; 0], "{host}, {shown}");
                }
                assert!(
                    !String::from_utf8_lossy(&bytes).contains("\nHost: evil.test\r"),
                    "{shown}"
                );
            }
        }
    }
}

/// The same search finds the credentials where they belong, so it can find them.
#[tokio::test]
async fn the_entitled_get_the_credentials() {
    for (credential, found) in credentials().into_iter().zip([
        vec![
            ISSUED,
            "YWxpY2U6YzBycmVjdC1ob3JzZS1iYXR0ZXJ5",
            "YzBycmVjdC1ob3JzZS1iYXR0ZXJ5",
            "Authorization",
        ],
        vec![IDENTITY, ISSUED, "Authorization"],
        vec![REGISTRY_TOKEN, "Authorization"],
    ]) {
        let stage = Stage::plain(|seen| naming(seen, "http://registry.test/token")).await;
        let mut options = stage.as_proxy();
        options.credentials = Some(Arc::new(GivenCredentials::new(credential)));
        let registry = RemoteRegistry::new(REGISTRY.parse().unwrap(), options).unwrap();
        work(Work::PullManifest, &registry).await.unwrap_err();
        assert_eq!(leaked(&stage.bytes()[REGISTRY]), found);
    }
}

/// A token service over plain http gets credentials where the user named it too.
#[tokio::test]
async fn a_named_token_service_over_plain_http_gets_them() {
    let stage = Stage::plain(|seen| naming(seen, "http://auth.test:5001/token")).await;
    let mut options = stage.as_proxy();
    let [password, ..] = credentials();
    options.credentials = Some(Arc::new(GivenCredentials::new(password)));
    let service = "auth.test:5001".parse().unwrap();
    options.host(&service).plain_http = true;
    let registry = RemoteRegistry::new(REGISTRY.parse().unwrap(), options).unwrap();
    work(Work::PullManifest, &registry).await.unwrap_err();
    let bytes = stage.bytes();
    assert_eq!(leaked(&bytes["auth.test:5001"]).len(), 3);
    assert_eq!(leaked(&bytes[REGISTRY]), [ISSUED, "Authorization"]);
}

/// On loopback another port is another host, except for a token service there.
#[tokio::test]
async fn on_loopback_another_port_is_another_host() {
    let elsewhere = Stage::plain(|seen| match seen.path() {
        "/token" => Reply::new(200).body(format!(r#"{{"token":"{ISSUED}"}}"#)),
        _ => greedy(seen),
    })
    .await;
    let address = elsewhere.address;
    let registry = Stage::plain(move |seen| match seen.header("authorization") {
        None => bearer(&format!("http://{address}/token")),
        Some(_) if seen.method == "POST" => {
            Reply::new(202).header("location", format!("http://{address}/u"))
        }
        Some(_) => Reply::new(307).header("location", format!("http://{address}/b")),
    })
    .await;
    let [password, ..] = credentials();
    let client = registry.registry(Some(Arc::new(GivenCredentials::new(password))));
    for what in [
        Work::PullManifest,
        Work::PullBlob,
        Work::PushSmallBlob,
        Work::PushLargeBlob,
    ] {
        work(what, &client).await.unwrap_err();
    }
    let requests = elsewhere.requests();
    let (tokens, others): (Vec<_>, Vec<_>) = requests.iter().partition(|r| r.path() == "/token");
    assert!(!tokens.is_empty() && others.len() >= 4, "{requests:?}");
    for token in tokens {
        assert!(token.header("authorization").is_some());
    }
    for other in others {
        assert_eq!(leaked(other.head.as_bytes()), [""; 0]);
    }
}
