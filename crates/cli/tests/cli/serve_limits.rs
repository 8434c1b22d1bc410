//! The limits of `serve`.

use insta::assert_snapshot;

use crate::harness::Place;

#[test]
fn limits_that_make_no_sense_are_refused() {
    let place = Place::new();
    let mut runs = Vec::new();
    for flag in [
        "--max-manifest-size=5MiB",
        "--max-upload-size=64GB",
        "--max-uploads=0",
        "--upload-expiry=0s",
        "--max-header-size=4KiB",
        "--max-path-size=1GiB",
        "--max-query-size=many",
        "--max-connections=-1",
        "--idle-timeout=30",
        "--request-timeout=0h",
        "--stop-timeout=soon",
    ] {
        let run = place.run(&["serve", flag]).failed_with(2);
        let first = run.stderr.lines().next().unwrap_or_default();
        runs.push(first.to_owned());
    }
    assert_snapshot!(runs.join("\n"));
}

#[cfg(unix)]
#[test]
fn limits_are_those_that_were_set() {
    use crate::serve::Server;
    let place = Place::with_artifact();
    let args = [
        "--format=json",
        "--max-manifest-size=100",
        "--max-path-size=20",
    ];
    let mut server = Server::start(&place, &args);
    let host = server.ready()["host"].as_str().unwrap().to_owned();
    let pushed = format!("{host}/a:v1");
    let run = place.run(&["push", "spec.yaml", &pushed]).failed_with(6);
    assert!(
        run.stderr.contains("larger than the store accepts"),
        "{run}"
    );
    let long = format!("{host}/org/my-avs:v1");
    let run = place.run(&["resolve", &long]).failed_with(6);
    assert!(run.stderr.contains("at most 20 bytes"), "{run}");
    server.stop();
}
