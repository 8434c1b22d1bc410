//! Publishing to Debian's registry, and how many requests it takes.

use crate::proxy::RecordingProxy;
use crate::published::{Published, push};
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::specs::{SPEC, changed_spec, large_spec};

#[test]
#[ignore = "needs the peers: just interop"]
fn a_new_artifact_goes_up_in_six_requests() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let proxy = RecordingProxy::before(registry.address());

    let published = Published::spec(&user, &proxy.reference("acme/avs:opset-0-v0"));

    let requests = proxy.take_requests();
    let mut methods: Vec<_> = requests
        .iter()
        .filter_map(|request| request.split(' ').next())
        .collect();
    methods.sort_unstable();
    // The tag; for each of two blobs a POST that this registry answers with a session, and its PUT; the manifest.
    assert_eq!(methods, ["GET", "POST", "POST", "PUT", "PUT", "PUT"]);
    let report = &published.report;
    assert_eq!(report["status"], "created");
    assert_eq!(report["location"], "registry");
    assert_eq!(report["bytes32"], published.bytes32());
    assert_eq!(report["repository"], proxy.reference("acme/avs"));
}

#[test]
#[ignore = "needs the peers: just interop"]
fn the_same_artifact_again_is_unchanged_after_one_request() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let proxy = RecordingProxy::before(registry.address());
    let reference = proxy.reference("acme/avs:opset-0-v0");
    let first = Published::spec(&user, &reference);
    proxy.take_requests();

    let second = Published::spec(&user, &reference);

    assert_eq!(
        proxy.take_requests(),
        ["GET /v2/acme/avs/manifests/opset-0-v0"]
    );
    assert_eq!(second.report["status"], "unchanged");
    assert_eq!(second.digest, first.digest);
}

/// Most people give no time, and a second run of their pipeline is no new release.
#[test]
#[ignore = "needs the peers: just interop"]
fn the_clock_alone_makes_no_other_artifact() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let proxy = RecordingProxy::before(registry.address());
    let reference = proxy.reference("acme/avs:opset-0-v0");
    let first = Published::spec(&user, &reference);
    proxy.take_requests();

    let arguments = ["push", "pushed.yaml", &reference, "--format", "json"];
    let second = user.eigenpack(arguments).exits_with_json(0);

    assert_eq!(proxy.take_requests().len(), 1);
    assert_eq!(second["status"], "unchanged");
    assert_eq!(second["digest"], first.digest);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn another_artifact_under_the_tag_is_a_conflict_after_one_request() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let proxy = RecordingProxy::before(registry.address());
    let reference = proxy.reference("acme/avs:opset-0-v0");
    let stored = Published::spec(&user, &reference);
    let elsewhere = registry.reference("acme/elsewhere:opset-0-v0");
    let other = Published::bytes(&user, &elsewhere, &changed_spec(), &[]);
    proxy.take_requests();

    let failure = push(&user, &reference, &changed_spec(), &[], 7);

    assert_eq!(
        proxy.take_requests(),
        ["GET /v2/acme/avs/manifests/opset-0-v0"]
    );
    assert_eq!(failure["exitCode"], 7);
    assert_eq!(failure["code"], "tag-conflict");
    assert_eq!(failure["existing"], stored.digest);
    assert_eq!(failure["digest"], other.digest);
    let resolved = user.eigenpack(["resolve", &reference]).succeeds();
    assert_eq!(String::from_utf8(resolved).unwrap().trim(), stored.digest);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn a_tag_moves_when_asked_to() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let reference = registry.reference("acme/avs:opset-0-v0");
    let stored = Published::spec(&user, &reference);

    let moved = Published::bytes(&user, &reference, &changed_spec(), &["--overwrite"]);

    assert_eq!(moved.report["status"], "overwritten");
    assert_eq!(moved.report["previous"], stored.digest);
    let back = push(&user, &reference, SPEC, &["--overwrite"], 0);
    assert_eq!(back["digest"], stored.digest);
}

/// Above 64 KiB a blob is asked for before it is sent, in the request that starts its upload.
#[test]
#[ignore = "needs the peers: just interop"]
fn a_large_blob_takes_no_more_requests_than_a_small_one() {
    let (registry, user) = (Registry::docker(), Sandbox::new());
    let proxy = RecordingProxy::before(registry.address());

    Published::bytes(&user, &proxy.reference("acme/large:v1"), &large_spec(), &[]);

    let requests = proxy.take_requests();
    assert_eq!(requests.len(), 6, "{requests:#?}");
}
