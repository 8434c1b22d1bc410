//! The registry that is built into `crane`: it takes a blob in a single POST and answers 201 without a `Location`.

use crate::proxy::RecordingProxy;
use crate::published::Published;
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::specs::{SPEC, large_spec};

#[test]
#[ignore = "needs the peers: just interop"]
fn a_blob_goes_up_in_one_request() {
    let (registry, user) = (Registry::crane(), Sandbox::new());
    let proxy = RecordingProxy::before(registry.address());
    let reference = proxy.reference("acme/avs:opset-0-v0");

    let first = Published::spec(&user, &reference);
    assert_eq!(first.report["status"], "created");
    let requests = proxy.take_requests();
    assert_eq!(
        requests.len(),
        4,
        "the tag, two blobs and the manifest: {requests:#?}"
    );

    let second = Published::spec(&user, &reference);
    assert_eq!(second.report["status"], "unchanged");
    assert_eq!(proxy.take_requests().len(), 1);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn specs_small_and_large_come_back() {
    let registry = Registry::crane();
    for (name, spec) in [("acme/small:v1", SPEC), ("acme/large:v1", &large_spec())] {
        let reference = registry.reference(name);
        Published::bytes(&Sandbox::new(), &reference, spec, &[]);

        let user = Sandbox::new();
        user.eigenpack(["pull", &reference, "-o", "spec.yaml"])
            .succeeds();

        assert!(
            user.read("spec.yaml") == spec,
            "{name} is not what was pushed"
        );
    }
}
