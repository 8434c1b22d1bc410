//! `gc`.

use std::fs::{File, read_dir, write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;

use crate::harness::{CREATED, Place, fixture};

/// Makes a place with two artifacts, of which the second was replaced by the first.
fn place_with_garbage() -> Place {
    let place = Place::new();
    let push = |spec: &str| {
        place
            .run(&["push", spec, "my-avs:v1", "--overwrite", CREATED])
            .succeeded()
    };
    place.write("other.yaml", fixture("valid/runtime-generic.yaml"));
    push("other.yaml");
    push("spec.yaml");
    // A manifest without a tag is kept; what becomes garbage here is what nothing names at all.
    let index = place.file("../store/repositories/my-avs/_layout/index.json");
    let (_, resolved) = place.json(&["resolve", "my-avs:v1"]);
    let digest = resolved["digest"].as_str().unwrap();
    let (_, shown) = place.json(&["manifest", "my-avs:v1"]);
    let entry = format!(
        r#"{{"mediaType":{},"digest":"{digest}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"v1"}}}}"#,
        shown["mediaType"], shown["size"],
    );
    write(
        index,
        format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#),
    )
    .unwrap();
    place
}

/// Makes every file look as if it had been written two days ago.
fn make_old(directory: &Path) {
    for entry in read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            make_old(&path);
        } else {
            let old = SystemTime::now() - Duration::from_hours(48);
            File::open(path).unwrap().set_modified(old).unwrap();
        }
    }
}

#[test]
fn removes_what_nothing_refers_to() {
    let place = place_with_garbage();
    assert_snapshot!("young", place.run(&["gc"]).succeeded());
    make_old(&place.file("../store"));
    assert_snapshot!("dry_run", place.run(&["gc", "--dry-run"]).succeeded());
    assert_snapshot!("removed", place.run(&["gc", "--format=json"]).succeeded());
    assert_snapshot!("nothing", place.run(&["gc"]).succeeded());
    let pulled = place.run(&["pull", "my-avs:v1", "-o", "-"]).succeeded();
    assert_eq!(pulled.stdout, place.read("spec.yaml"));
}

#[test]
fn a_repository_that_cannot_be_read_is_named() {
    let place = place_with_garbage();
    make_old(&place.file("../store"));
    let index = place.file("../store/repositories/my-avs/_layout/index.json");
    write(index, "{").unwrap();
    let run = place.run(&["gc", "-q"]).succeeded();
    assert!(
        run.stderr
            .contains("warning: everything of my-avs stays: cannot read its index: "),
        "{run}"
    );
    assert!(run.text().contains("removed  0 blobs"), "{run}");
    let (_, document) = place.json(&["gc"]);
    assert_eq!(document["unreadable"][0]["repository"], "my-avs");
}

#[test]
fn an_age_has_a_unit() {
    let place = Place::new();
    let run = place.run(&["gc", "--min-age", "24"]).failed_with(2);
    assert!(
        run.stderr.contains("for example 90s, 30m, 24h or 7d"),
        "{run}"
    );
    place.run(&["gc", "--min-age=0s"]).succeeded();
    assert!(!place.file("../store").exists());
    place.run(&["gc", "--store=spec.yaml"]).failed_with(3);
}
