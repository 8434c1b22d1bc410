//! `validate`.

use insta::assert_snapshot;

use crate::harness::{Place, fixture};

#[test]
fn every_valid_spec_is_valid() {
    let place = Place::new();
    let names = [
        "hgctl-dialect.yaml",
        "hourglass-aggregator.yaml",
        "hourglass-executor-performer.yaml",
        "runtime-generic.yaml",
        "version-looks-like-float.yaml",
    ];
    for name in names {
        place.write(name, fixture(&format!("valid/{name}")));
    }
    let args: Vec<_> = ["validate"].into_iter().chain(names).collect();
    assert_snapshot!(place.run(&args).succeeded());
}

#[test]
fn every_fault_is_shown_at_its_place() {
    let place = Place::new();
    let names = [
        "duplicate-component.yaml",
        "empty.yaml",
        "missing-fields.yaml",
        "null-digest.yaml",
        "short-digest-and-tag.yaml",
        "template-residue.yaml",
    ];
    for name in names {
        place.write(name, fixture(&format!("invalid/{name}")));
    }
    let args: Vec<_> = ["validate"].into_iter().chain(names).collect();
    assert_snapshot!(place.run(&args).failed_with(1));
}

#[test]
fn json_lists_files_and_faults() {
    let place = Place::new();
    place.write("bad.yaml", fixture("invalid/null-digest.yaml"));
    let run = place
        .run(&["validate", "--format", "json", "spec.yaml", "bad.yaml"])
        .failed_with(1);
    assert_snapshot!(run);
}

#[test]
fn a_consumers_traps_are_errors() {
    let place = Place::new();
    place.write(
        "tee.yaml",
        fixture("valid/hourglass-executor-performer.yaml"),
    );
    place
        .run(&["validate", "tee.yaml", "--consumer", "hgctl"])
        .succeeded();
    let run = place
        .run(&["validate", "tee.yaml", "--consumer", "eigenruntime-go"])
        .failed_with(1);
    assert!(run.text().contains("error[tee-spelling]"), "{run}");
    let run = place
        .run(&["validate", "tee.yaml", "--consumer", "hgctI"])
        .failed_with(2);
    assert!(run.stderr.contains("hgctl"), "{run}");
}

#[test]
fn stdin_is_read() {
    let place = Place::new();
    let spec = fixture("invalid/null-digest.yaml");
    let run = place
        .run_with_input(&["validate", "-"], &spec)
        .failed_with(1);
    assert!(run.text().contains("--> <stdin>:9:13"), "{run}");
}

#[test]
fn what_cannot_be_read_is_another_failure_than_what_is_invalid() {
    let place = Place::new();
    assert_snapshot!(place.run(&["validate", "missing.yaml"]).failed_with(3));
    place.write("bytes.yaml", [0xff, 0xfe, 0x00]);
    place.run(&["validate", "bytes.yaml"]).failed_with(1);
}

#[test]
fn a_file_that_cannot_be_read_hides_nothing_of_the_others() {
    let place = Place::new();
    place.write("bad.yaml", fixture("invalid/null-digest.yaml"));
    let args = ["validate", "missing.yaml", "bad.yaml", "spec.yaml"];
    assert_snapshot!(place.run(&args).failed_with(3));
    let (code, document) = place.json(&args);
    assert_eq!(code, 3);
    let files = document["files"].as_array().unwrap();
    let valid: Vec<_> = files.iter().map(|file| file["valid"] == true).collect();
    assert_eq!(valid, [false, false, true]);
    assert!(files[0]["error"].as_str().unwrap().contains("No such file"));
}

#[test]
fn a_secret_is_never_shown() {
    let place = Place::new();
    let spec = String::from_utf8(fixture("valid/runtime-generic.yaml")).unwrap();
    let spec = spec.replace(
        "type: secret",
        "type: secret\n        value: hunter2-hunter2",
    );
    place.write("secret.yaml", spec);
    for args in [
        &["validate", "secret.yaml"][..],
        &["validate", "--format=json", "secret.yaml"],
        &["push", "secret.yaml", "a:b"],
        &["push", "-vv", "--allow-invalid", "secret.yaml", "a:b"],
    ] {
        let run = place.run(args);
        assert!(run.to_string().contains("secret-value"), "{run}");
        assert!(!run.to_string().contains("hunter2"), "{run}");
    }
}

#[test]
fn a_secret_is_not_shown_with_a_fault_that_hides_what_it_is() {
    let place = Place::new();
    for (env, shown) in [
        (
            "\n    - type: secret\n      value: @hunter2-secret",
            "value: *",
        ),
        ("\n    - type: secret\n      value: *hunter2", "value: *"),
        ("\n    - type: secret\n      value: a: hunter2", "value: *"),
        ("\n    - type: secret\n      value: !hunter2", "value: *"),
        ("\n    - type: secret\n      Value: hunter2", "Value: *"),
        (
            " {A: {type: secret, value: hunter2}}",
            "env: {A: {type: secret, value: *******}}",
        ),
    ] {
        place.write("secret.yaml", format!("spec:\n  a:\n    env:{env}\n"));
        let run = place.run(&["validate", "secret.yaml"]).failed_with(1);
        assert!(run.text().contains(shown), "{run}");
        assert!(!run.to_string().contains("hunter2"), "{run}");
    }
}

#[test]
fn a_secret_of_many_lines_keeps_the_lines_apart() {
    let place = Place::new();
    place.write(
        "lines.yaml",
        "spec:\n  a:\n    env:\n    - type: secret\n      value: |\n        x\n        y\n      b: c\n",
    );
    let run = place.run(&["validate", "lines.yaml"]);
    assert!(run.text().contains("6 |         *\n"), "{run}");
    assert!(run.text().contains("8 |       b: *\n"), "{run}");
}

#[test]
fn characters_that_act_on_a_terminal_are_not_shown() {
    let place = Place::new();
    place.write(
        "evil.yaml",
        "\"na\\e[31mme\": 1\nspec: {\"\\u202e\": \u{202e}x}\n",
    );
    let run = place.run(&["validate", "evil.yaml"]).failed_with(1);
    assert!(!run.text().contains(['\u{1b}', '\u{202e}']), "{run}");
}
