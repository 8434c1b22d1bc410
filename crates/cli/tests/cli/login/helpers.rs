//! Credential helpers, good and bad.

use insta::assert_snapshot;

use super::{Registry, configure, helper, log_in, user};

/// Keeps one entry in a file.
const KEEPING: &str = r#"kept=${0%/*}/../kept
case "$1" in
    store) cat > "$kept" ;;
    get) if [ -e "$kept" ]; then cat "$kept"; else echo "credentials not found in native keychain"; exit 1; fi ;;
    erase) if [ -e "$kept" ]; then rm "$kept"; else echo "credentials not found in native keychain"; exit 1; fi ;;
esac"#;

#[test]
fn a_helper_keeps_what_it_is_given() {
    let registry = Registry::start();
    let host = &registry.host;
    let place = user();
    helper(&place, "keeping", KEEPING);
    configure(&place, r#"{"credsStore":"keeping"}"#);
    let login = log_in(&place, host).succeeded();
    assert!(!super::config(&place).contains("\"auth\""));
    let resolve = ["resolve", &format!("{host}/my-avs:v1")];
    // It is asked, and the registry accepts what it has: what is missing is the artifact.
    place.run(&resolve).failed_with(4);
    let explained = place.run(&["auth", "explain", host]).succeeded();
    let logout = place.run(&["logout", host]).succeeded();
    assert!(!place.file("kept").exists());
    place.run(&resolve).failed_with(5);
    let runs = [login, explained, logout].map(|run| registry.table(&run));
    assert_snapshot!("kept", runs.join("\n"));
    registry.stop();
}

#[test]
fn helpers_that_do_not_work_are_named() {
    let registry = Registry::start();
    let host = &registry.host;
    let place = user();
    helper(&place, "failing", "echo 'the safe is locked' >&2; exit 3");
    helper(&place, "mumbling", "echo hello");
    helper(&place, "hanging", "sleep 60");
    let there = format!("{host}/my-avs:v1");
    let mut runs = Vec::new();
    let mut run = |title: &str, args: &[&str]| {
        let run = place.run(args).failed_with(5);
        runs.push(format!("{title}\n{}", registry.table(&run)));
    };
    for name in ["missing", "failing", "mumbling", "a/b"] {
        configure(&place, &format!(r#"{{"credsStore":"{name}"}}"#));
        run(name, &["resolve", &there]);
    }
    configure(
        &place,
        &format!(r#"{{"credHelpers":{{"{host}":"hanging"}}}}"#),
    );
    run("hanging", &["resolve", &there, "--credential-timeout=2"]);
    run(
        "quiet",
        &["-q", "resolve", &there, "--credential-timeout=2"],
    );
    configure(
        &place,
        &format!(r#"{{"credHelpers":{{"{host}":"failing"}}}}"#),
    );
    run("explained", &["auth", "explain", &there]);
    configure(
        &place,
        &format!(r#"{{"auths":{{"{host}":{{"auth":"bm9jb2xvbg=="}}}}}}"#),
    );
    run("entry", &["resolve", &there]);
    configure(&place, "no json");
    run("file", &["resolve", &there]);
    assert_snapshot!("broken", runs.join("\n"));
    // Nothing of all that is looked at.
    let anonymous = place
        .run(&["resolve", &there, "--anonymous"])
        .failed_with(5);
    assert!(
        anonymous.stderr.contains("and there are none"),
        "{anonymous}"
    );
    registry.stop();
}
