//! Those who are not let in: who was asked, whose credentials were refused, and for what leave was missing.

use serde_json::{Value, json};

use super::USER;
use super::guarded::{Guarded, Over};
use super::holdings::{Holding, basic, write_docker_config};
use super::token_server::TokenRules;

use crate::layouts::Layout;
use crate::sandbox::Sandbox;
use crate::specs::SPEC;

const WRONG: &str = "wrong horse";

#[test]
#[ignore = "needs the peers: just interop"]
fn a_wrong_password_at_a_registry() {
    for over in [Over::Http, Over::Tls] {
        let guarded = Guarded::by_password(over);
        for failure in refused(&guarded, WRONG) {
            assert_eq!(failure["answeredBy"], "registry");
            assert_eq!(failure["host"], guarded.address().to_string());
        }
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_wrong_password_at_a_token_server() {
    for over in [Over::Http, Over::Tls] {
        let guarded = Guarded::by_token(over, TokenRules::default());
        let realm = guarded.tokens().realm.clone();
        for failure in refused(&guarded, WRONG) {
            assert_eq!(failure["answeredBy"], "token-service");
            let host = failure["host"].as_str().unwrap();
            assert!(realm.contains(&format!("//{host}/")), "{realm}: {failure}");
        }
        assert_eq!(guarded.tokens().issued(), [""; 0]);
    }
}

/// Fails unless every command is refused to Alice with this password, and returns what each says.
fn refused(guarded: &Guarded, password: &str) -> Vec<Value> {
    let user = Sandbox::new();
    let registry = guarded.address().to_string();
    let entry = json!({ "auth": basic(USER, password) });
    write_docker_config(&user, &json!({ "auths": { &registry: entry } }));
    user.write("pushed.yaml", SPEC);
    let there = guarded.reference("acme/avs:v1");
    let commands: [&[&str]; 5] = [
        &["push", "pushed.yaml", &there],
        &["pull", &there],
        &["tags", &guarded.reference("acme/avs")],
        &["copy", &there, "oci:copied"],
        &["tag", &there, "v2"],
    ];
    let fail = |command: &&[&str]| {
        let arguments = [command, &guarded.flags()[..], &["--format", "json"]].concat();
        let failure = user.eigenpack(arguments).exits_with_json(5);
        assert_eq!(failure["code"], "unauthenticated", "{failure}");
        assert_eq!(failure["registry"], registry);
        assert_eq!(failure["credentials"]["username"], USER);
        let source = failure["credentials"]["source"].as_str().unwrap();
        assert!(source.contains(".docker/config.json"), "{source}");
        let message = failure["message"].as_str().unwrap();
        for named in [&registry, USER, source] {
            assert!(message.contains(named), "`{named}` is not in: {message}");
        }
        let hint = failure["hint"].as_str().unwrap();
        assert!(
            hint.contains(&format!("eigenpack login {registry}")),
            "{hint}"
        );
        failure
    };
    commands.iter().map(fail).collect()
}

#[test]
#[ignore = "needs the peers: just interop"]
fn nobody_at_all() {
    for guarded in [
        Guarded::by_password(Over::Http),
        Guarded::by_token(Over::Http, TokenRules::default()),
    ] {
        let pull = [
            "pull",
            &guarded.reference("acme/avs:v1"),
            "--format",
            "json",
        ];
        let failure = Sandbox::new().eigenpack(pull).exits_with_json(5);
        assert_eq!(failure["code"], "unauthenticated");
        assert_eq!(failure["credentials"], Value::Null);
    }
}

/// The token server gives a token to whoever may only read, and the registry refuses it.
#[test]
#[ignore = "needs the peers: just interop"]
fn leave_to_read_alone() {
    let rules = TokenRules {
        pull_only: true,
        ..TokenRules::default()
    };
    let guarded = Guarded::by_token(Over::Http, rules);
    let user = Sandbox::new();
    Holding::Auths.give(&user, &guarded.address().to_string());
    user.write("pushed.yaml", SPEC);
    Layout::image(user.path("image"));

    let there = guarded.reference("acme/avs:v1");
    for command in [
        &["push", "pushed.yaml", &there][..],
        &["copy", "oci:image:v1", &there],
    ] {
        let arguments = [command, &["--format", "json"]].concat();
        let failure = user.eigenpack(arguments).exits_with_json(5);
        assert_eq!(failure["code"], "denied", "{failure}");
        assert_eq!(failure["action"], "push");
        assert_eq!(failure["missingScope"], "repository:acme/avs:push");
        assert_eq!(failure["credentials"]["username"], USER);
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains("repository:acme/avs:push"), "{message}");
    }
    let pull = ["pull", &there, "--format", "json"];
    assert_eq!(user.eigenpack(pull).exits_with_json(4)["code"], "not-found");
}
