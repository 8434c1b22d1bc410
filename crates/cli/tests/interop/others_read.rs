//! What clients of others see of an artifact that we published to Debian's registry.

use serde_json::Value;

use crate::program::Program;
use crate::published::Published;
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::specs::SPEC;

const TAGGED: &str = "acme/avs:opset-0-v0";

#[test]
#[ignore = "needs the peers: just interop"]
fn skopeo_oras_and_crane_show_the_stored_manifest() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let reference = registry.reference(TAGGED);
    let stored = publish(&registry, &reference);

    let docker_reference = format!("docker://{reference}");
    let skopeo = ["inspect", "--raw", "--tls-verify=false", &docker_reference];
    assert_eq!(user.run(Program::Skopeo, skopeo).succeeds(), stored);
    let oras = ["manifest", "fetch", "--plain-http", &reference];
    assert_eq!(user.run(Program::Oras, oras).succeeds(), stored);
    assert_eq!(
        user.run(Program::Crane, ["manifest", &reference])
            .succeeds(),
        stored
    );
}

/// Docker indents the manifest and Python parses it, so what can be compared is what it says.
#[test]
#[ignore = "needs the peers: just interop"]
fn docker_and_python_show_what_the_stored_manifest_says() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let reference = registry.reference(TAGGED);
    let stored: Value = serde_json::from_slice(&publish(&registry, &reference)).unwrap();
    assert_eq!(
        stored["artifactType"],
        "application/vnd.eigenruntime.manifest.v1"
    );

    let docker = ["manifest", "inspect", "--insecure", &reference];
    assert_eq!(user.run(Program::Docker, docker).exits_with_json(0), stored);
    let python = ["manifest", &reference];
    assert_eq!(
        user.run(Program::PythonOras, python).exits_with_json(0),
        stored
    );
}

#[test]
#[ignore = "needs the peers: just interop"]
fn oras_pulls_a_spec_that_has_a_title() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let reference = registry.reference(TAGGED);
    Published::bytes(&Sandbox::new(), &reference, SPEC, &["--title"]);

    user.run(Program::Oras, ["pull", "--plain-http", &reference])
        .succeeds();

    assert_eq!(user.listing(), ["runtime-spec.yaml"]);
    assert_eq!(user.read("runtime-spec.yaml"), SPEC);
}

/// This is why `--title` exists, and why the documentation names other commands.
#[test]
#[ignore = "needs the peers: just interop"]
fn oras_pulls_no_file_without_a_title() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let reference = registry.reference(TAGGED);
    publish(&registry, &reference);

    user.run(Program::Oras, ["pull", "--plain-http", &reference])
        .succeeds();

    assert_eq!(user.listing(), [""; 0]);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn oras_and_crane_write_the_spec_of_the_documented_artifact() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let reference = registry.reference(TAGGED);
    let manifest: Value = serde_json::from_slice(&publish(&registry, &reference)).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();

    let blob = registry.reference(&format!("acme/avs@{layer}"));
    user.run(
        Program::Oras,
        ["blob", "fetch", "--plain-http", "-o", "spec.yaml", &blob],
    )
    .succeeds();
    assert_eq!(user.read("spec.yaml"), SPEC);
    assert_eq!(
        user.run(Program::Crane, ["export", &reference, "-"])
            .succeeds(),
        SPEC
    );
}

#[test]
#[ignore = "needs the peers: just interop"]
fn python_pulls_the_spec() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let reference = registry.reference(TAGGED);
    Published::bytes(&Sandbox::new(), &reference, SPEC, &["--title=avs.yaml"]);

    user.run(Program::PythonOras, ["pull", &reference, "."])
        .succeeds();

    assert_eq!(user.listing(), ["avs.yaml"]);
    assert_eq!(user.read("avs.yaml"), SPEC);
}

/// Publishes the spec and returns the manifest as `eigenpack manifest` prints it, which is what is stored.
fn publish(registry: &Registry, reference: &str) -> Vec<u8> {
    let developer = Sandbox::new();
    let published = Published::spec(&developer, reference);
    let manifest = developer.eigenpack(["manifest", reference]).succeeds();
    assert_eq!(manifest, registry.stored(&published.digest));
    manifest
}
