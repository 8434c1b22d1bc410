//! `login`, `logout`, `auth explain`, and the credentials of every other command.

mod helpers;
mod public;
mod secrets;
mod terminal;
mod usage;

use std::io::Write as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use crate::harness::{Place, Run};
use crate::serve::Server;

const PASSWORD: &str = "correct horse: battery";

/// What `htpasswd -nbB -C 4 ann 'correct horse: battery'` printed.
const ANN: &str = "ann:$2y$04$GWAe.kIkupRxYG/AewrSPO8sVEhFxwcEYJy/TsPLoi.V8PsGFb9K6\n";

/// The arguments that say who ann is; her password goes to stdin.
const AS_ANN: [&str; 3] = ["--username", "ann", "--password-stdin"];

/// A registry that knows ann and nobody else.
struct Registry {
    server: Server,
    host: String,
    /// Its folder, which goes with it.
    _place: Place,
}

impl Registry {
    fn start() -> Self {
        let place = Place::new();
        place.write("users", ANN);
        Self::serve(place, &["--htpasswd=users"])
    }

    /// A registry that lets everybody in.
    fn open() -> Self {
        Self::serve(Place::new(), &[])
    }

    fn serve(place: Place, args: &[&str]) -> Self {
        let all = [&["--format=json", "--log=json"], args].concat();
        let mut server = Server::start(&place, &all);
        let host = server.ready()["host"].as_str().unwrap().to_owned();
        Self {
            server,
            host,
            _place: place,
        }
    }

    /// Stops it, and returns its log.
    fn stop(self) -> String {
        self.server.stop()
    }

    /// Returns what a run said, the same in every run of the test.
    fn shown(&self, run: &Run) -> String {
        run.to_string().replace(&self.host, "HOST")
    }

    /// The same of a table, whose columns are as wide as the test's folder is deep.
    fn table(&self, run: &Run) -> String {
        let mut text = self.shown(run);
        while text.contains("   ") {
            text = text.replace("   ", "  ");
        }
        text
    }
}

/// Makes a place whose helpers are in `bin`.
fn user() -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.file("bin")).unwrap();
    let path = format!("{}:/usr/bin:/bin", place.file("bin").display());
    place.env("PATH", &path)
}

