//! Clients of others at `eigenpack serve` that asks for a password over TLS.

use std::ffi::OsStr;
use std::fs;

use tempfile::TempDir;

use super::certificates::Certificates;
use super::{HTPASSWD, PASSWORD, USER};
use crate::program::Program;
use crate::published::CREATED;
use crate::registry::Registry;
use crate::sandbox::{Finished, Sandbox};
use crate::specs::SPEC;

/// Our registry with an htpasswd file and a certificate, and what it has of its own.
struct Secured {
    registry: Registry,
    address: String,
    certificates: Certificates,
    folder: TempDir,
}

impl Secured {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users");
        fs::write(&users, HTPASSWD).unwrap();
        let certificates = Certificates::write(folder.path());
        let registry = Registry::ours_with(&[
            OsStr::new("--htpasswd"),
            users.as_os_str(),
            OsStr::new("--tls-cert"),
            certificates.certificate.as_os_str(),
            OsStr::new("--tls-key"),
            certificates.key.as_os_str(),
        ]);
        Self {
            address: registry.address().to_string(),
            registry,
            certificates,
            folder,
        }
    }

    fn reference(&self, rest: &str) -> String {
        self.registry.reference(rest)
    }

    fn authority(&self) -> &str {
        self.certificates.authority.to_str().unwrap()
    }

    /// Publishes the spec with Docker's credentials, and returns the manifest that is stored.
    fn publish(&self, rest: &str) -> Vec<u8> {
        let user = Sandbox::new();
        super::holdings::Holding::Auths.give(&user, &self.address);
        user.write("pushed.yaml", SPEC);
        let there = self.reference(rest);
        let push = ["push", "pushed.yaml", &there, "--created", CREATED];
        let ours = ["--ca-file", self.authority(), "--format", "json"];
        let report = user.eigenpack([&push[..], &ours].concat());
        let report = report.exits_with_json(0);
        self.registry.stored(report["digest"].as_str().unwrap())
    }

    /// Runs a program that trusts our authority by the variables that Go and Python have for it.
    fn run(&self, user: &Sandbox, program: Program, input: &str, arguments: &[&str]) -> Finished {
        let variables = [
            ("SSL_CERT_FILE", self.authority()),
            ("REQUESTS_CA_BUNDLE", self.authority()),
        ];
        user.run_on(program, &variables, input, arguments)
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn oras_logs_in_pushes_and_pulls() {
    let (secured, user) = (Secured::start(), Sandbox::new());
    let there = secured.reference("acme/files:v1");
    user.write("hello.txt", "hello");
    let push = ["push", &there, "hello.txt:text/plain"];
    let oras = |input: &str, arguments: &[&str]| {
        let flags = [arguments, &["--ca-file", secured.authority()]].concat();
        user.run_on(Program::Oras, &[], input, flags)
    };
    let login = ["login", &secured.address, "-u", USER, "--password-stdin"];
    oras("", &push).exits(1);
    oras("wrong", &login).exits(1);
    oras(PASSWORD, &login).succeeds();
    oras("", &push).succeeds();
    fs::remove_file(user.path("hello.txt")).unwrap();
    oras("", &["pull", &there]).succeeds();
    assert_eq!(user.read("hello.txt"), b"hello");
}

#[test]
#[ignore = "needs the peers: just interop"]
fn crane_logs_in_copies_and_reads() {
    let (secured, user) = (Secured::start(), Sandbox::new());
    let stored = secured.publish("acme/avs:v1");
    let (there, copied) = (
        secured.reference("acme/avs:v1"),
        secured.reference("b/c:v2"),
    );
    let crane =
        |input: &str, arguments: &[&str]| secured.run(&user, Program::Crane, input, arguments);
    crane("", &["manifest", &there]).exits(1);
    let login = [
        "auth",
        "login",
        &secured.address,
        "-u",
        USER,
        "--password-stdin",
    ];
    crane("wrong", &login).succeeds();
    crane("", &["manifest", &there]).exits(1);
    crane(PASSWORD, &login).succeeds();
    crane("", &["copy", &there, &copied]).succeeds();
    assert_eq!(crane("", &["manifest", &copied]).succeeds(), stored);
    assert_eq!(crane("", &["export", &there, "-"]).succeeds(), SPEC);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn regctl_logs_in_pushes_and_reads() {
    let (secured, user) = (Secured::start(), Sandbox::new());
    let stored = secured.publish("acme/avs:v1");
    let there = secured.reference("acme/avs:v1");
    let regctl =
        |input: &str, arguments: &[&str]| secured.run(&user, Program::Regctl, input, arguments);
    let get = ["manifest", "get", "--format", "raw-body", &there];
    regctl("", &get).exits(1);
    let login = [
        "registry",
        "login",
        &secured.address,
        "-u",
        USER,
        "--pass-stdin",
    ];
    regctl("wrong", &login).exits(1);
    regctl(PASSWORD, &login).succeeds();
    assert_eq!(regctl("", &get).succeeds(), stored);
    user.write("hello.txt", "hello");
    let files = secured.reference("acme/files:v1");
    let kind = "application/vnd.example.files.v1";
    let put = [
        "artifact",
        "put",
        "--file",
        "hello.txt",
        "--artifact-type",
        kind,
        &files,
    ];
    regctl("", &put).succeeds();
    assert_eq!(
        regctl("", &["artifact", "get", &files]).succeeds(),
        b"hello"
    );
}

#[test]
#[ignore = "needs the peers: just interop"]
fn skopeo_logs_in_copies_and_reads() {
    let (secured, user) = (Secured::start(), Sandbox::new());
    let stored = secured.publish("acme/avs:v1");
    let there = format!("docker://{}", secured.reference("acme/avs:v1"));
    // It takes a folder, in which authorities are the files that end with .crt.
    let trusted = secured.folder.path().join("trusted");
    fs::create_dir(&trusted).unwrap();
    fs::copy(&secured.certificates.authority, trusted.join("ca.crt")).unwrap();
    let trusted = trusted.to_str().unwrap();
    let skopeo =
        |input: &str, arguments: &[&str]| user.run_on(Program::Skopeo, &[], input, arguments);
    let inspect = ["inspect", "--raw", "--cert-dir", trusted, &there];
    let login = [
        "login",
        "--cert-dir",
        trusted,
        "-u",
        USER,
        "--password-stdin",
        &secured.address,
    ];
    skopeo("", &inspect).exits(1);
    skopeo("wrong", &login).exits(1);
    skopeo(PASSWORD, &login).succeeds();
    assert_eq!(skopeo("", &inspect).succeeds(), stored);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn python_logs_in_pushes_and_pulls() {
    let (secured, user) = (Secured::start(), Sandbox::new());
    let there = secured.reference("acme/by-python:v1");
    user.write("hello.txt", "hello");
    user.write("config.json", "{}");
    let python = |input: &str, arguments: &[&str]| {
        let arguments = [&["--tls", "--basic"], arguments].concat();
        secured.run(&user, Program::PythonOras, input, &arguments)
    };
    let push = [
        "push",
        &there,
        "hello.txt:text/plain",
        "config.json:application/json",
    ];
    // It stores whatever it is given, and asks nobody.
    python("wrong", &["login", &secured.address, USER]).succeeds();
    python("", &push).exits(1);
    python(PASSWORD, &["login", &secured.address, USER]).succeeds();
    python("", &push).succeeds();
    fs::remove_file(user.path("hello.txt")).unwrap();
    python("", &["pull", &there, "."]).succeeds();
    assert_eq!(user.read("hello.txt"), b"hello");
}
