//! `copy`.

use insta::assert_snapshot;

use crate::harness::{CREATED, Place, fixture};

#[test]
fn copies_between_the_store_and_a_layout_and_back() {
    let place = Place::with_artifact();
    assert_snapshot!(place.run(&["copy", "my-avs:v1", "oci:layout"]).succeeded());
    place
        .run(&["copy", "oci:layout:v1", "org/copy:v2"])
        .succeeded();
    let stored = place.run(&["manifest", "my-avs:v1"]).stdout;
    assert_eq!(
        place.run(&["manifest", "org/copy:v2"]).succeeded().stdout,
        stored
    );
    let pulled = place.run(&["pull", "org/copy:v2", "-o", "-"]).succeeded();
    assert_eq!(pulled.stdout, place.read("spec.yaml"));
    let again = place
        .run(&["copy", "oci:layout:v1", "org/copy:v2"])
        .succeeded();
    assert!(again.text().contains("status   unchanged"), "{again}");
}

#[test]
fn a_tag_at_the_target_is_not_moved_unasked() {
    let place = Place::with_artifact();
    place.write("spec.yaml", fixture("valid/runtime-generic.yaml"));
    place
        .run(&["push", "spec.yaml", "other:v1", CREATED])
        .succeeded();
    let run = place.run(&["copy", "my-avs:v1", "other:v1"]).failed_with(7);
    assert!(
        run.stderr.contains("other:v1 names something else"),
        "{run}"
    );
    let (code, copied) = place.json(&["copy", "my-avs:v1", "other:v1", "--overwrite"]);
    assert_eq!(
        (code, &copied["status"]),
        (0, &"overwritten".into()),
        "{copied}"
    );
}

#[test]
fn the_error_names_the_side() {
    let place = Place::with_artifact();
    let run = place
        .run(&["copy", "my-avs:v2", "oci:layout:v1"])
        .failed_with(4);
    assert!(run.stderr.contains("my-avs:v2 does not exist"), "{run}");
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let target = format!("127.0.0.1:{port}/org/my-avs:v1");
    let run = place.run(&["copy", "my-avs:v1", &target]).failed_with(6);
    assert!(
        run.stderr
            .contains(&format!("cannot read what {target} names now")),
        "{run}"
    );
    let zeros = format!("oci:layout@sha256:{}", "0".repeat(64));
    place.run(&["copy", "my-avs:v1", &zeros]).failed_with(1);
}

#[test]
fn damaged_content_is_not_copied_and_the_source_is_named() {
    let place = Place::with_artifact();
    let stored = place.run(&["manifest", "my-avs:v1"]).succeeded();
    let manifest: serde_json::Value = serde_json::from_slice(&stored.stdout).unwrap();
    let spec = place.pool_blob(manifest["layers"][0]["digest"].as_str().unwrap());
    let mut content = std::fs::read(&spec).unwrap();
    content[100] ^= 1;
    std::fs::write(&spec, content).unwrap();
    for target in ["oci:layout:v1", "org/copy:v1"] {
        let run = place.run(&["copy", "my-avs:v1", target]).failed_with(1);
        assert!(run.stderr.contains("my-avs:v1, the source"), "{run}");
        assert!(run.stderr.contains("the content's digest is"), "{run}");
        let copied = place.run(&["resolve", target]);
        assert_eq!(copied.code, 4, "{copied}");
    }
}

#[test]
fn a_tag_that_is_broken_is_replaced_only_when_asked() {
    for command in ["push", "tag", "copy"] {
        let place = Place::with_artifact();
        place.write("other.yaml", fixture("valid/runtime-generic.yaml"));
        place
            .run(&["push", "other.yaml", "my-avs:other", CREATED])
            .succeeded();
        place
            .run(&["copy", "my-avs:other", "copy:other"])
            .succeeded();
        let digest = place
            .run(&["resolve", "my-avs:v1"])
            .succeeded()
            .text()
            .trim()
            .to_owned();
        let path = place.pool_blob(&digest);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "{}").unwrap();
        let layout = place.file("../store/repositories/my-avs/_layout/blobs/sha256");
        std::fs::write(layout.join(digest.trim_start_matches("sha256:")), "{}").unwrap();

        let args: &[&str] = match command {
            "push" => &[
                "push",
                "other.yaml",
                "my-avs:v1",
                CREATED,
                "--release-version=other",
            ],
            "tag" => &["tag", "my-avs:other", "v1"],
            _ => &["copy", "copy:other", "my-avs:v1"],
        };
        let refused = place.run(args).failed_with(1);
        assert!(
            refused
                .stderr
                .contains("hint: what the tag names is broken; --overwrite replaces it"),
            "{refused}"
        );
        place.run(&[args, &["--overwrite"]].concat()).succeeded();
        let digest = |tag| {
            place
                .run(&["resolve", &format!("my-avs:{tag}")])
                .succeeded()
                .stdout
        };
        assert_eq!(digest("v1"), digest("other"), "{command}");
    }
}
