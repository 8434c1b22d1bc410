//! `inspect`, `manifest`, `config`, `resolve`, `tags`, `tag`.

use insta::assert_snapshot;

use crate::harness::{CREATED, Place, fixture};

#[test]
fn inspect_shows_what_is_stored() {
    let place = Place::with_artifact();
    assert_snapshot!("inspect", place.run(&["inspect", "my-avs:v1"]).succeeded());
    assert_snapshot!(
        "inspect_json",
        place
            .run(&["inspect", "--format=json", "my-avs:v1"])
            .succeeded()
    );
}

#[test]
fn raw_parts_are_the_stored_bytes() {
    let place = Place::with_artifact();
    let raw = |part| {
        place
            .run(&["inspect", "--raw", part, "my-avs:v1"])
            .succeeded()
            .stdout
    };
    assert_eq!(raw("spec"), place.read("spec.yaml"));
    assert_eq!(
        raw("manifest"),
        place.run(&["manifest", "my-avs:v1"]).stdout
    );
    assert_eq!(raw("config"), place.run(&["config", "my-avs:v1"]).stdout);
    let (_, document) = place.json(&["manifest", "my-avs:v1"]);
    assert_eq!(
        document["content"].as_str().unwrap().as_bytes(),
        raw("manifest")
    );
}

#[test]
fn hostile_text_is_shown_as_escapes() {
    let place = Place::new();
    let description = "--description=a\u{1b}[31m\u{202e}b";
    place
        .run(&["push", "spec.yaml", "my-avs:v1", CREATED, description])
        .succeeded();
    let run = place.run(&["inspect", "my-avs:v1"]).succeeded();
    assert!(run.text().contains("a\\u{1b}[31m\\u{202e}b"), "{run}");
    assert!(!run.text().contains(['\u{1b}', '\u{202e}']), "{run}");
}

#[test]
fn resolve_prints_the_digest_alone() {
    let place = Place::with_artifact();
    let run = place.run(&["resolve", "my-avs:v1"]).succeeded();
    let digest = run.text().trim();
    assert_eq!(digest.len(), "sha256:".len() + 64);
    let bytes32 = place
        .run(&["resolve", "--bytes32", "my-avs:v1"])
        .succeeded();
    assert_eq!(bytes32.text().trim(), digest.replace("sha256:", "0x"));
    assert_snapshot!(
        place
            .run(&["resolve", "--format=json", "my-avs:v1"])
            .succeeded()
    );
}

#[test]
fn tags_are_listed_and_set() {
    let place = Place::with_artifact();
    assert_snapshot!(
        "tag",
        place.run(&["tag", "my-avs:v1", "stable", "v1"]).succeeded()
    );
    assert_eq!(
        place.run(&["tags", "my-avs"]).succeeded().text(),
        "stable\nv1\n"
    );
    place.write("spec.yaml", fixture("valid/runtime-generic.yaml"));
    place
        .run(&["push", "spec.yaml", "my-avs:v2", CREATED])
        .succeeded();
    assert_snapshot!(
        "tag_conflict",
        place
            .run(&["tag", "my-avs:v2", "new", "stable"])
            .failed_with(7)
    );
    assert_eq!(place.run(&["tags", "my-avs"]).text(), "stable\nv1\nv2\n");
    let moved = place
        .run(&["tag", "my-avs:v2", "stable", "--overwrite"])
        .succeeded();
    assert!(moved.text().contains("overwritten (was sha256:"), "{moved}");
    let digest = |tag| {
        place
            .run(&["resolve", &format!("my-avs:{tag}")])
            .text()
            .to_owned()
    };
    assert_eq!(digest("stable"), digest("v2"));
    assert_snapshot!(
        "tags_json",
        place.run(&["tags", "--format=json", "my-avs"]).succeeded()
    );
    assert_snapshot!(
        "tags_of_a_tag",
        place.run(&["tags", "my-avs:v1"]).failed_with(2)
    );
}
