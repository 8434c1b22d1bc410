//! Everything that is said at the highest verbosity, searched for every secret.

use std::fs;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::guarded::{Guarded, Over};
use super::holdings::{Holding, basic, helper_entry, install_helper, write_docker_config};
use super::token_server::TokenRules;
use super::{IDENTITY, PASSWORD, USER};
use crate::program::Program;
use crate::sandbox::Sandbox;
use crate::specs::SPEC;

const WRONG: &str = "wr0ng horse: battery";

/// A user at a registry, and everything that was said to them.
struct Overheard {
    guarded: Guarded,
    user: Sandbox,
    said: Vec<(String, String)>,
}

impl Overheard {
    fn new(guarded: Guarded) -> Self {
        let user = Sandbox::new();
        user.write("pushed.yaml", SPEC);
        Self {
            guarded,
            user,
            said: Vec::new(),
        }
    }

    fn with(guarded: Guarded, holding: Holding) -> Self {
        let overheard = Self::new(guarded);
        holding.give(&overheard.user, &overheard.address());
        overheard
    }

    /// Starts with a user whose password is another one.
    fn mistaken(guarded: Guarded) -> Self {
        let overheard = Self::new(guarded);
        let entry = json!({ "auth": basic(USER, WRONG) });
        let config = json!({ "auths": { overheard.address(): entry } });
        write_docker_config(&overheard.user, &config);
        overheard
    }

    fn address(&self) -> String {
        self.guarded.address().to_string()
    }

    /// Runs every command that speaks to a registry, for people and for programs.
    fn do_everything(&mut self, holding: Option<Holding>, code: i32) {
        let (given, input) = holding.map_or((&[][..], ""), Holding::given);
        let there = self.guarded.reference("acme/avs:v1");
        let elsewhere = self.guarded.reference("other/avs:v1");
        let repository = self.guarded.reference("acme/avs");
        let commands: [&[&str]; 8] = [
            &["push", "pushed.yaml", &there],
            &["push", "pushed.yaml", &there, "--overwrite"],
            &["copy", &there, &elsewhere],
            &["pull", &there, "-o", "pulled.yaml"],
            &["tags", &repository],
            &["tag", &there, "v2"],
            &["inspect", &there],
            &["resolve", &there],
        ];
        for command in commands {
            self.run(&[command, given].concat(), input, code);
        }
    }

    fn run(&mut self, command: &[&str], input: &str, code: i32) {
        for format in ["text", "json"] {
            let flags = self.guarded.flags();
            let arguments = [command, &flags, &["-vv", "--format", format]].concat();
            let finished = self.user.run_on(Program::Eigenpack, &[], input, &arguments);
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(finished.stdout()),
                finished.stderr()
            );
            finished.exits(code);
            self.said.push((arguments.join(" "), said));
        }
    }

    /// Fails if a secret was said; tokens that were issued are secrets too.
    #[track_caller]
    fn assert_discreet(&self) {
        let issued = if self.guarded.has_tokens() {
            self.guarded.tokens().issued()
        } else {
            Vec::new()
        };
        // A token is no less of a secret when its signature is all that is shown.
        let signatures = issued.iter().filter_map(|token| token.rsplit('.').next());
        let secrets: Vec<_> = [PASSWORD, IDENTITY, WRONG]
            .into_iter()
            .chain(issued.iter().map(String::as_str))
            .chain(signatures)
            .collect();
        for (command, said) in &self.said {
            assert!(said.contains("DEBUG"), "{command} was not verbose: {said}");
            for secret in &secrets {
                for form in forms(secret) {
                    assert!(!said.contains(&form), "{command} says {form}: {said}");
                }
            }
        }
    }
}

/// Returns how a secret may be written: as it is, in a URL, and in base64 after anything at all.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    forms.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|before| within(&engine, before, secret.as_bytes())));
    }
    forms
}

/// Returns the part of base64 that bytes alone decide when `before` others are before them and any after.
fn within(engine: &GeneralPurpose, before: usize, bytes: &[u8]) -> String {
    let padded = [&vec![0; before], bytes].concat();
    let encoded = engine.encode(&padded);
    encoded[(before * 8).div_ceil(6)..padded.len() * 8 / 6].to_owned()
}

/// The search finds what it is to find.
#[test]
#[ignore = "needs the peers: just interop"]
fn forms_are_found() {
    for before in ["", "a", "al", "ali", "alice:"] {
        for after in ["", "b", "bc"] {
            let encoded = basic(before, &format!("{PASSWORD}{after}"));
            let forms = forms(PASSWORD);
            assert!(forms.iter().any(|form| encoded.contains(form)), "{encoded}");
        }
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn who_is_let_in() {
    for (guarded, holding) in [
        (Guarded::by_password(Over::Tls), Holding::Auths),
        (Guarded::by_password(Over::Http), Holding::PasswordStdin),
        (by_token(), Holding::CredHelper),
        (by_token(), Holding::IdentityToken),
        (by_token(), Holding::IdentityTokenInHelper),
        (by_token(), Holding::TokenStdin),
    ] {
        let mut overheard = Overheard::with(guarded, holding);
        overheard.do_everything(Some(holding), 0);
        overheard.assert_discreet();
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn who_is_refused() {
    let tactless = TokenRules {
        tactless: true,
        ..TokenRules::default()
    };
    for guarded in [
        Guarded::by_password(Over::Tls),
        by_token(),
        Guarded::by_token(Over::Http, tactless),
    ] {
        let mut overheard = Overheard::mistaken(guarded);
        overheard.do_everything(None, 5);
        overheard.assert_discreet();
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn who_may_only_read() {
    let rules = TokenRules {
        pull_only: true,
        ..TokenRules::default()
    };
    let guarded = Guarded::by_token(Over::Http, rules);
    let mut overheard = Overheard::with(guarded, Holding::IdentityToken);
    let there = overheard.guarded.reference("acme/avs:v1");
    overheard.run(&["push", "pushed.yaml", &there], "", 5);
    overheard.assert_discreet();
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_helper_that_is_cut_off() {
    let mut overheard = Overheard::with(by_token(), Holding::CredHelper);
    let entry = helper_entry(&overheard.user);
    let text = fs::read_to_string(&entry).unwrap();
    let cut = text.trim_end_matches('}').trim_end_matches('"');
    assert!(cut.contains(PASSWORD));
    fs::write(&entry, cut).unwrap();
    let there = overheard.guarded.reference("acme/avs:v1");
    overheard.run(&["pull", &there], "", 5);
    overheard.assert_discreet();
}

#[test]
#[ignore = "needs the peers: just interop"]
fn who_logs_in_and_out() {
    for guarded in [Guarded::by_password(Over::Http), by_token()] {
        let mut overheard = Overheard::new(guarded);
        let address = overheard.address();
        let login = ["login", &address, "-u", USER, "--password-stdin"];
        overheard.run(&login, WRONG, 5);
        overheard.run(&login, PASSWORD, 0);
        overheard.run(&["auth", "explain", &address], "", 0);
        install_helper(&overheard.user);
        let config = json!({ "credHelpers": { &address: "test" } });
        write_docker_config(&overheard.user, &config);
        overheard.run(&login, PASSWORD, 0);
        overheard.run(&["auth", "explain", &address], "", 0);
        overheard.run(&["logout", &address], "", 0);
        overheard.assert_discreet();
    }
}

fn by_token() -> Guarded {
    Guarded::by_token(Over::Http, TokenRules::default())
}
