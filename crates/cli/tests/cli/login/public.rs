//! `push --check-public`.

use insta::assert_snapshot;

use super::{AS_ANN, PASSWORD, Registry, log_in, user};
use crate::harness::CREATED;

#[test]
fn what_everybody_can_read_is_public() {
    let registry = Registry::open();
    let there = format!("{}/my-avs:v1", registry.host);
    let place = user();
    let push = ["push", "spec.yaml", &there, CREATED, "--check-public"];
    let run = place.run(&push).succeeded();
    assert_snapshot!("public", registry.shown(&run));
    let (_, report) = place.json(&push);
    assert_eq!(
        (&report["public"], &report["status"]),
        (&true.into(), &"unchanged".into())
    );
    registry.stop();
}

#[test]
fn what_only_some_can_read_is_pushed_and_said_to_be_private() {
    let registry = Registry::start();
    let there = format!("{}/my-avs:v1", registry.host);
    let place = user();
    log_in(&place, &registry.host).succeeded();
    let push = ["push", "spec.yaml", &there, CREATED, "--check-public"];
    let run = place.run(&push).failed_with(5);
    assert_snapshot!("private", registry.shown(&run));
    let resolved = place.run(&["resolve", &there]).succeeded();
    let (code, failure) = place.json(&push);
    assert_eq!(code, 5);
    assert_eq!(failure["code"], "not-public");
    assert_eq!(failure["pushed"]["digest"], resolved.text().trim());
    assert_eq!(failure["pushed"]["status"], "unchanged");
    // What is given counts for the push, and not for the check.
    place.run(&["logout", &registry.host]).succeeded();
    let given = [&push[..], &AS_ANN].concat();
    let run = place.run_with_input(&given, PASSWORD.as_bytes());
    assert!(run.failed_with(5).text().contains("unchanged"));
    registry.stop();
}
