//! The walls between the crates: which may depend on which.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Every arrow there may be. What a crate is not given here, it cannot use.
const ARROWS: [(&str, &[&str]); 8] = [
    ("eigenpack-oci", &[]),
    ("eigenruntime", &["eigenpack-oci"]),
    ("eigenpack-layout", &["eigenpack-oci"]),
    ("eigenpack-remote", &["eigenpack-oci"]),
    ("eigenpack-registry", &["eigenpack-layout", "eigenpack-oci"]),
    (
        "eigenpack",
        &[
            "eigenpack-layout",
            "eigenpack-oci",
            "eigenpack-remote",
            "eigenruntime",
        ],
    ),
    (
        "eigenpack-cli",
        &["eigenpack", "eigenpack-oci", "eigenpack-registry"],
    ),
    // It measures programs, and is none that anybody is given.
    ("eigenpack-bench", &["eigenpack"]),
];

/// Every arrow there may be besides, for tests alone: our client and our server are tested against each other.
const TEST_ARROWS: [(&str, &[&str]); 4] = [
    ("eigenpack-layout", &["eigenpack-oci"]),
    ("eigenpack-remote", &["eigenpack-registry"]),
    ("eigenpack-registry", &["eigenpack-oci", "eigenpack-remote"]),
    ("eigenpack", &["eigenpack-registry"]),
];

/// What the pure crates may use from outside: nothing that does I/O.
const PURE: [(&str, &[&str]); 2] = [
    (
        "eigenpack-oci",
        &[
            "base64",
            "bytes",
            "futures-core",
            "futures-util",
            "jiff",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "url",
        ],
    ),
    (
        "eigenruntime",
        &[
            "bytes",
            "futures-util",
            "granit-parser",
            "jiff",
            "serde",
            "serde_json",
            "strsim",
            "thiserror",
        ],
    ),
];

/// What the tests of the pure crates may use besides: proptest draws cases, tokio polls futures.
const PURE_TESTS: [&str; 2] = ["proptest", "tokio"];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The package itself, or the program that builds it.
    Product,
    Tests,
}

/// Returns the names of a package's dependencies of one kind.
fn dependencies(package: &Value, wanted: Kind) -> Vec<&str> {
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    dependencies
        .filter(|dependency| {
            let kind = match dependency["kind"].as_str() {
                None | Some("build") => Kind::Product,
                Some("dev") => Kind::Tests,
                Some(kind) => panic!("{kind} is not known here"),
            };
            kind == wanted
        })
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect()
}

#[test]
fn every_arrow_is_allowed() {
    let packages = packages();
    let (arrows, test_arrows) = (BTreeMap::from(ARROWS), BTreeMap::from(TEST_ARROWS));
    let members: Vec<&str> = packages
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let arrows = arrows
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no place in the picture"));
        let test_arrows = test_arrows.get(name).copied().unwrap_or_default();
        for (kind, allowed) in [(Kind::Product, *arrows), (Kind::Tests, test_arrows)] {
            for dependency in dependencies(package, kind) {
                let is_member = members.contains(&dependency);
                assert!(
                    !is_member || allowed.contains(&dependency),
                    "{name} -> {dependency}, for {kind:?}"
                );
            }
        }
    }
    assert_eq!(members.len(), ARROWS.len());
}

#[test]
fn pure_crates_use_nothing_that_does_io() {
    let packages = packages();
    for (name, allowed) in PURE {
        let package = packages
            .iter()
            .find(|package| package["name"] == name)
            .unwrap();
        for dependency in dependencies(package, Kind::Product) {
            assert!(
                allowed.contains(&dependency) || dependency == "eigenpack-oci",
                "{name} -> {dependency}"
            );
        }
        for dependency in dependencies(package, Kind::Tests) {
            assert!(
                PURE_TESTS.contains(&dependency),
                "{name} -> {dependency}, for tests"
            );
        }
    }
}
