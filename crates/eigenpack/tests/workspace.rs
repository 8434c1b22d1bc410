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

/// Returns the names of a package's dependencies, without those of its tests.
fn dependencies(package: &Value) -> Vec<&str> {
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    dependencies
        .filter(|d| d["kind"].is_null())
        .map(|d| d["name"].as_str().unwrap())
        .collect()
}

#[test]
fn every_arrow_is_allowed() {
    let packages = packages();
    let allowed = BTreeMap::from(ARROWS);
    let members: Vec<&str> = packages
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let allowed = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no place in the picture"));
        for dependency in dependencies(package) {
            let is_member = members.contains(&dependency);
            assert!(
                !is_member || allowed.contains(&dependency),
                "{name} -> {dependency}"
            );
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
        for dependency in dependencies(package) {
            assert!(
                allowed.contains(&dependency) || dependency == "eigenpack-oci",
                "{name} -> {dependency}"
            );
        }
    }
}
