//! What is typed wrongly.

use insta::assert_snapshot;

use crate::harness::Place;

#[test]
fn a_bad_reference_shows_where() {
    let place = Place::new();
    assert_snapshot!(
        "bad_reference",
        place.run(&["pull", "ghcr.io/Org/my-avs:v1"]).failed_with(2)
    );
    assert_snapshot!(
        "scheme",
        place
            .run(&["pull", "https://ghcr.io/org/my-avs:v1"])
            .failed_with(2)
    );
    let (code, failure) = place.json(&["pull", "my-avs@sha256:abc"]);
    assert_eq!((code, &failure["code"]), (2, &"bad-reference".into()));
    assert_eq!(failure["position"], 7);
}

#[test]
fn a_host_or_a_digest_alone_leads_nowhere() {
    let place = Place::new();
    let run = place.run(&["push", "spec.yaml", "localhost:5001"]);
    assert_snapshot!("host_alone", run.failed_with(2));
    let digest = format!("0x{}", "ab".repeat(32));
    assert_snapshot!("digest_alone", place.run(&["pull", &digest]).failed_with(2));
}

#[test]
fn typing_errors_are_explained() {
    let place = Place::new();
    let run = place.run(&["vaildate", "spec.yaml"]).failed_with(2);
    assert!(run.stderr.contains("'validate'"), "{run}");
    let run = place
        .run(&["push", "spec.yaml", "my-avs:v1", "--overwrit"])
        .failed_with(2);
    assert!(run.stderr.contains("'--overwrite'"), "{run}");
    let (code, failure) = place.json(&["push", "spec.yaml"]);
    assert_eq!((code, &failure["code"]), (2, &"usage".into()));
}

#[test]
fn a_push_needs_a_tag() {
    let place = Place::new();
    assert_snapshot!(
        "no_tag",
        place
            .run(&["push", "my spec.yaml", "ghcr.io/org/my-avs"])
            .failed_with(2)
    );
    let digest = format!("my-avs:v1@sha256:{}", "0".repeat(64));
    place.run(&["push", "spec.yaml", &digest]).failed_with(2);
}

#[test]
fn remote_only_refuses_local_names() {
    let place = Place::new();
    let run = place
        .run(&["push", "--remote-only", "spec.yaml", "my-avs:v1"])
        .failed_with(2);
    assert_snapshot!(run);
    let place = Place::new().env("EIGENPACK_REMOTE_ONLY", "true");
    place
        .run(&["push", "spec.yaml", "my-avs:v1"])
        .failed_with(2);
    let place = Place::new().env("EIGENPACK_REMOTE_ONLY", "0");
    place.run(&["push", "spec.yaml", "my-avs:v1"]).succeeded();
}

#[test]
fn without_a_home_a_store_must_be_chosen() {
    let place = Place::new().env("EIGENPACK_STORE", "");
    place.run(&["push", "spec.yaml", "my-avs:v1"]).succeeded();
    assert!(
        place
            .file("../home/.local/share/eigenpack/store.json")
            .exists()
    );
}

#[test]
fn a_store_that_is_a_file_is_named() {
    let place = Place::new();
    let run = place
        .run(&["push", "-q", "--store=spec.yaml", "spec.yaml", "my-avs:v1"])
        .failed_with(3);
    assert!(run.stderr.contains("spec.yaml"), "{run}");
}
