//! `push`.

use insta::assert_snapshot;

use crate::harness::{CREATED, Place, fixture, fixtures};

#[test]
fn stores_locally_and_says_so() {
    let place = Place::new();
    assert_snapshot!(
        place
            .run(&["push", "spec.yaml", "my-avs:v1", CREATED])
            .succeeded()
    );
    let again = place
        .run(&["push", "-q", "spec.yaml", "my-avs:v1", CREATED])
        .succeeded();
    assert!(again.text().contains("status     unchanged"), "{again}");
    assert_eq!(again.stderr, "");
}

#[test]
fn json_has_what_a_release_needs() {
    let place = Place::new();
    let run = place.run(&[
        "push",
        "--format=json",
        "spec.yaml",
        "org/my-avs:v1",
        CREATED,
    ]);
    assert_snapshot!(run.succeeded());
}

#[test]
fn reproduces_artifacts_of_devkit() {
    let vectors = std::fs::read(fixtures().join("artifacts/devkit.json")).unwrap();
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(&vectors).unwrap();
    assert_eq!(vectors.len(), 4);
    for (number, vector) in vectors.iter().enumerate() {
        let place = Place::new();
        let text = |name: &str| vector[name].as_str().unwrap();
        place.write(
            "devkit.yaml",
            fixture(&format!("valid/{}", text("spec_file"))),
        );
        let reference = format!("repository-{number}:{}", text("tag"));
        let (code, pushed) = place.json(&[
            "push",
            "devkit.yaml",
            &reference,
            &format!("--name={}", text("avs_name")),
            &format!("--created={}", text("created")),
            &format!("--description={}", text("description")),
            &format!("--devkit-version={}", text("devkit_version")),
        ]);
        assert_eq!(code, 0, "{pushed}");
        assert_eq!(pushed["digest"], vector["manifest_digest"]);
        let manifest = place.run(&["manifest", &reference]).succeeded();
        assert_eq!(manifest.text(), text("manifest_bytes"));
        let config = place.run(&["config", &reference]).succeeded();
        assert_eq!(config.text(), text("config_bytes"));
    }
}

#[test]
fn the_clock_makes_no_conflict_but_a_given_time_does() {
    let place = Place::with_artifact();
    let again = place.run(&["push", "spec.yaml", "my-avs:v1"]).succeeded();
    assert!(again.text().contains("status     unchanged"), "{again}");
    assert!(
        again.text().contains("created    2025-08-14T12:00:00Z"),
        "{again}"
    );
    let other = place.run(&[
        "push",
        "spec.yaml",
        "my-avs:v1",
        "--created=2025-08-15T12:00:00Z",
    ]);
    assert!(
        other
            .failed_with(7)
            .stderr
            .contains("they differ in the time of creation")
    );
}

#[test]
fn a_tag_is_not_moved_unasked() {
    let place = Place::with_artifact();
    place.write(
        "spec.yaml",
        fixture("valid/hourglass-executor-performer.yaml"),
    );
    assert_snapshot!(
        "conflict",
        place
            .run(&["push", "-q", "spec.yaml", "my-avs:v1", CREATED])
            .failed_with(7)
    );
    let json = place.run(&[
        "push",
        "--format=json",
        "-q",
        "spec.yaml",
        "my-avs:v1",
        CREATED,
    ]);
    assert_snapshot!("conflict_json", json.failed_with(7).text());
    let moved = place
        .run(&[
            "push",
            "-q",
            "spec.yaml",
            "my-avs:v1",
            CREATED,
            "--overwrite",
        ])
        .succeeded();
    assert_snapshot!("overwritten", moved.text());
}

#[test]
fn the_dry_runs_command_pushes_exactly_that() {
    let place = Place::new();
    let args = [
        "push",
        "--dry-run",
        "spec.yaml",
        "my-avs:v1",
        "--name=it's \"$HOME\"!",
        "--annotation=org.example.commit=abc",
        "--title",
        CREATED,
    ];
    let run = place.run(&args).succeeded();
    assert_snapshot!(run);
    place.run(&["tags", "my-avs"]).failed_with(4);

    let (_, document) = place.json(&args);
    let command = document["command"].as_str().unwrap();
    let words = command.replace("'it'\\''s \"$HOME\"!'", "it's_\"$HOME\"!");
    let words: Vec<String> = words
        .split(' ')
        .skip(1)
        .map(|word| word.replace("it's_", "it's "))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (code, pushed) = place.json(&words);
    assert_eq!(code, 0, "{pushed}");
    assert_eq!(pushed["digest"], document["digest"]);
}

