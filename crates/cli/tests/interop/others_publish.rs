//! Artifacts that others published, pulled by us.

use serde_json::Value;

use crate::program::Program;
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::specs::SPEC;

const CONFIG: &str = r#"{"formatVersion":"1.0","eigenRuntimeAPIVersion":"v1","kind":"Hourglass","avsName":"price-feed-avs"}"#;
const CONFIG_FILE: &str = "config.json:application/vnd.eigenruntime.manifest.config.v1+json";
const SPEC_FILE: &str = "runtime-spec.yaml:text/yaml";

#[test]
#[ignore = "needs the peers: just interop"]
fn an_artifact_of_oras_pulls() {
    let (registry, publisher) = (Registry::docker(), publisher());
    let reference = registry.reference("acme/by-oras:v1");

    let artifact_type = "application/vnd.eigenruntime.manifest.v1";
    let mut arguments = vec!["push", "--plain-http", "--artifact-type", artifact_type];
    arguments.extend(["--config", CONFIG_FILE, &reference, SPEC_FILE]);
    publisher.run(Program::Oras, arguments).succeeds();

    pulls(&reference);
}

/// Python's oras writes no `artifactType`, so that the config's media type is all that says what this is.
#[test]
#[ignore = "needs the peers: just interop"]
fn an_artifact_of_python_pulls_without_an_artifact_type() {
    let (registry, publisher) = (Registry::docker(), publisher());
    let reference = registry.reference("acme/by-python:v1");

    let arguments = ["push", &reference, SPEC_FILE, CONFIG_FILE];
    publisher.run(Program::PythonOras, arguments).succeeds();

    let manifest = pulls(&reference);
    assert_eq!(manifest.get("artifactType"), None);
}

fn publisher() -> Sandbox {
    let publisher = Sandbox::new();
    publisher.write("config.json", CONFIG);
    publisher.write("runtime-spec.yaml", SPEC);
    publisher
}

/// Pulls as somebody who has seen nothing of it before, and returns the manifest.
#[track_caller]
fn pulls(reference: &str) -> Value {
    let user = Sandbox::new();
    user.eigenpack(["pull", reference, "-o", "spec.yaml"])
        .succeeds();
    assert_eq!(user.read("spec.yaml"), SPEC);
    user.eigenpack(["manifest", reference]).exits_with_json(0)
}
