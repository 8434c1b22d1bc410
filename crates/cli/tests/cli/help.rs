//! The whole reference of the command line: every change of it shows here.

use insta::assert_snapshot;

use crate::harness::Place;

#[test]
fn reference() {
    let place = Place::new();
    let mut pages = vec![place.run(&["--help"]).succeeded().text().to_owned()];
    for command in [
        "validate",
        "push",
        "pull",
        "inspect",
        "manifest",
        "config",
        "resolve",
        "tags",
        "tag",
        "copy",
        "login",
        "logout",
        "auth",
        "auth explain",
        "serve",
        "gc",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let page = place.run(&words).succeeded();
        pages.push(format!("===== {command} =====\n{}", page.text()));
    }
    assert_snapshot!(pages.join("\n"));
}

#[test]
fn no_arguments_give_help_and_the_usage_code() {
    let place = Place::new();
    let run = place.run(&[]).failed_with(2);
    assert!(
        run.stderr.contains("eigenpack validate runtime-spec.yaml"),
        "{run}"
    );
}

#[test]
fn version() {
    let run = Place::new().run(&["--version"]).succeeded();
    assert_eq!(
        run.text(),
        concat!("eigenpack ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