/// Writes Docker's config.json.
fn configure(place: &Place, content: &str) {
    let path = place.file("../home/.docker/config.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn config(place: &Place) -> String {
    std::fs::read_to_string(place.file("../home/.docker/config.json")).unwrap()
}

/// Writes a credential helper. A process of its own does: were the file open in this one while another thread starts a
/// program, that one would hold it open too, and the helper could not be run.
fn helper(place: &Place, name: &str, script: &str) {
    let program = place.file(&format!("bin/docker-credential-{name}"));
    let mut writer = Command::new("/bin/sh")
        .args(["-c", r#"cat > "$0" && chmod 755 "$0""#])
        .arg(program)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = writer.stdin.take().unwrap();
    stdin
        .write_all(format!("#!/bin/sh\n{script}\n").as_bytes())
        .unwrap();
    drop(stdin);
    assert!(writer.wait().unwrap().success());
}

fn log_in(place: &Place, host: &str) -> Run {
    let args = [&["login", host], &AS_ANN[..]].concat();
    place.run_with_input(&args, PASSWORD.as_bytes())
}

#[test]
fn from_login_to_logout() {
    let registry = Registry::start();
    let host = &registry.host;
    let place = user();
    let there = format!("{host}/my-avs:v1");
    let push = ["push", "spec.yaml", &there, crate::harness::CREATED];
    let refused = place.run(&push).failed_with(5);
    assert_snapshot!("before", registry.shown(&refused));
    let wrong = [&["login", host], &AS_ANN[..]].concat();
    let wrong = place.run_with_input(&wrong, b"guess\n").failed_with(5);
    assert_snapshot!("wrong_password", registry.shown(&wrong));
    assert!(!place.file("../home/.docker").exists());
    configure(&place, r#"{"detachKeys":"ctrl-x","auths":{"other":{}}}"#);
    assert_snapshot!("login", registry.shown(&log_in(&place, host).succeeded()));
    assert_snapshot!("config", config(&place).replace(host, "HOST"));
    place.run(&push).succeeded();
    let pull = ["pull", &there, "-o", "pulled.yaml"];
    place.run(&pull).succeeded();
    assert_eq!(place.read("pulled.yaml"), place.read("spec.yaml"));
    place
        .run(&["resolve", &there, "--anonymous"])
        .failed_with(5);
    let explained = place.run(&["auth", "explain", host]).succeeded();
    assert_snapshot!("explained", registry.table(&explained));
    let out = place.run(&["logout", host]).succeeded();
    assert_snapshot!("logout", registry.shown(&out));
    let again = place.run(&["logout", host]).succeeded();
    assert_snapshot!("logout_again", registry.shown(&again));
    place.run(&pull).failed_with(5);
    registry.stop();
}

#[test]
fn a_registry_that_asks_for_nothing_says_so() {
    let registry = Registry::open();
    let place = user();
    let run = log_in(&place, &registry.host).succeeded();
    assert_snapshot!("unchecked", registry.shown(&run));
    let (_, report) = place.json(&["auth", "explain", &registry.host]);
    assert_eq!(report["demands"], serde_json::json!([]));
    registry.stop();
}

#[test]
fn nothing_is_made_where_nobody_was_logged_in() {
    let place = user();
    place.run(&["logout", "ghcr.io"]).succeeded();
    assert!(!place.file("../home").exists());
}

#[test]
fn a_login_over_tls_takes_the_flags_of_a_connection() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let place = Place::new();
    place.write("users", ANN);
    place.write("cert.pem", certified.cert.pem());
    place.write("key.pem", certified.signing_key.serialize_pem());
    let tls = [
        "--htpasswd=users",
        "--tls-cert=cert.pem",
        "--tls-key=key.pem",
    ];
    let registry = Registry::serve(place, &tls);
    let place = user();
    place.write("authority.pem", certified.cert.pem());
    let words = [&["login", &registry.host], &AS_ANN[..]].concat();
    let log_in =
        |flags: &[&str], password: &[u8]| place.run_with_input(&[&words, flags].concat(), password);
    // Without the flag, plain http is spoken to loopback.
    log_in(&[], PASSWORD.as_bytes()).failed_with(6);
    log_in(&["--ca-file=authority.pem"], b"guess").failed_with(5);
    log_in(&["--ca-file=authority.pem"], PASSWORD.as_bytes()).succeeded();
    let there = format!("{}/my-avs:v1", registry.host);
    let resolve = ["resolve", &there, "--ca-file=authority.pem"];
    place.run(&resolve).failed_with(4);
    registry.stop();
}

#[test]
fn places_that_count_before_are_named() {
    let registry = Registry::start();
    let variable = format!(
        r#"{{"auths":{{"{}":{{"auth":"Ym9iOng="}}}}}}"#,
        registry.host
    );
    let place = user().env("DOCKER_AUTH_CONFIG", &variable);
    let run = log_in(&place, &registry.host).succeeded();
    assert_snapshot!("earlier_place", registry.shown(&run));
    let run = place.run(&["logout", &registry.host]).succeeded();
    assert_snapshot!("logged_in_still", registry.shown(&run));
    registry.stop();
}

#[test]
fn json_says_where_credentials_went() {
    let registry = Registry::start();
    let host = &registry.host;
    let place = user();
    let login = [&["--format=json", "login", host], &AS_ANN[..]].concat();
    let login = place.run_with_input(&login, PASSWORD.as_bytes());
    let explained = place.run(&[
        "--format=json",
        "auth",
        "explain",
        &format!("{host}/org/my-avs"),
    ]);
    let logout = place.run(&["--format=json", "logout", host]);
    let runs = [login, explained, logout].map(|run| registry.shown(&run.succeeded()));
    assert_snapshot!("json", runs.join("\n"));
    registry.stop();
}
