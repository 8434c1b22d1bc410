//! `pull`.

use insta::assert_snapshot;

use crate::harness::{CREATED, Place, fixture};

const NAME: &str = "my-avs.v1.yaml";

fn digest(place: &Place) -> String {
    place
        .run(&["resolve", "my-avs:v1"])
        .succeeded()
        .text()
        .trim()
        .to_owned()
}

#[test]
fn writes_the_exact_bytes_and_prints_the_path() {
    let place = Place::with_artifact();
    let run = place.run(&["pull", "my-avs:v1"]).succeeded();
    assert_snapshot!(run);
    assert_eq!(place.read(NAME), fixture("valid/hourglass-aggregator.yaml"));
}

#[test]
fn digests_are_taken_in_both_forms() {
    let place = Place::with_artifact();
    let digest = digest(&place);
    let bytes32 = digest.replace("sha256:", "0x");
    for form in [&digest, &bytes32] {
        for reference in [format!("my-avs@{form}"), format!("my-avs:v1@{form}")] {
            let run = place.run(&["pull", &reference, "-o", "-"]).succeeded();
            assert_eq!(run.stdout, place.read("spec.yaml"), "{reference}");
        }
    }
    let run = place
        .run(&["pull", &format!("my-avs@{bytes32}")])
        .succeeded();
    assert_eq!(run.text(), format!("my-avs.{}.yaml\n", &digest[7..19]));
    let wrong = format!("my-avs:v1@sha256:{}", "0".repeat(64));
    assert_snapshot!(place.run(&["pull", &wrong]).failed_with(1));
}

#[test]
fn json_names_the_file_and_the_digests() {
    let place = Place::with_artifact();
    assert_snapshot!(
        place
            .run(&["pull", "--format=json", "my-avs:v1", "-o", "out.yaml"])
            .succeeded()
    );
}

#[test]
fn other_bytes_are_not_replaced_unasked() {
    let place = Place::with_artifact();
    place.write(NAME, "mine");
    assert_snapshot!(place.run(&["pull", "-q", "my-avs:v1"]).failed_with(3));
    assert_eq!(place.read(NAME), b"mine");
    place.run(&["pull", "my-avs:v1", "--force"]).succeeded();
    place.run(&["pull", "my-avs:v1"]).succeeded();
    place.write("out.yaml", "mine");
    place
        .run(&["pull", "my-avs:v1", "-o", "out.yaml"])
        .succeeded();
    assert_eq!(place.read("out.yaml"), place.read("spec.yaml"));
}

#[test]
fn a_changed_byte_is_refused_and_the_output_left_alone() {
    for part in ["specDigest", "config", "digest"] {
        let place = Place::with_artifact();
        let (_, shown) = place.json(&["inspect", "my-avs:v1"]);
        let digest = match part {
            "specDigest" => &shown["spec"]["digest"],
            "config" => &shown["config"]["digest"],
            _ => &shown["digest"],
        };
        let path = place.pool_blob(digest.as_str().unwrap());
        let changed = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
        let changed = changed.replace("price-feed-avs", "price-feed-avz");
        make_writable(&path);
        std::fs::write(&path, changed).unwrap();
        place.write("out.yaml", "mine");
        let run = place
            .run(&["pull", "my-avs:v1", "-o", "out.yaml"])
            .failed_with(1);
        assert!(run.stderr.contains("digest is sha256:"), "{part}: {run}");
        assert_eq!(place.read("out.yaml"), b"mine");
        let (code, failure) = place.json(&["pull", "my-avs:v1", "-o", "out.yaml"]);
        assert_eq!(
            (code, &failure["code"]),
            (1, &"verification-failed".into()),
            "{failure}"
        );
        assert_eq!(&failure["expected"], digest);
        // A damaged manifest is mended only when asked: nobody knows any more what the tag named.
        let asked: &[&str] = if part == "digest" {
            &["--overwrite"]
        } else {
            &[]
        };
        place
            .run(&[&["push", "spec.yaml", "my-avs:v1", CREATED], asked].concat())
            .succeeded();
        place
            .run(&["pull", "my-avs:v1", "-o", "out.yaml"])
            .succeeded();
    }
}

/// Blobs may be stored read-only.
fn make_writable(path: &std::path::Path) {
    let mut permissions = std::fs::metadata(path).unwrap().permissions();
    #[expect(
        clippy::permissions_set_readonly_false,
        reason = "a file of this test's own"
    )]
    permissions.set_readonly(false);
    std::fs::set_permissions(path, permissions).unwrap();
}

#[test]
fn an_output_that_is_a_format_is_doubted() {
    let place = Place::with_artifact();
    let run = place
        .run(&["pull", "-q", "my-avs:v1", "-o", "json"])
        .succeeded();
    assert!(run.stderr.contains("--format"), "{run}");
    assert_eq!(place.read("json"), place.read("spec.yaml"));
    place
        .run(&["pull", "--format=json", "my-avs:v1", "-o", "-"])
        .failed_with(2);
}

#[test]
fn a_name_that_is_not_there_gets_help() {
    let place = Place::with_artifact();
    assert_snapshot!(
        "no_repository",
        place.run(&["pull", "org/avs:v1"]).failed_with(4)
    );
    assert_snapshot!("no_tag", place.run(&["pull", "my-avs:v2"]).failed_with(4));
    for tag in ["v2", "v3", "v4", "v5", "v6"] {
        place
            .run(&["push", "spec.yaml", &format!("my-avs:{tag}"), CREATED])
            .succeeded();
    }
    assert_snapshot!("no_selector", place.run(&["pull", "my-avs"]).failed_with(2));
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let place = Place::with_artifact();
    let run = place
        .run(&["pull", "my-avs:v1", "-o", "no/such/file"])
        .failed_with(3);
    assert!(run.stderr.contains("cannot write no/such/file"), "{run}");
}

/// Whatever stands behind the last line's end is only in a buffer at first.
#[cfg(target_os = "linux")]
#[test]
fn what_could_not_be_written_is_not_called_done() {
    let place = Place::new();
    place.write("line.yaml", "{a: b}");
    let push = [
        "push",
        "line.yaml",
        "line:v1",
        "--name=a",
        "--allow-invalid",
    ];
    place.run(&push).succeeded();
    for args in [
        &["pull", "-q", "line:v1", "-o", "-"][..],
        &["inspect", "--raw", "spec", "line:v1"],
        &["--help"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut command = place.command(args);
        let status = command
            .stdout(full.unwrap())
            .stderr(std::process::Stdio::null())
            .status();
        assert_eq!(status.unwrap().code(), Some(3), "{args:?}");
    }
}
