//! Specs, and the config blobs of their artifacts.

use eigenpack_oci::is_deceptive;
use eigenruntime::ArtifactConfig;
use eigenruntime::spec::{Consumer, MAX_FAULTS, RuntimeSpec, check};

/// A spec's YAML.
pub fn spec_yaml(bytes: &[u8]) {
    let consumers = Consumer::ALL.iter().copied().map(Some);
    for consumer in consumers.chain([None]) {
        let report = check(bytes, consumer);
        let faults = &report.faults;
        assert!(faults.as_slice().len() <= MAX_FAULTS);
        assert!(report.spec.is_some() || !faults.is_valid());
        for fault in faults {
            assert!(fault.position.line >= 1 && fault.position.column >= 1);
            assert!(fault.position.offset <= bytes.len());
            assert!(fault.span.start <= fault.span.end && fault.span.end <= bytes.len());
            for text in [&fault.message, &fault.help, &fault.path] {
                assert!(!text.contains(is_deceptive), "{text:?}");
            }
        }
        for secret in faults.secrets() {
            assert!(secret.start <= secret.end && secret.end <= bytes.len());
        }
        if consumer.is_none() {
            assert_eq!(RuntimeSpec::parse(bytes).is_ok(), faults.is_valid());
        }
    }
}

/// The config blob of an artifact.
pub fn artifact_config(bytes: &[u8]) {
    if let Ok(config) = ArtifactConfig::read(bytes) {
        // What is no object is no config, though a list could be decoded as one.
        assert!(bytes.trim_ascii_start().starts_with(b"{"));
        let _ = config.created();
    }
}
