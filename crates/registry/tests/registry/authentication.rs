//! Basic authentication, as clients meet it.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eigenpack_registry::{Htpasswd, HtpasswdError};
use tokio::time::timeout;

use crate::fixture::{Reply, Running, manifest};

/// What `htpasswd -nbB -C 4 ann 'correct horse: battery'` printed.
const ANN: &str = "ann:$2y$04$GWAe.kIkupRxYG/AewrSPO8sVEhFxwcEYJy/TsPLoi.V8PsGFb9K6";
const PASSWORD: &str = "correct horse: battery";

async fn guarded() -> Running {
    let bob = bcrypt::hash("tr0ub4dor&3", 5).unwrap();
    let file = format!("# those who may\n{ANN}\r\nbob:{bob}\n");
    let users = Htpasswd::parse(file.as_bytes()).unwrap();
    Running::with(|options| options.users = Some(users)).await
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

impl Running {
    async fn get_as(&self, target: &str, authorization: &str) -> Reply {
        let header = [("Authorization", authorization)];
        self.ask(&format!("GET {target}"), &header, b"").await
    }
}

/// Fails the test unless credentials are asked for.
fn asks(reply: &Reply) {
    reply.refused(401, "UNAUTHORIZED");
    let challenge = reply.header("www-authenticate");
    assert_eq!(challenge, Some(r#"Basic realm="eigenpack""#));
}

#[tokio::test]
async fn only_users_are_let_in() {
    let server = guarded().await;
    let ann = basic("ann", PASSWORD);
    // The second time, the password is recognised.
    for _ in 0..2 {
        assert_eq!(server.get_as("/v2/", &ann).await.status, 200);
        let bob = server.get_as("/v2/", &basic("bob", "tr0ub4dor&3")).await;
        assert_eq!(bob.status, 200);
        for (user, password) in [
            ("ann", ""),
            ("ann", "correct horse"),
            ("ann", "correct horse: battery\0"),
            ("ann", "tr0ub4dor&3"),
            ("Ann", PASSWORD),
            ("", PASSWORD),
            ("carol", PASSWORD),
            ("carol", "tr0ub4dor&3"),
        ] {
            asks(&server.get_as("/v2/", &basic(user, password)).await);
        }
    }
    let lower = ann.replace("Basic", "basic");
    assert_eq!(server.get_as("/v2/", &lower).await.status, 200);
}

#[tokio::test]
async fn nothing_is_done_for_strangers() {
    let server = guarded().await;
    for line in [
        "GET /v2/",
        "GET /v2/_catalog",
        "GET /v2/a/b/manifests/v1",
        "GET /nowhere",
        "POST /v2/a/b/blobs/uploads/",
        "DELETE /v2/a/b/manifests/v1",
    ] {
        asks(&server.ask(line, &[], b"").await);
    }
    let put = server.put("a/b", "v1", &manifest("x"), &[]).await;
    asks(&put);
    let ann = basic("ann", PASSWORD);
    let missing = server.get_as("/v2/a/b/manifests/v1", &ann).await;
    assert_eq!(missing.status, 404);
    let head = server.ask("HEAD /v2/", &[], b"").await;
    assert_eq!((head.status, head.text()), (401, ""));
}

#[tokio::test]
async fn headers_that_are_no_credentials_are_refused() {
    let server = guarded().await;
    let colonless = format!("Basic {}", BASE64_STANDARD.encode("ann"));
    let binary = format!("Basic {}", BASE64_STANDARD.encode(b"\xff\xfe:x"));
    for header in [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Bearer abc",
        &colonless,
        &binary,
    ] {
        asks(&server.get_as("/v2/", header).await);
    }
}

#[tokio::test]
async fn many_at_once_are_all_told_right() {
    let server = guarded().await;
    let (right, wrong) = (basic("ann", PASSWORD), basic("ann", "wrong"));
    let ask = async |header: &str| server.get_as("/v2/", header).await.status;
    let all = (0..64).map(|at| {
        if at % 8 == 0 {
            ask(&wrong)
        } else {
            ask(&right)
        }
    });
    let all = timeout(Duration::from_mins(1), futures_util::future::join_all(all));
    let statuses = all.await.expect("some were never answered");
    for (at, status) in statuses.into_iter().enumerate() {
        assert_eq!(status, if at % 8 == 0 { 401 } else { 200 }, "{at}");
    }
}

#[test]
fn a_file_without_users_is_an_error() {
    assert_eq!(Htpasswd::parse(b"").unwrap_err(), HtpasswdError::Empty);
}
