//! Clients of others at `eigenpack serve`: they push, pull, list, attach, discover and delete.

use serde_json::Value;

use crate::everybody::{copied_by_us, everybody_reads, plain_http_host};
use crate::program::Program;
use crate::published::Published;
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::specs::SPEC;

const SIGNATURE: &str = "application/vnd.example.signature.v1+json";

#[test]
#[ignore = "needs the peers: just interop"]
fn oras_pushes_pulls_and_lists() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let there = registry.reference("acme/files:v1");
    user.write("hello.txt", "hello");
    let file = "hello.txt:text/plain";
    let kind = "application/vnd.example.files.v1";
    oras(&user, &["push", "--artifact-type", kind, &there, file]);
    oras(&user, &["tag", &there, "v2"]);

    let stored = oras(&user, &["manifest", "fetch", &there]);
    everybody_reads(&registry, "acme/files:v1", &stored);
    everybody_reads(&registry, "acme/files:v2", &stored);
    let read = copied_by_us(&there);
    assert!(read.values().any(|blob| blob == b"hello"));

    let puller = Sandbox::new();
    oras(&puller, &["pull", &there]);
    assert_eq!(puller.read("hello.txt"), b"hello");
    let tags = oras(&user, &["repo", "tags", &registry.reference("acme/files")]);
    assert_eq!(lines(&tags), ["v1", "v2"]);
    let repositories = oras(&user, &["repo", "ls", &registry.address().to_string()]);
    assert_eq!(lines(&repositories), ["acme/files"]);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn oras_attaches_and_discovers() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let there = registry.reference("acme/avs:v1");
    let published = Published::spec(&user, &there);
    user.write("signature.json", "{}");
    let attach = [
        "attach",
        "--artifact-type",
        SIGNATURE,
        &there,
        "signature.json",
    ];
    let report = oras(&user, &[&attach[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_slice(&report).unwrap();
    let attached = report["digest"].as_str().unwrap();

    assert_eq!(discovered(&user, &there), [attached]);
    let stored = user
        .eigenpack([
            "manifest",
            &registry.reference(&format!("acme/avs@{attached}")),
        ])
        .exits_with_json(0);
    assert_eq!(stored["subject"]["digest"], published.digest);
    assert_eq!(regctl_lists(&registry, &user, &there), [attached]);

    let signature = registry.reference(&format!("acme/avs@{attached}"));
    oras(&user, &["manifest", "delete", "--force", &signature]);
    assert_eq!(discovered(&user, &there), [""; 0]);
    everybody_reads(
        &registry,
        "acme/avs:v1",
        &registry.stored(&published.digest),
    );
}

#[test]
#[ignore = "needs the peers: just interop"]
fn oras_deletes_manifests_and_blobs() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let there = registry.reference("acme/avs:v1");
    let published = Published::spec(&user, &there);
    let manifest: Value = serde_json::from_slice(&registry.stored(&published.digest)).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let blob = registry.reference(&format!("acme/avs@{layer}"));
    let fetch = ["blob", "fetch", "--plain-http", "-o", "-", &blob];
    assert_eq!(user.run(Program::Oras, fetch).succeeds(), SPEC);

    oras(&user, &["blob", "delete", "--force", &blob]);
    user.run(Program::Oras, fetch).exits(1);
    let by_digest = registry.reference(&format!("acme/avs@{}", published.digest));
    oras(&user, &["manifest", "delete", "--force", &by_digest]);
    assert_gone(&registry, "acme/avs:v1");
}

#[test]
#[ignore = "needs the peers: just interop"]
fn python_pushes_pulls_lists_and_deletes() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let there = registry.reference("acme/by-python:v1");
    user.write("hello.txt", "hello");
    user.write("config.json", "{}");
    let (file, config) = ("hello.txt:text/plain", "config.json:application/json");
    let python = |arguments: &[&str]| user.run(Program::PythonOras, arguments).succeeds();
    python(&["push", &there, file, config]);

    let stored = user.eigenpack(["manifest", &there]).succeeds();
    everybody_reads(&registry, "acme/by-python:v1", &stored);
    assert!(copied_by_us(&there).values().any(|blob| blob == b"hello"));
    let puller = Sandbox::new();
    puller
        .run(Program::PythonOras, ["pull", &there, "."])
        .succeeds();
    assert_eq!(puller.read("hello.txt"), b"hello");
    let repository = registry.reference("acme/by-python");
    assert_eq!(lines(&python(&["tags", &repository])), ["v1"]);

    python(&["delete", &repository, "v1"]);
    assert_gone(&registry, "acme/by-python:v1");
}

