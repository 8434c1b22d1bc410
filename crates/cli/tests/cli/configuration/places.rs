//! Where the file is.

use insta::assert_snapshot;

use super::{configure, write};
use crate::harness::Place;

const RESOLVE: [&str; 2] = ["resolve", "registry.example/my-avs:v1"];

#[test]
fn the_first_place_counts() {
    let place = Place::new();
    // Each is broken, so that whichever is read is named.
    for path in ["flag.toml", "variable.toml"] {
        write(&place, path, "!");
    }
    write(&place, "../xdg/eigenpack/config.toml", "!");
    configure(&place, "!");
    let flag = ["--config=flag.toml", RESOLVE[0], RESOLVE[1]];
    let read = |place: &Place, args: &[&str], path: &str| {
        let run = place.run(args).failed_with(3);
        let said = run.to_string();
        assert!(said.contains(&format!("error: {path}:1:2: ")), "{said}");
    };
    read(&place, &RESOLVE, "DIR/home/.config/eigenpack/config.toml");
    let relative = place.env("XDG_CONFIG_HOME", "xdg");
    read(
        &relative,
        &RESOLVE,
        "DIR/home/.config/eigenpack/config.toml",
    );
    let xdg = relative.file("../xdg").display().to_string();
    let place = relative.env("XDG_CONFIG_HOME", &xdg);
    read(&place, &RESOLVE, "DIR/work/../xdg/eigenpack/config.toml");
    let place = place.env("EIGENPACK_CONFIG", "");
    read(&place, &RESOLVE, "DIR/work/../xdg/eigenpack/config.toml");
    let place = place.env("EIGENPACK_CONFIG", "variable.toml");
    read(&place, &RESOLVE, "variable.toml");
    read(&place, &flag, "flag.toml");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let place = Place::new();
    let flag = ["--config=none.toml", RESOLVE[0], RESOLVE[1]];
    assert_snapshot!("no_file", place.run(&flag).failed_with(3));
    let place = place.env("EIGENPACK_CONFIG", "none.toml");
    assert_snapshot!("no_file_of_variable", place.run(&RESOLVE).failed_with(3));
    place.write("none.toml", vec![b'#'; 1024 * 1024 + 1]);
    let run = place.run(&RESOLVE).failed_with(3);
    assert!(run.stderr.contains("more than 1048576 bytes"), "{run}");
}

#[test]
fn a_file_in_the_default_place_must_be_readable() {
    let place = Place::new();
    let folder = place.file("../home/.config/eigenpack/config.toml");
    std::fs::create_dir_all(folder).unwrap();
    assert_snapshot!("unreadable", place.run(&RESOLVE).failed_with(3));
}

#[test]
fn only_who_speaks_to_a_registry_needs_it() {
    let place = Place::with_artifact();
    configure(&place, "!");
    let local: [&[&str]; 3] = [
        &["push", "spec.yaml", "my-avs:v2"],
        &["copy", "my-avs:v1", "oci:layout"],
        &["logout", "registry.example"],
    ];
    for args in local {
        place.run(args).succeeded();
    }
    place.run(&RESOLVE).failed_with(3);
}
