//! What clients of others make of something in a registry.

use crate::layouts::blobs;
use crate::program::Program;
use crate::registry::Registry;
use crate::sandbox::Sandbox;

/// Tells regctl that a registry speaks plain HTTP.
pub(crate) fn plain_http_host(registry: &Registry) -> String {
    format!("reg={},tls=disabled", registry.address())
}

/// Fails unless every client that can show a manifest byte for byte shows this one.
#[track_caller]
pub(crate) fn everybody_reads(registry: &Registry, rest: &str, expected: &[u8]) {
    let user = Sandbox::new();
    let reference = registry.reference(rest);
    let (docker_reference, host) = (format!("docker://{reference}"), plain_http_host(registry));
    let readers: [(Program, &[&str]); 5] = [
        (Program::Eigenpack, &["manifest", &reference]),
        (
            Program::Oras,
            &["manifest", "fetch", "--plain-http", &reference],
        ),
        (Program::Crane, &["manifest", &reference]),
        (
            Program::Skopeo,
            &["inspect", "--raw", "--tls-verify=false", &docker_reference],
        ),
        (
            Program::Regctl,
            &[
                "--host", &host, "manifest", "get", "--format", "raw-body", &reference,
            ],
        ),
    ];
    for (program, arguments) in readers {
        let shown = user.run(program, arguments).succeeds();
        assert!(
            shown == expected,
            "{program:?} shows something else of {reference}:\n{}\ninstead of\n{}",
            String::from_utf8_lossy(&shown),
            String::from_utf8_lossy(expected),
        );
    }
}

/// Copies everything under a reference to a layout with our own client, and returns it by digest.
#[track_caller]
pub(crate) fn copied_by_us(reference: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    let user = Sandbox::new();
    user.eigenpack(["copy", reference, "oci:copied:read"])
        .succeeds();
    blobs(&user.path("copied"))
}