#[test]
fn the_dry_runs_command_goes_the_same_way() {
    let place = Place::new();
    place.write("my config.toml", "");
    let way = [
        "--store=elsewhere",
        "--config=my config.toml",
        "--insecure",
        "--plain-http=r.test",
    ];
    let args = ["push", "--dry-run", "spec.yaml", "my-avs:v1", CREATED];
    let (_, document) = place.json(&[&args[..], &way].concat());
    let command = document["command"].as_str().unwrap();
    let expected = "--store=elsewhere --config='my config.toml' --plain-http=r.test --insecure";
    assert!(command.ends_with(expected), "{command}");
}

#[test]
fn source_date_epoch_is_the_time() {
    let place = Place::new().env("SOURCE_DATE_EPOCH", "1755172800");
    let (_, pushed) = place.json(&["push", "spec.yaml", "my-avs:v1"]);
    assert_eq!(pushed["created"], "2025-08-14T12:00:00Z");
    // A time that was given is part of what is asked for.
    let (code, _) = place.json(&[
        "push",
        "spec.yaml",
        "my-avs:v1",
        "--created=2025-08-14T12:00:01Z",
    ]);
    assert_eq!(code, 7);
    let place = Place::new().env("SOURCE_DATE_EPOCH", "yesterday");
    assert_snapshot!(
        place
            .run(&["push", "spec.yaml", "my-avs:v1"])
            .failed_with(3)
    );
}

#[test]
fn an_unexpected_digest_writes_nothing() {
    let place = Place::new();
    let zeros = format!("--expect-digest=sha256:{}", "0".repeat(64));
    assert_snapshot!(
        place
            .run(&["push", "-q", "spec.yaml", "my-avs:v1", CREATED, &zeros])
            .failed_with(1)
    );
    place.run(&["tags", "my-avs"]).failed_with(4);
    let (_, dry) = place.json(&["push", "--dry-run", "spec.yaml", "my-avs:v1", CREATED]);
    let right = format!("--expect-digest={}", dry["bytes32"].as_str().unwrap());
    place
        .run(&["push", "spec.yaml", "my-avs:v1", CREATED, &right])
        .succeeded();
}

#[test]
fn an_invalid_spec_is_published_only_when_asked() {
    let place = Place::new();
    place.write("spec.yaml", fixture("invalid/null-digest.yaml"));
    assert_snapshot!(
        "invalid",
        place
            .run(&["push", "spec.yaml", "my-avs:v1", CREATED])
            .failed_with(3)
    );
    let (_, failure) = place.json(&["push", "spec.yaml", "my-avs:v1", CREATED]);
    assert_eq!(failure["check"]["faults"][0]["rule"], "null-value");
    place.run(&["tags", "my-avs"]).failed_with(4);
    let loud = place
        .run(&[
            "push",
            "-q",
            "spec.yaml",
            "my-avs:v1",
            CREATED,
            "--allow-invalid",
        ])
        .succeeded();
    assert!(loud.stderr.contains("BREAKS RULES"), "{loud}");
    let pulled = place.run(&["pull", "my-avs:v1"]).succeeded();
    assert!(pulled.stderr.contains("null-value"), "{pulled}");
    place
        .run(&["pull", "my-avs:v1", "--strict", "-o", "strict.yaml"])
        .failed_with(1);
    assert!(!place.file("strict.yaml").exists());
}

#[test]
fn without_a_readable_name_one_must_be_given() {
    let place = Place::new();
    place.write("spec.yaml", "kind: Hourglass\n");
    let args = [
        "push",
        "-q",
        "spec.yaml",
        "my-avs:v1",
        CREATED,
        "--allow-invalid",
    ];
    let run = place.run(&args).failed_with(3);
    assert!(
        run.stderr.contains("hint: give it a name: --name NAME"),
        "{run}"
    );
    place.run(&[&args[..], &["--name=x"]].concat()).succeeded();
}

#[test]
fn stdin_is_a_spec() {
    let place = Place::new();
    let spec = fixture("valid/runtime-generic.yaml");
    place
        .run_with_input(&["push", "-", "my-avs:v1", CREATED], &spec)
        .succeeded();
    assert_eq!(
        place
            .run(&["pull", "my-avs:v1", "-o", "-"])
            .succeeded()
            .stdout,
        spec
    );
}

#[test]
fn annotations_that_the_artifact_owns_are_refused() {
    let place = Place::new();
    let owned = "--annotation=org.opencontainers.image.created=x";
    assert_snapshot!(
        place
            .run(&["push", "-q", "spec.yaml", "my-avs:v1", owned])
            .failed_with(3)
    );
}

#[test]
fn a_registry_that_is_down_is_named() {
    let place = Place::new();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let reference = format!("127.0.0.1:{port}/org/my-avs:v1");
    let run = place
        .run(&["push", "spec.yaml", &reference, CREATED])
        .failed_with(6);
    assert_snapshot!(run.to_string().replace(&port.to_string(), "PORT"));
}
