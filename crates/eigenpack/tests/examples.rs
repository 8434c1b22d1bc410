//! The examples are run as they stand: push, then pull.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

const EXAMPLES: [&str; 2] = ["push", "pull"];

/// Cargo builds the examples with the tests and puts them beside the folder of the test binary.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    profile
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

fn run(name: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(example(name)).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn what_is_pushed_is_pulled() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let store = store.to_str().unwrap();
    let spec = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../eigenruntime/fixtures/specs/valid/hourglass-aggregator.yaml");
    let digest = run("push", &[spec.to_str().unwrap(), "my-avs:v1", store]);
    let digest = String::from_utf8(digest).unwrap();
    let pulled = run("pull", &[&format!("my-avs@{}", digest.trim()), store]);
    assert_eq!(pulled, std::fs::read(spec).unwrap());
}

#[test]
fn they_are_short() {
    for name in EXAMPLES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}.rs"));
        let text = std::fs::read_to_string(path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("//!"));
        assert!(code.count() < 15, "{name}");
    }
}
