//! Whatever is done, and however much is said about it: no secret is shown.

use super::{AS_ANN, PASSWORD, Registry, configure, helper, user};
use crate::harness::{CREATED, Run};

/// The password, and the base64 of `ann:PASSWORD` and of PASSWORD; the same of a wrong one.
const FORBIDDEN: [&str; 6] = [
    PASSWORD,
    "YW5uOmNvcnJlY3QgaG9yc2U6IGJhdHRlcnk",
    "Y29ycmVjdCBob3JzZTogYmF0dGVyeQ",
    "wr0ng-s3cret",
    "YW5uOndyMG5nLXMzY3JldA",
    "d3IwbmctczNjcmV0",
];

#[test]
fn no_output_holds_a_secret() {
    let registry = Registry::start();
    let host = &registry.host;
    let place = user();
    let answer = format!(r#"{{"ServerURL":"{host}","Username":"ann","Secret":"{PASSWORD}"}}"#);
    helper(
        &place,
        "knowing",
        &format!("cat > /dev/null; echo '{answer}'"),
    );
    helper(
        &place,
        "broken",
        &format!("cat > /dev/null; echo '{answer}'; echo '{answer}' >&2; exit 1"),
    );
    let helped = |name: &str| format!(r#"{{"credHelpers":{{"{host}":"{name}"}}}}"#);
    let entry = |auth: &str| format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#);
    let wrong = entry("YW5uOndyMG5nLXMzY3JldA==");
    // Without the colon that ends the name; and with something that is no base64.
    let broken = entry("Y29ycmVjdCBob3JzZTogYmF0dGVyeQ==").replace("OiBi", "IGIg");
    let cut = format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"YW5uOmNvcnJlY3QgaG9yc2U6IGJhdHRlcnk=");

    let repository = format!("{host}/my-avs");
    let there = format!("{repository}:v1");
    let login = [&["login", host], &AS_ANN[..]].concat();
    let work: [Vec<&str>; 6] = [
        vec!["push", "spec.yaml", &there, CREATED, "--overwrite"],
        vec!["pull", &there, "-o", "-"],
        vec!["tags", &repository],
        vec!["copy", &there, "oci:layout:v1", "--overwrite"],
        vec!["auth", "explain", &there],
        vec!["inspect", &there],
    ];
    let mut runs: Vec<Run> = Vec::new();
    for extra in [&["-vv"][..], &["--format=json", "-vv"]] {
        let mut run = |args: &[&str], input: &str| {
            let all = [extra, args].concat();
            runs.push(place.run_with_input(&all, input.as_bytes()));
        };
        configure(&place, "{}");
        run(&login, "wr0ng-s3cret");
        run(&login, PASSWORD);
        for args in &work {
            run(args, "");
        }
        run(&["logout", host], "");
        for content in [
            helped("knowing"),
            helped("broken"),
            wrong.clone(),
            broken.clone(),
            cut.clone(),
        ] {
            configure(&place, &content);
            for args in &work {
                run(args, "");
            }
        }
        // A helper that fails after it was told.
        configure(&place, &helped("broken"));
        run(&login, PASSWORD);
        run(&["logout", host], "");
        configure(&place, "{}");
        let given = [&work[0], &AS_ANN[..]].concat();
        run(&given, PASSWORD);
    }
    let succeeded = runs.iter().filter(|run| run.code == 0).count();
    let refused = runs.iter().filter(|run| run.code == 5).count();
    assert!(succeeded > 20 && refused > 20, "{succeeded}, {refused}");
    let log = registry.stop();
    assert!(log.lines().count() > 50, "{log}");
    let said: Vec<String> = runs.iter().map(ToString::to_string).chain([log]).collect();
    for text in &said {
        for secret in FORBIDDEN {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
    }
}
