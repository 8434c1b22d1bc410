//! Files that cannot be used.

use insta::assert_snapshot;

use super::{Authority, beside, configure};
use crate::harness::Place;

const RESOLVE: [&str; 2] = ["resolve", "registry.example/my-avs:v1"];

#[test]
fn each_fault_has_its_place_and_a_remedy() {
    let place = Place::new();
    let mut runs = Vec::new();
    for lines in [
        "[registry.localhost:5000]",
        "[registry.ghcr.io]\nplain-http = true",
        "[registries.\"ghcr.io\"]",
        "[registry.\"https://ghcr.io/\"]",
        "[registry.\"docker.io\"]\n[registry.\"index.docker.io\"]",
        "[registry.\"a.b\"]\nca_file = \"ca.pem\"",
        "[registry.\"a.b\"]\nca-file = [\"ca.pem\"]",
        "[registry.\"a.b\"]\ninsecure = \"yes\"",
        "[registry.\"a.b\"]\ncert-file = \"me.pem\"",
        "[registry.\"a.b\"]\nca-file = \"ca.pem\"\nplain-http = true",
        "[registry.\"a.b\"]\nproxy = \"socks5://user:hunter2@proxy:1080\"",
        "[registry.\"a.b\"]\nproxy = \"http://user:hunter2@\"",
        "[registry.\"a.b\"]\nproxy = http://user:hunter2@proxy",
        "[registry.\"a.b\"]\nplain-http = \"http://user:hunter2@proxy\"",
        "[registry.\"\\u001b[31mred\"]",
    ] {
        configure(&place, lines);
        let run = place.run(&RESOLVE).failed_with(3).to_string();
        assert!(!run.contains("hunter2"), "{run}");
        runs.push(format!("{lines}\n\n{run}"));
    }
    assert_snapshot!("faults", runs.join("\n==========\n"));
    let (code, failure) = place.json(&RESOLVE);
    assert_eq!((code, &failure["code"]), (3, &"bad-configuration".into()));
    assert_eq!(
        (&failure["line"], &failure["column"]),
        (&1.into(), &11.into())
    );
}

#[test]
fn files_that_it_names_are_named_with_their_place() {
    let place = Place::new();
    beside(&place, "ca.pem", &Authority::new().pem());
    beside(&place, "empty.pem", "");
    let mut runs = Vec::new();
    for lines in [
        "ca-file = \"none.pem\"",
        "ca-file = \"empty.pem\"",
        "cert-file = \"empty.pem\"\nkey-file = \"ca.pem\"",
        "cert-file = \"ca.pem\"\nkey-file = \"ca.pem\"",
        "cert-file = \"ca.pem\"\nkey-file = \"/none/me.key\"",
    ] {
        configure(&place, &format!("[registry.\"registry.example\"]\n{lines}"));
        let run = place.run(&RESOLVE).failed_with(3);
        runs.push(format!("{lines}\n\n{run}"));
    }
    assert_snapshot!("named_files", runs.join("\n==========\n"));
}
