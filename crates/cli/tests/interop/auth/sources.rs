//! Credentials of every kind, at registries of both kinds: everything works, with one token an operation.

use super::guarded::{Guarded, Over};
use super::holdings::{Holding, take_asked};
use super::token_server::TokenRules;
use crate::program::Program;
use crate::published::CREATED;
use crate::sandbox::{Finished, Sandbox};
use crate::specs::SPEC;

const BY_PASSWORD: [Holding; 4] = [
    Holding::Auths,
    Holding::CredHelper,
    Holding::CredsStore,
    Holding::PasswordStdin,
];
const BY_TOKEN: [Holding; 7] = [
    Holding::Auths,
    Holding::CredHelper,
    Holding::CredsStore,
    Holding::IdentityToken,
    Holding::IdentityTokenInHelper,
    Holding::PasswordStdin,
    Holding::TokenStdin,
];

#[test]
#[ignore = "needs the peers: just interop"]
fn an_htpasswd_file_over_http() {
    everything_works(|| Guarded::by_password(Over::Http), &BY_PASSWORD);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn an_htpasswd_file_over_tls() {
    everything_works(|| Guarded::by_password(Over::Tls), &BY_PASSWORD);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_token_server_over_http() {
    let start = || Guarded::by_token(Over::Http, TokenRules::default());
    everything_works(start, &BY_TOKEN);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_token_server_over_tls() {
    let start = || Guarded::by_token(Over::Tls, TokenRules::default());
    everything_works(start, &BY_TOKEN);
}

fn everything_works(start: impl Fn() -> Guarded, holdings: &[Holding]) {
    for holding in holdings {
        let (guarded, user) = (start(), Sandbox::new());
        holding.give(&user, &guarded.address().to_string());
        Session {
            guarded,
            user,
            holding: *holding,
        }
        .do_everything();
    }
}

/// A user with credentials, at a registry.
struct Session {
    guarded: Guarded,
    user: Sandbox,
    holding: Holding,
}

impl Session {
    fn do_everything(&self) {
        let there = self.guarded.reference("acme/avs:opset-0-v0");
        let elsewhere = self.guarded.reference("other/avs:opset-0-v0");
        self.user.write("pushed.yaml", SPEC);

        let push = ["push", "pushed.yaml", &there, "--created", CREATED];
        let to_push = ["repository:acme/avs:pull,push"];
        let first = self.run(&push, &to_push).exits_with_json(0);
        let second = self.run(&push, &to_push).exits_with_json(0);
        assert_eq!(first["status"], "created", "{:?}", self.holding);
        assert_eq!(second["status"], "unchanged");

        let scopes = ["repository:acme/avs:pull", "repository:other/avs:pull,push"];
        let copied = self.run(&["copy", &there, &elsewhere], &scopes);
        let copied = copied.exits_with_json(0);
        assert_eq!(copied["digest"], first["digest"]);
        for blob in [0, 1] {
            assert_eq!(copied["blobs"][blob]["pushed"], "mounted", "{copied}");
        }

        let pulled = ["pull", &elsewhere, "-o", "pulled.yaml"];
        self.run(&pulled, &["repository:other/avs:pull"]).succeeds();
        assert_eq!(self.user.read("pulled.yaml"), SPEC);

        let repository = self.guarded.reference("other/avs");
        let listed = self.run(&["tags", &repository], &["repository:other/avs:pull"]);
        let listed = listed.exits_with_json(0);
        assert_eq!(listed["tags"][0], "opset-0-v0", "{listed}");
    }

    /// Runs a command, and fails unless it asked once for a token for these scopes, and once for credentials.
    #[track_caller]
    fn run(&self, command: &[&str], scopes: &[&str]) -> Finished {
        let flags = self.guarded.flags();
        let (given, input) = self.holding.given();
        let arguments = [command, &flags, given, &["--format", "json"]].concat();
        let finished = self.user.run_on(Program::Eigenpack, &[], input, arguments);
        if self.guarded.has_tokens() {
            let expected = self.holding.token_request(scopes);
            let asked = self.guarded.tokens().take_requests();
            assert_eq!(asked, [expected], "{command:?} {}", finished.stderr());
        }
        if self.holding.is_in_helper() {
            let registry = self.guarded.address();
            assert_eq!(take_asked(&self.user), [format!("get {registry}")]);
        }
        finished
    }
}