#[test]
#[ignore = "needs the peers: just interop"]
fn crane_copies_tags_lists_and_deletes() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let (from, there) = (
        registry.reference("acme/avs:v1"),
        registry.reference("other/avs:v1"),
    );
    let published = Published::spec(&user, &from);
    let stored = registry.stored(&published.digest);
    let crane = |arguments: &[&str]| user.run(Program::Crane, arguments).succeeds();
    crane(&["copy", &from, &there]);
    crane(&["tag", &there, "v2"]);

    everybody_reads(&registry, "other/avs:v2", &stored);
    assert_eq!(crane(&["export", &there, "-"]), SPEC);
    let address = registry.address().to_string();
    assert_eq!(
        lines(&crane(&["catalog", &address])),
        ["acme/avs", "other/avs"]
    );
    let repository = registry.reference("other/avs");
    assert_eq!(lines(&crane(&["ls", &repository])), ["v1", "v2"]);

    // A tag alone, and then the manifest with the tag that is left.
    crane(&["delete", &there]);
    assert_gone(&registry, "other/avs:v1");
    everybody_reads(&registry, "other/avs:v2", &stored);
    crane(&["delete", &format!("{repository}@{}", published.digest)]);
    assert_gone(&registry, "other/avs:v2");
    everybody_reads(&registry, "acme/avs:v1", &stored);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn regctl_pushes_pulls_lists_attaches_and_deletes() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let there = registry.reference("acme/files:v1");
    let host = plain_http_host(&registry);
    let regctl = |arguments: &[&str]| {
        let all = [&["--host", &host][..], arguments].concat();
        user.run(Program::Regctl, all).succeeds()
    };
    user.write("hello.txt", "hello");
    let kind = ["--artifact-type", "application/vnd.example.files.v1"];
    regctl(
        &[
            &["artifact", "put", "--file", "hello.txt"],
            &kind[..],
            &[&there],
        ]
        .concat(),
    );

    let stored = user.eigenpack(["manifest", &there]).succeeds();
    everybody_reads(&registry, "acme/files:v1", &stored);
    assert!(copied_by_us(&there).values().any(|blob| blob == b"hello"));
    assert_eq!(regctl(&["artifact", "get", &there]), b"hello");
    let repository = registry.reference("acme/files");
    assert_eq!(lines(&regctl(&["tag", "ls", &repository])), ["v1"]);
    let address = registry.address().to_string();
    assert_eq!(lines(&regctl(&["repo", "ls", &address])), ["acme/files"]);

    let signature = ["--artifact-type", SIGNATURE, "--subject", &there];
    regctl(&[&["artifact", "put", "--file", "hello.txt"], &signature[..]].concat());
    let attached = regctl_lists(&registry, &user, &there);
    assert_eq!(attached.len(), 1);
    assert_eq!(discovered(&user, &there), attached);

    let digest = regctl(&["manifest", "head", &there]);
    let digest = String::from_utf8(digest).unwrap();
    let layer = serde_json::from_slice::<Value>(&stored).unwrap()["layers"][0]["digest"].clone();
    regctl(&["tag", "delete", &there]);
    assert_gone(&registry, "acme/files:v1");
    regctl(&[
        "manifest",
        "delete",
        &format!("{repository}@{}", digest.trim()),
    ]);
    assert_gone(&registry, &format!("acme/files@{}", digest.trim()));
    let layer = layer.as_str().unwrap();
    regctl(&["blob", "delete", &repository, layer]);
    let get = ["--host", &host, "blob", "get", &repository, layer];
    user.run(Program::Regctl, get).exits(1);
}

/// Runs oras, which assumes TLS everywhere but at `localhost`.
#[track_caller]
fn oras(user: &Sandbox, arguments: &[&str]) -> Vec<u8> {
    let plain = arguments.iter().copied().chain(["--plain-http"]);
    user.run(Program::Oras, plain).succeeds()
}

/// Returns the digests of what oras finds attached.
#[track_caller]
fn discovered(user: &Sandbox, reference: &str) -> Vec<String> {
    let found = oras(user, &["discover", "--format", "json", reference]);
    let found: Value = serde_json::from_slice(&found).unwrap();
    digests(&found["referrers"])
}

/// Returns the digests of what regctl finds attached.
#[track_caller]
fn regctl_lists(registry: &Registry, user: &Sandbox, reference: &str) -> Vec<String> {
    let host = plain_http_host(registry);
    let list = [
        "--host", &host, "artifact", "list", "--format", "body", reference,
    ];
    let found = user.run(Program::Regctl, list).exits_with_json(0);
    digests(&found["manifests"])
}

fn digests(descriptors: &Value) -> Vec<String> {
    let descriptors = descriptors
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let digests = descriptors
        .iter()
        .map(|one| one["digest"].as_str().unwrap());
    digests.map(str::to_owned).collect()
}

/// Fails unless nothing is found there, by us and by another.
#[track_caller]
fn assert_gone(registry: &Registry, rest: &str) {
    let user = Sandbox::new();
    let reference = registry.reference(rest);
    user.eigenpack(["manifest", &reference]).exits(4);
    user.run(Program::Crane, ["manifest", &reference]).exits(1);
}

fn lines(text: &[u8]) -> Vec<&str> {
    std::str::from_utf8(text).unwrap().lines().collect()
}
