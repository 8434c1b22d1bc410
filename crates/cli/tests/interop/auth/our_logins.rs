//! Credentials that `eigenpack login` stored, in the hands of others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::guarded::{Guarded, Over};
use super::holdings::{docker_config, helper_entry, install_helper, write_docker_config};
use super::token_server::TokenRules;
use super::{PASSWORD, USER};
use crate::everybody::plain_http_host;
use crate::program::Program;
use crate::published::Published;
use crate::sandbox::{Finished, Sandbox};
use crate::specs::SPEC;

#[test]
#[ignore = "needs the peers: just interop"]
fn a_password_in_the_configuration() {
    for guarded in both() {
        let user = Sandbox::new();
        login(&user, &guarded, PASSWORD).succeeds();
        let mode = fs::metadata(docker_config(&user)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        others_get_in(&user, &guarded);
        logout(&user, &guarded);
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_password_in_a_helper() {
    for guarded in both() {
        let user = Sandbox::new();
        install_helper(&user);
        // Skopeo does not know helpers of all registries.
        let address = guarded.address().to_string();
        write_docker_config(&user, &json!({ "credHelpers": { address: "test" } }));
        login(&user, &guarded, PASSWORD).succeeds();
        assert!(helper_entry(&user).is_file());
        let config = fs::read_to_string(docker_config(&user)).unwrap();
        let encoded = super::holdings::basic(USER, PASSWORD);
        assert!(!config.contains(&encoded), "{config}");
        others_get_in(&user, &guarded);
        logout(&user, &guarded);
        assert!(!helper_entry(&user).exists());
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_password_for_a_registry_over_tls() {
    let guarded = Guarded::by_token(Over::Tls, TokenRules::default());
    let user = Sandbox::new();
    login(&user, &guarded, PASSWORD).succeeds();
    let there = guarded.reference("acme/avs:v1");
    let published = Published::bytes(&user, &there, SPEC, &guarded.flags());
    let authority = guarded.authority().unwrap();
    let fetch = ["manifest", "fetch", "--ca-file", authority, &there];
    let stored = guarded.registry.stored(&published.digest);
    assert_eq!(user.run(Program::Oras, fetch).succeeds(), stored);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_wrong_password_is_not_stored() {
    for guarded in both() {
        let user = Sandbox::new();
        let failure = login(&user, &guarded, "wrong").exits_with_json(5);
        assert_eq!(failure["code"], "unauthenticated", "{failure}");
        assert!(!docker_config(&user).exists());
    }
}

/// Registries over http, for which clients of others need no file of ours.
fn both() -> [Guarded; 2] {
    [
        Guarded::by_password(Over::Http),
        Guarded::by_token(Over::Http, TokenRules::default()),
    ]
}

fn login(user: &Sandbox, guarded: &Guarded, password: &str) -> Finished {
    let address = guarded.address().to_string();
    let login = [
        "login",
        &address,
        "-u",
        USER,
        "--password-stdin",
        "--format",
        "json",
    ];
    let arguments = [&login[..], &guarded.flags()].concat();
    user.run_on(Program::Eigenpack, &[], password, arguments)
}

/// Logs out, after which nobody gets in.
#[track_caller]
fn logout(user: &Sandbox, guarded: &Guarded) {
    let address = guarded.address().to_string();
    user.eigenpack(["logout", &address]).succeeds();
    let there = guarded.reference("acme/avs:v1");
    user.eigenpack(["manifest", &there]).exits(5);
    let fetch = ["manifest", "fetch", "--plain-http", &there];
    user.run(Program::Oras, fetch).exits(1);
}

/// Publishes with what was stored, and has everybody read it with the same.
#[track_caller]
fn others_get_in(user: &Sandbox, guarded: &Guarded) {
    let there = guarded.reference("acme/avs:v1");
    let published = Published::bytes(user, &there, SPEC, &["--title"]);
    let stored = guarded.registry.stored(&published.digest);
    let (docker_reference, host) = (
        format!("docker://{there}"),
        plain_http_host(&guarded.registry),
    );
    let readers: [(Program, &[&str]); 4] = [
        (
            Program::Skopeo,
            &["inspect", "--raw", "--tls-verify=false", &docker_reference],
        ),
        (
            Program::Oras,
            &["manifest", "fetch", "--plain-http", &there],
        ),
        (Program::Crane, &["manifest", &there]),
        (
            Program::Regctl,
            &[
                "--host", &host, "manifest", "get", "--format", "raw-body", &there,
            ],
        ),
    ];
    for (program, arguments) in readers {
        // Crane wants nothing to do with a token server on loopback.
        if matches!(program, Program::Crane) && guarded.has_tokens() {
            continue;
        }
        let shown = user.run(program, arguments).succeeds();
        assert!(shown == stored, "{program:?} shows something else");
    }
    let backend: &[&str] = if guarded.has_tokens() {
        &[]
    } else {
        &["--basic"]
    };
    let python = [backend, &["pull", &there, "."]].concat();
    user.run(Program::PythonOras, python).succeeds();
    assert_eq!(user.read("runtime-spec.yaml"), SPEC);
    let docker = ["manifest", "inspect", "--insecure", &there];
    user.run(Program::Docker, docker).succeeds();
}
