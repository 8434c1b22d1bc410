//! Credentials that others stored, in our hands.

use super::guarded::{Guarded, Over};
use super::token_server::TokenRules;
use super::{PASSWORD, USER};
use crate::program::Program;
use crate::published::CREATED;
use crate::sandbox::Sandbox;
use crate::specs::SPEC;

#[test]
#[ignore = "needs the peers: just interop"]
fn skopeo_stores_where_it_is_told() {
    for guarded in both() {
        let user = Sandbox::new();
        let file = user.path("credentials.json");
        let variables = [("REGISTRY_AUTH_FILE", file.to_str().unwrap())];
        skopeo_logs_in(&user, &guarded, &variables);
        assert!(file.is_file());
        we_get_in(&user, &guarded, &variables);
        we_are_refused(&user, &guarded);
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn skopeo_stores_for_the_session() {
    for guarded in both() {
        let user = Sandbox::new();
        skopeo_logs_in(&user, &guarded, &[]);
        assert!(
            user.folder("session")
                .join("containers/auth.json")
                .is_file()
        );
        we_get_in(&user, &guarded, &[]);
        we_are_refused(&Sandbox::new(), &guarded);
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn python_stores_where_docker_does() {
    for guarded in both() {
        let user = Sandbox::new();
        let login = ["login", &guarded.address().to_string(), USER];
        user.run_on(Program::PythonOras, &[], PASSWORD, login)
            .succeeds();
        assert!(super::holdings::docker_config(&user).is_file());
        we_get_in(&user, &guarded, &[]);
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn oras_and_crane_store_where_docker_does() {
    for guarded in both() {
        let address = guarded.address().to_string();
        let oras = [
            "login",
            &address,
            "-u",
            USER,
            "--password-stdin",
            "--plain-http",
        ];
        let crane = ["auth", "login", &address, "-u", USER, "--password-stdin"];
        let logins: [(Program, &[&str]); 2] = [(Program::Oras, &oras), (Program::Crane, &crane)];
        for (program, login) in logins {
            let user = Sandbox::new();
            user.run_on(program, &[], PASSWORD, login).succeeds();
            assert!(super::holdings::docker_config(&user).is_file());
            we_get_in(&user, &guarded, &[]);
        }
    }
}

/// Registries over http, for which clients of others need no file of ours.
fn both() -> [Guarded; 2] {
    [
        Guarded::by_password(Over::Http),
        Guarded::by_token(Over::Http, TokenRules::default()),
    ]
}

fn skopeo_logs_in(user: &Sandbox, guarded: &Guarded, variables: &[(&str, &str)]) {
    let address = guarded.address().to_string();
    let login = [
        "login",
        "--tls-verify=false",
        "-u",
        USER,
        "--password-stdin",
        &address,
    ];
    user.run_on(Program::Skopeo, variables, PASSWORD, login)
        .succeeds();
}

#[track_caller]
fn we_get_in(user: &Sandbox, guarded: &Guarded, variables: &[(&str, &str)]) {
    let there = guarded.reference("acme/avs:v1");
    user.write("pushed.yaml", SPEC);
    let ours = |arguments: &[&str]| user.run_with(Program::Eigenpack, variables, arguments);
    ours(&["push", "pushed.yaml", &there, "--created", CREATED]).succeeds();
    let pulled = ours(&["pull", &there, "-o", "-"]).succeeds();
    assert!(pulled == SPEC);
}

#[track_caller]
fn we_are_refused(user: &Sandbox, guarded: &Guarded) {
    let there = guarded.reference("acme/avs:v1");
    user.eigenpack(["pull", &there]).exits(5);
}
