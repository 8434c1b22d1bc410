//! How often places are looked at.

use eigenpack_remote::credentials::{
    CredentialError, CredentialProvider as _, CredentialSource, Found, GivenCredentials,
};

use super::home::{Home, basic, host, identity};

#[tokio::test]
async fn a_helper_is_asked_once_for_each_registry() {
    let home = Home::new();
    home.keeping_helper("keep");
    home.config(r#"{"credsStore":"keep"}"#);
    let credentials = home.credentials();
    for _ in 0..3 {
        let (a, b) = (host("a.example"), host("b.example"));
        let both = tokio::join!(credentials.find(&a, None), credentials.find(&a, None));
        assert_eq!(both.0, Ok(Found::nothing()));
        assert_eq!(both.1, Ok(Found::nothing()));
        credentials.find(&b, None).await.unwrap();
    }
    assert_eq!(home.read("kept-keep.calls"), "get\nget\n");
}

#[tokio::test]
async fn what_was_refused_is_forgotten() {
    let home = Home::new();
    home.keeping_helper("keep");
    home.config(r#"{"credsStore":"keep"}"#);
    let give = |password: &str| {
        let answer = format!(r#"{{"Username":"u","Secret":"{password}"}}"#);
        home.write("kept-keep", &answer);
    };
    give("one");
    let credentials = home.credentials();
    let (a, b) = (host("a.example"), host("b.example"));
    for host in [&a, &b] {
        let found = credentials.find(host, None).await.unwrap();
        assert_eq!(found.credential, basic("u", "one"));
    }
    give("two");
    // Something else was refused.
    credentials.refused(&a, &basic("u", "zero"));
    let found = credentials.find(&a, None).await.unwrap();
    assert_eq!(found.credential, basic("u", "one"));
    assert_eq!(home.read("kept-keep.calls"), "get\nget\n");

    credentials.refused(&a, &basic("u", "one"));
    for _ in 0..2 {
        let found = credentials.find(&a, None).await.unwrap();
        assert_eq!(found.credential, basic("u", "two"));
    }
    assert_eq!(home.read("kept-keep.calls"), "get\nget\nget\n");
    // What is in files may have ended as well.
    home.config(r#"{"auths":{"a.example":{"auth":"dTpw"}}}"#);
    credentials.refused(&a, &basic("u", "two"));
    let found = credentials.find(&a, None).await.unwrap();
    assert_eq!(found.credential, basic("u", "p"));
}

#[tokio::test]
async fn a_helper_that_failed_is_asked_again_by_whoever_comes_later() {
    let home = Home::new();
    home.helper(
        "it",
        r#"echo get >> $0.calls; sleep 0.2; [ -e $0.ready ] || exit 1; echo '{"Username":"u","Secret":"p"}'"#,
    );
    home.config(r#"{"credsStore":"it"}"#);
    let credentials = home.credentials();
    let host = host("a.example");
    let both = tokio::join!(credentials.find(&host, None), credentials.find(&host, None));
    let error = both.0.unwrap_err();
    assert!(
        matches!(error, CredentialError::HelperFailed { .. }),
        "{error:?}"
    );
    assert_eq!(both.1, Err(error));
    assert_eq!(home.read("bin/docker-credential-it.calls"), "get\n");
    home.write("bin/docker-credential-it.ready", "");
    let found = credentials.find(&host, None).await.unwrap();
    assert_eq!(found.credential, basic("u", "p"));
}

#[tokio::test]
async fn nothing_is_read_before_credentials_are_asked_for() {
    let home = Home::new();
    let credentials = home.credentials();
    home.config(r#"{"auths":{"a.example":{"auth":"dTpw"}}}"#);
    let found = credentials.find(&host("a.example"), None).await.unwrap();
    assert_eq!(found.credential, basic("u", "p"));
    // What was read once is known.
    home.config("{}");
    assert_eq!(credentials.find(&host("a.example"), None).await, Ok(found));
}

#[tokio::test]
async fn what_is_stored_is_found_at_once() {
    let home = Home::new();
    let credentials = home.credentials();
    let host = host("a.example");
    assert_eq!(credentials.find(&host, None).await, Ok(Found::nothing()));
    credentials.store(&host, &identity("t")).await.unwrap();
    let found = credentials.find(&host, None).await.unwrap();
    assert_eq!(found.credential, identity("t"));
    credentials.erase(&host).await.unwrap();
    assert_eq!(credentials.find(&host, None).await, Ok(Found::nothing()));
}

#[tokio::test]
async fn what_was_given_is_for_every_registry() {
    let given = GivenCredentials::new(basic("u", "p"));
    let found = given.find(&host("a.example"), None).await.unwrap();
    assert_eq!(
        (found.credential, found.source),
        (basic("u", "p"), CredentialSource::Given)
    );
    assert!(!format!("{given:?}").contains("\"p\""));
}
