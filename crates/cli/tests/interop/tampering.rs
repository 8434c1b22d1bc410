//! A registry whose storage was altered behind its back: it serves what it has, and we refuse it.

use serde_json::Value;

use crate::published::Published;
use crate::registry::Registry;
use crate::sandbox::Sandbox;

#[test]
#[ignore = "needs the peers: just interop"]
fn an_altered_spec_is_refused() {
    let artifact = Artifact::publish();
    artifact.is_refused_with(
        &artifact.layer_digest,
        "tee_enabled: true",
        "tee_enabled: null",
    );
}

#[test]
#[ignore = "needs the peers: just interop"]
fn an_altered_config_is_refused() {
    let artifact = Artifact::publish();
    artifact.is_refused_with(&artifact.config_digest, "price-feed-avs", "prize-feed-avs");
}

/// The altered manifest is as valid as before, and names blobs that are intact.
#[test]
#[ignore = "needs the peers: just interop"]
fn an_altered_manifest_is_refused() {
    let artifact = Artifact::publish();
    artifact.is_refused_with(
        &artifact.manifest_digest,
        "price-feed-avs",
        "prize-feed-avs",
    );
}

struct Artifact {
    registry: Registry,
    manifest_digest: String,
    config_digest: String,
    layer_digest: String,
}

impl Artifact {
    fn publish() -> Self {
        let registry = Registry::docker();
        let reference = registry.reference("acme/avs:opset-0-v0");
        let published = Published::spec(&Sandbox::new(), &reference);
        let manifest: Value = serde_json::from_slice(&registry.stored(&published.digest)).unwrap();
        let digest = |descriptor: &Value| descriptor["digest"].as_str().unwrap().to_owned();
        Self {
            registry,
            manifest_digest: published.digest,
            config_digest: digest(&manifest["config"]),
            layer_digest: digest(&manifest["layers"][0]),
        }
    }

    /// Alters what is stored under a digest, and pulls: by tag, where only the registry's own word tells which digest is
    /// right, and by digest.
    #[track_caller]
    fn is_refused_with(&self, altered: &str, from: &str, to: &str) {
        self.registry.alter(altered, from, to);
        for selector in [
            ":opset-0-v0".to_owned(),
            format!("@{}", self.manifest_digest),
        ] {
            // Somebody new: the publisher has the intact bytes in their own store.
            let user = Sandbox::new();
            user.write("spec.yaml", "what was here before");
            let reference = self.registry.reference(&format!("acme/avs{selector}"));

            let arguments = ["pull", &reference, "-o", "spec.yaml", "--format", "json"];
            let failure = user.eigenpack(arguments).exits_with_json(1);

            assert_eq!(failure["code"], "verification-failed");
            assert_eq!(failure["expected"], altered);
            assert_eq!(user.read("spec.yaml"), b"what was here before");
            assert_eq!(user.listing(), ["spec.yaml"], "nothing half-written stays");
        }
    }
}
