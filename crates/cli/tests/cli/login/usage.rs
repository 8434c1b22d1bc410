//! What cannot be meant.

use insta::assert_snapshot;

use super::{AS_ANN, PASSWORD, log_in, user};

#[test]
fn what_contradicts_itself_is_refused_before_anything_is_sent() {
    let place = user();
    let there = "registry.invalid/my-avs:v1";
    let mut runs = Vec::new();
    for args in [
        &["login", "registry.invalid"][..],
        &["login", "registry.invalid", "--password-stdin"],
        &[
            "login",
            "registry.invalid",
            "--token-stdin",
            "--username=ann",
        ],
        &[
            "login",
            "registry.invalid",
            "--username=a:b",
            "--password-stdin",
        ],
        &["login", "registry.invalid", "--username=ann"],
        &["login", "https://ghcr.io/org"],
        &["login", "ghcr"],
        &["logout", "https://index.docker.io/v1/"],
        &["auth", "explain", "my-avs/x"],
        &["push", "spec.yaml", there, "-p", PASSWORD],
        &["pull", there, "--password", PASSWORD],
        &["pull", there, "--anonymous", "--token-stdin"],
        &["push", "-", there, "--token-stdin"],
        &["pull", "my-avs:v1", "--token-stdin"],
        &["copy", there, "ghcr.io/my-avs:v1", "--token-stdin"],
        &["push", "spec.yaml", "my-avs:v1", "--check-public"],
    ] {
        let run = place.run_with_input(args, PASSWORD.as_bytes());
        let run = run.failed_with(2);
        assert!(!run.to_string().contains(PASSWORD), "{run}");
        runs.push(format!(
            "$ eigenpack {}\n{run}",
            args.join(" ").replace(PASSWORD, "PASSWORD")
        ));
    }
    assert_snapshot!("contradictions", runs.join("\n"));
}

#[test]
fn what_is_no_password_is_refused() {
    let place = user();
    let login = [&["login", "registry.invalid"], &AS_ANN[..]].concat();
    let long = vec![b'x'; 70_000];
    for input in [&b""[..], b"\n", b"caf\xe9", &long] {
        let run = place.run_with_input(&login, input).failed_with(3);
        assert!(run.stderr.contains("the password"), "{run}");
    }
}

#[test]
fn what_cannot_be_stored_is_said() {
    let registry = super::Registry::start();
    let place = user();
    super::configure(&place, "{ no json");
    let broken = log_in(&place, &registry.host).failed_with(3);
    assert_eq!(super::config(&place), "{ no json");
    // A folder cannot be made below a file.
    let place = user();
    let folder = place.file("spec.yaml/docker").display().to_string();
    let place = place.env("DOCKER_CONFIG", &folder);
    let folder = log_in(&place, &registry.host).failed_with(3);
    let runs = [&broken, &folder].map(|run| registry.shown(run));
    assert_snapshot!("not_stored", runs.join("\n"));
    registry.stop();
}
