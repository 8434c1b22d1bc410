//! Things that are special to stores on this machine.

use serde_json::Value;

use crate::harness::{CREATED, Place, fixture};

#[test]
fn names_that_look_like_parts_of_the_store_live_together() {
    let place = Place::new();
    let repositories = ["a", "a/b", "a/blobs", "a/index.json"];
    let tags = ["_x", "a..b", "a-"];
    for repository in repositories {
        for tag in tags {
            place
                .run(&["push", "spec.yaml", &format!("{repository}:{tag}"), CREATED])
                .succeeded();
        }
    }
    for repository in repositories {
        let listed = place.run(&["tags", repository]).succeeded();
        assert_eq!(listed.text(), "_x\na-\na..b\n");
        let run = place
            .run(&["pull", &format!("{repository}:a..b"), "-o", "-"])
            .succeeded();
        assert_eq!(run.stdout, place.read("spec.yaml"));
    }
}

#[test]
fn an_image_layout_is_a_place_like_any_other() {
    let place = Place::new();
    place
        .run(&["push", "spec.yaml", "oci:out/lay:out:v1", CREATED])
        .failed_with(2);
    place
        .run(&["push", "spec.yaml", "oci:layout:v1", CREATED])
        .succeeded();
    assert!(place.file("layout/oci-layout").exists());
    let (_, shown) = place.json(&["inspect", "oci:layout:v1"]);
    assert_eq!(
        (&shown["location"], &shown["repository"]),
        (&"local".into(), &Value::Null)
    );
    let run = place.run(&["pull", "oci:layout:v1"]).succeeded();
    assert_eq!(run.text(), "layout.v1.yaml\n");
    assert_eq!(
        place.read("layout.v1.yaml"),
        fixture("valid/hourglass-aggregator.yaml")
    );
    place.run(&["pull", "oci:nowhere:v1"]).failed_with(4);
}

#[test]
fn a_spec_of_a_mebibyte_goes_through() {
    let place = Place::new();
    let mut spec = fixture("valid/hourglass-aggregator.yaml");
    spec.extend_from_slice(b"\n#");
    spec.resize(1024 * 1024, b'x');
    place.write("spec.yaml", &spec);
    place
        .run(&["push", "spec.yaml", "my-avs:v1", CREATED])
        .succeeded();
    assert_eq!(
        place
            .run(&["pull", "my-avs:v1", "-o", "-"])
            .succeeded()
            .stdout,
        spec
    );
    spec.resize(4 * 1024 * 1024 + 1, b'x');
    place.write("spec.yaml", &spec);
    let run = place
        .run(&["push", "-q", "spec.yaml", "my-avs:v2", CREATED])
        .failed_with(3);
    assert!(run.stderr.contains("input-too-large"), "{run}");
}
