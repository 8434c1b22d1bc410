//! Servers that send back what they were sent: nothing secret of it is shown.

use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{
    AccessError, Event, FetchError, NetworkErrorKind, Observer, Precondition, PushError, Secret,
    Source as _, TagOrDigest, Target as _,
};
use eigenpack_remote::credentials::GivenCredentials;
use eigenpack_remote::{RemoteOptions, RemoteRegistry, RemoteRepository};

use crate::authority::{Authority, Demand};
use crate::fixture::{blob, large, manifest, options};
use crate::stage::{Reply, Seen, Stage};

const PASSWORD: &str = "c0rrect-horse-battery";

/// The secrets and, of `alice:PASSWORD` and of each alone, the base64.
const FORBIDDEN: [&str; 6] = [
    PASSWORD,
    "YWxpY2U6YzBycmVjdC1ob3JzZS1iYXR0ZXJ5",
    "YzBycmVjdC1ob3JzZS1iYXR0ZXJ5",
    "1ssued-t0ken",
    "MXNzdWVkLXQwa2Vu",
    "1dentity-t0ken",
];

fn alice() -> Credential {
    Credential::Basic {
        username: "alice".into(),
        password: Secret::new(PASSWORD.into()),
    }
}

/// Answers with what was sent, and with the password, which such a server knows.
fn echo(status: u16, seen: &Seen) -> Reply {
    let sent = seen.header("authorization").unwrap_or("nothing");
    let body = format!("{sent} {PASSWORD} {}", seen.body_text());
    let message = serde_json::json!({
        "errors": [{"code": format!("ECHO {sent}"), "message": format!("you sent {body}")}],
    });
    Reply::new(status).body(message.to_string())
}

async fn refused(stage: &Stage, credential: Credential) -> FetchError {
    let provider = GivenCredentials::new(credential);
    let registry = stage.registry(Some(Arc::new(provider)));
    let source = registry.repository("a/b".parse().unwrap());
    let tag = TagOrDigest::Tag("v1".parse().unwrap());
    source.manifest(tag).await.unwrap_err()
}

/// Fails if anything that could be shown of an error has a secret in it.
fn assert_clean(error: &(impl Error + 'static)) {
    let mut shown = format!("{error:?}");
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        shown = format!("{shown}\n{error}");
        next = error.source();
    }
    assert_hidden(&shown);
}

