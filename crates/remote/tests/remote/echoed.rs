//! Servers that send back what they were sent: nothing secret of it is shown.

use std::error::Error;
use std::sync::Arc;

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{FetchError, Secret, Source as _, TagOrDigest};
use eigenpack_remote::credentials::GivenCredentials;

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
fn assert_clean(error: &FetchError) {
    let mut shown = format!("{error:?}");
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        shown = format!("{shown}\n{error}");
        next = error.source();
    }
    assert!(shown.contains('…'), "nothing was sent back: {shown}");
    for secret in FORBIDDEN {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
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
