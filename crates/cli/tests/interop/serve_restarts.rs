//! The local store, served now here and now there: what is in it stays the same.

use crate::program::Program;
use crate::published::Published;
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::specs::{SPEC, changed_spec};

#[test]
#[ignore = "needs the peers: just interop"]
fn what_was_pushed_is_pulled_after_a_restart() {
    let developer = Sandbox::new();
    let local = Published::spec(&developer, "acme/avs:v1");
    let first = Registry::ours_for(&developer);
    let there = first.reference("acme/avs:v2");
    let served = Published::bytes(&Sandbox::new(), &there, &changed_spec(), &[]);
    drop(first);

    let second = Registry::ours_for(&developer);
    for (tag, spec, published) in [("v1", SPEC, &local), ("v2", &changed_spec(), &served)] {
        let user = Sandbox::new();
        let reference = format!("localhost:{}/acme/avs:{tag}", second.address().port());
        user.eigenpack(["pull", &reference, "-o", "spec.yaml"])
            .succeeds();
        assert_eq!(user.read("spec.yaml"), spec);
        let resolved = user.eigenpack(["resolve", &reference]).succeeds();
        assert_eq!(
            String::from_utf8(resolved).unwrap().trim(),
            published.digest
        );
    }
}

/// The repository's folder is an image layout, which needs neither our store nor our server to be read.
#[test]
#[ignore = "needs the peers: just interop"]
fn the_layout_in_the_store_is_the_artifact_for_everybody() {
    let developer = Sandbox::new();
    let published = Published::spec(&developer, "acme/avs:v1");
    let registry = Registry::ours_for(&developer);
    let stored = registry.stored(&published.digest);
    let layout = developer.store().join("repositories/acme/avs/_layout");
    let layout = layout.to_str().unwrap();

    let user = Sandbox::new();
    let reference = format!("oci:{layout}:v1");
    user.eigenpack(["pull", &reference, "-o", "spec.yaml"])
        .succeeds();
    assert_eq!(user.read("spec.yaml"), SPEC);
    let readers: [(Program, &[&str]); 4] = [
        (Program::Eigenpack, &["manifest", &reference]),
        (Program::Skopeo, &["inspect", "--raw", &reference]),
        (
            Program::Oras,
            &["manifest", "fetch", "--oci-layout", &format!("{layout}:v1")],
        ),
        (
            Program::Regctl,
            &[
                "manifest",
                "get",
                "--format",
                "raw-body",
                &format!("ocidir://{layout}:v1"),
            ],
        ),
    ];
    for (program, arguments) in readers {
        let shown = user.run(program, arguments).succeeds();
        assert_eq!(shown, stored, "{program:?}");
    }
}