/// Fails if a text has a secret in it, or nothing in the place of one.
fn assert_hidden(shown: &(impl Debug + ?Sized)) {
    let shown = format!("{shown:?}");
    assert!(shown.contains('…'), "nothing was sent back: {shown}");
    for secret in FORBIDDEN {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// Answers those who say who they are.
fn by_password(
    play: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| match seen.header("authorization") {
        Some(_) => play(seen),
        None => Reply::challenge("Basic"),
    }
}

fn repository(stage: &Stage, mut options: RemoteOptions) -> RemoteRepository {
    options.credentials = Some(Arc::new(GivenCredentials::new(alice())));
    let registry = RemoteRegistry::new(stage.host(), options).unwrap();
    registry.repository("a/b".parse().unwrap())
}

/// Plays hosts of any name as a proxy; the repository is at `registry.test`, over plain http.
async fn on_every_host(
    play: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Stage, RemoteRepository) {
    let stage = Stage::plain(play).await;
    let mut options = stage.as_proxy();
    options.credentials = Some(Arc::new(GivenCredentials::new(alice())));
    let registry = RemoteRegistry::new("registry.test".parse().unwrap(), options).unwrap();
    let repository = registry.repository("a/b".parse().unwrap());
    (stage, repository)
}

#[tokio::test]
async fn by_a_registry() {
    for status in [400, 401, 403, 500] {
        let stage = Stage::plain(move |seen| match seen.header("authorization") {
            Some(_) => echo(status, seen).header("www-authenticate", "Basic"),
            None => Reply::challenge("Basic"),
        })
        .await;
        assert_clean(&refused(&stage, alice()).await);
    }
}

#[tokio::test]
async fn by_a_registry_that_takes_tokens() {
    for status in [400, 401, 403] {
        let stage = Stage::plain(
            move |seen| match (seen.path(), seen.header("authorization")) {
                ("/token", _) => Reply::new(200).body(r#"{"token":"1ssued-t0ken"}"#),
                (_, Some(_)) => {
                    let again = format!("Bearer realm=\"http://{}/token\"", seen.host);
                    echo(status, seen).header("www-authenticate", again)
                }
                _ => Reply::challenge(format!("Bearer realm=\"http://{}/token\"", seen.host)),
            },
        )
        .await;
        assert_clean(&refused(&stage, alice()).await);
    }
}

#[tokio::test]
async fn by_a_token_service() {
    let token = Credential::IdentityToken(Secret::new("1dentity-t0ken".into()));
    for credential in [alice(), token] {
        let stage = Stage::plain(|seen| match seen.path() {
            "/token" => {
                let sent = match seen.header("authorization") {
                    Some(_) => PASSWORD,
                    None => "1dentity-t0ken",
                };
                let message = serde_json::json!({"errors": [{
                    "code": "DENIED",
                    "message": format!("{} {sent}", seen.header("authorization").unwrap_or("")),
                }]});
                Reply::new(403).body(message.to_string())
            }
            _ => Reply::challenge(format!("Bearer realm=\"http://{}/token\"", seen.host)),
        })
        .await;
        assert_clean(&refused(&stage, credential).await);
    }
}

#[tokio::test]
async fn in_the_place_to_which_it_leads() {
    let stage = Stage::plain(|seen| match seen.header("authorization") {
        _ if seen.path().starts_with("/moved") => Reply::new(400),
        Some(_) => Reply::new(307).header("location", format!("/moved/{PASSWORD}")),
        None => Reply::challenge("Basic"),
    })
    .await;
    assert_clean(&refused(&stage, alice()).await);
}

#[tokio::test]
async fn about_what_a_manifest_lacks() {
    for code in ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"] {
        let stage = Stage::plain(by_password(move |seen| {
            let message = format!("{} by {PASSWORD}", seen.header("authorization").unwrap());
            let errors = serde_json::json!({"errors": [{"code": code, "message": message}]});
            Reply::new(404).body(errors.to_string())
        }))
        .await;
        let tags = vec!["v1".parse().unwrap()];
        let target = repository(&stage, options());
        let pushed = target.push_manifest(manifest("1"), tags, Precondition::Any);
        let error = pushed.await.unwrap_err();
        assert!(matches!(error, PushError::MissingContent(_)), "{error:?}");
        assert_clean(&error);
    }
}

#[tokio::test]
async fn longer_than_what_is_shown() {
    let long = "1ssued-t0ken".repeat(100);
    let token = long.clone();
    let stage = Stage::plain(move |seen| match seen.header("authorization") {
        Some(sent) => Reply::new(400).body(format!("you sent {sent}")),
        None => Reply::challenge("Bearer realm=\"http://127.0.0.1/\""),
    })
    .await;
    let token = Credential::RegistryToken(Secret::new(token));
    assert_clean(&refused(&stage, token).await);
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn event(&self, event: Event<'_>) {
        if let Event::Warning { text, .. } = event {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
}

#[tokio::test]
async fn in_warnings() {
    let stage = Stage::plain(by_password(|seen| {
        let sent = seen.header("authorization").unwrap();
        let warning = format!("299 - \"{sent} is {PASSWORD}\"");
        Reply::new(404).header("warning", warning)
    }))
    .await;
    let heard = Arc::new(Heard::default());
    let mut options = options();
    options.observer = heard.clone();
    repository(&stage, options).tags().await.unwrap_err();
    let heard = heard.0.lock().unwrap();
    assert_eq!(heard.len(), 1);
    assert_hidden(&*heard);
}

#[tokio::test]
async fn in_what_is_no_list() {
    let stage = Stage::plain(by_password(|_| {
        Reply::new(200).body(format!("\"{PASSWORD}\""))
    }))
    .await;
    let error = repository(&stage, options()).tags().await.unwrap_err();
    assert!(matches!(error, FetchError::Malformed(_)), "{error:?}");
    assert_clean(&error);
}

#[tokio::test]
async fn in_the_middle_of_where_it_is_cut() {
    // Texts are cut after 200 characters, and after 512.
    for before in (140..200).step_by(7).chain((450..512).step_by(7)) {
        let stage = Stage::plain(by_password(move |_| {
            let text = "x".repeat(before) + PASSWORD;
            Reply::new(200).body(format!("\"{text}\""))
        }))
        .await;
        let error = repository(&stage, options()).tags().await.unwrap_err();
        let shown = format!("{error:?}");
        assert!(!shown.contains(&PASSWORD[..4]), "{before}: {shown}");
    }
}

#[tokio::test]
async fn in_the_place_of_an_upload() {
    let stage = Stage::plain(by_password(|seen| match &*seen.method {
        "POST" => Reply::new(202).header("location", format!("/uploads/{PASSWORD}")),
        _ => Reply::new(400),
    }))
    .await;
    let (descriptor, content) = blob(&large());
    let target = repository(&stage, options());
    let pushed = target.push_blob(descriptor, content);
    assert_clean(&pushed.await.unwrap_err());
}

#[tokio::test]
async fn in_the_name_of_a_host_that_does_not_answer() {
    let (_stage, source) = on_every_host(|seen| match seen.header("authorization") {
        _ if seen.host.starts_with(PASSWORD) => Reply::Raw(Vec::new()),
        Some(_) => Reply::new(307).header("location", format!("http://{PASSWORD}.test/x")),
        None => Reply::challenge("Basic"),
    })
    .await;
    let error = source.tags().await.unwrap_err();
    let FetchError::Access(AccessError::Network { kind, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*kind, NetworkErrorKind::Broken);
    assert_clean(&error);
}

#[tokio::test]
async fn in_redirects_without_end() {
    let (_stage, source) = on_every_host(|seen| match seen.header("authorization") {
        None if !seen.host.starts_with(PASSWORD) => Reply::challenge("Basic"),
        _ => Reply::new(307).header("location", format!("http://{PASSWORD}.test/x")),
    })
    .await;
    let error = source.tags().await.unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::Refused { .. })),
        "{error:?}"
    );
    assert_clean(&error);
}

#[tokio::test]
async fn in_places_that_must_not_be_followed() {
    let elsewhere = format!("http://{PASSWORD}.test/x");
    let link = format!("<{elsewhere}>; rel=\"next\"");
    for next in [
        Reply::new(307).header("location", &elsewhere),
        Reply::new(200).header("link", link).body(r#"{"tags":[]}"#),
        Reply::new(202).header("location", &elsewhere),
    ] {
        let authority = Authority::new();
        let play = by_password(move |_| next.clone());
        let stage = authority.stage(Demand::Nothing, play).await;
        let repository = repository(&stage, authority.options());
        let (descriptor, content) = blob(&large());
        let listed = repository.tags().await;
        let pushed = repository.push_blob(descriptor, content).await;
        let errors = (listed.err(), pushed.err());
        match errors {
            (Some(FetchError::Access(error @ AccessError::Refused { .. })), _)
            | (_, Some(PushError::Access(error @ AccessError::Refused { .. }))) => {
                assert_clean(&error);
            }
            errors => panic!("{errors:?}"),
        }
    }
}

#[tokio::test]
async fn in_the_place_of_a_token_service() {
    let stage = Stage::plain(|seen| match seen.header("authorization") {
        _ if seen.path().starts_with("/token") => Reply::new(403),
        None => Reply::challenge("Basic"),
        Some(_) if seen.path().ends_with("list") => Reply::new(200).body(r#"{"tags":[]}"#),
        Some(_) => {
            let realm = format!("http://{}/token/{PASSWORD}", seen.host);
            Reply::challenge(format!("Bearer realm=\"{realm}\""))
        }
    })
    .await;
    let source = repository(&stage, options());
    source.tags().await.unwrap();
    let tag = TagOrDigest::Tag("v1".parse().unwrap());
    assert_clean(&source.manifest(tag).await.unwrap_err());
    assert_eq!(stage.count("/token"), 1);
}
