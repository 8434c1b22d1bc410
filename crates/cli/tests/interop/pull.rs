//! Pulling from Debian's registry, by every name that an artifact has.

use crate::proxy::RecordingProxy;
use crate::published::Published;
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::specs::{SPEC, large_spec};

#[test]
#[ignore = "needs the peers: just interop"]
fn tag_digest_and_bytes32_name_the_same_spec() {
    let registry = Registry::docker();
    let proxy = RecordingProxy::before(registry.address());
    let published = Published::spec(&Sandbox::new(), &proxy.reference("acme/avs:opset-0-v0"));
    proxy.take_requests();

    for selector in [
        ":opset-0-v0".to_owned(),
        format!("@{}", published.digest),
        format!("@{}", published.bytes32()),
        format!(":opset-0-v0@{}", published.digest),
    ] {
        // Another user each time: what one has pulled is not asked for again.
        let user = Sandbox::new();
        let reference = proxy.reference(&format!("acme/avs{selector}"));
        user.eigenpack(["pull", &reference, "-o", "spec.yaml"])
            .succeeds();

        assert_eq!(user.read("spec.yaml"), SPEC, "{reference}");
        let requests = proxy.take_requests();
        assert_eq!(
            requests.len(),
            3,
            "the manifest, the config and the spec: {requests:#?}"
        );
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn the_manifest_and_the_config_come_out_as_they_are_stored() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let reference = registry.reference("acme/avs:opset-0-v0");
    let published = Published::spec(&Sandbox::new(), &reference);

    let manifest = user.eigenpack(["manifest", &reference]).succeeds();
    let config = user.eigenpack(["config", &reference]).succeeds();

    assert_eq!(manifest, registry.stored(&published.digest));
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(
        config,
        registry.stored(manifest["config"]["digest"].as_str().unwrap())
    );
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_spec_of_a_mebibyte_survives_the_round_trip() {
    let (registry, spec) = (Registry::docker(), large_spec());
    let reference = registry.reference("acme/large:v1");
    Published::bytes(&Sandbox::new(), &reference, &spec, &[]);

    let user = Sandbox::new();
    user.eigenpack(["pull", &reference, "-o", "spec.yaml"])
        .succeeds();

    assert!(
        user.read("spec.yaml") == spec,
        "the spec is not the one that was pushed"
    );
}
