//! What is said of one host is for no other.

use super::listener::Listener;
use super::{Authority, Certificate, Registry, beside, configure};
use crate::harness::{Place, Run};

/// A place with an authority and a certificate of it beside the configuration file.
fn place(authority: &Authority) -> Place {
    let place = Place::new();
    let Certificate { chain, key } = authority.certificate();
    beside(&place, "ca.pem", &authority.pem());
    beside(&place, "me.pem", &chain);
    beside(&place, "me.key", &key);
    place
}

/// Returns a table that says to show the certificate to a host.
fn certified(host: &str) -> String {
    format!(
        "[registry.\"{host}\"]\nca-file = \"ca.pem\"\ncert-file = \"me.pem\"\nkey-file = \"me.key\"\n"
    )
}

/// Returns a table that says to trust the authority at a host.
fn trusted(host: &str) -> String {
    format!("[registry.\"{host}\"]\nca-file = \"ca.pem\"\n")
}

fn resolve(place: &Place, host: &str, code: i32) -> Run {
    let reference = format!("{host}/my-avs:v1");
    place.run(&["resolve", &reference]).failed_with(code)
}

#[test]
fn the_certificate_is_shown_to_its_registry_alone() {
    let authority = Authority::new();
    let place = place(&authority);
    let other = Listener::answering(&authority, "404 Not Found");
    let registry = Listener::answering(&authority, "404 Not Found");
    let moved = format!("307 Moved\r\nLocation: https://{}/there", other.host);
    let leading = Listener::answering(&authority, &moved);
    let tables = [
        certified(&registry.host),
        certified(&leading.host),
        trusted(&other.host),
    ];
    configure(&place, &tables.concat());
    resolve(&place, &registry.host, 4);
    resolve(&place, &other.host, 4);
    resolve(&place, &leading.host, 4);
    assert_eq!(registry.certified(), [true]);
    assert_eq!(leading.certified(), [true]);
    // Once as the registry, and once where another leads.
    assert_eq!(other.certified(), [false, false]);
    // A host that has a certificate of its own is not shown that where another leads, either.
    let tables = [certified(&leading.host), certified(&other.host)];
    configure(&place, &tables.concat());
    resolve(&place, &leading.host, 4);
    resolve(&place, &other.host, 4);
    assert_eq!(other.certified(), [false, false, false, true]);
}

#[test]
fn whoever_reads_again_as_anybody_shows_no_certificate() {
    let authority = Authority::new();
    let place = place(&authority);
    let registry = Registry::plain();
    let listener = Listener::before(&authority, &registry.host);
    configure(&place, &certified(&listener.host));
    let there = format!("{}/my-avs:v1", listener.host);
    let push = ["push", "spec.yaml", &there, "--check-public", "-v"];
    let run = place.run(&push).succeeded();
    let mut shown = listener.certified();
    assert_eq!(shown.pop(), Some(false), "{run}");
    assert!(shown.len() > 3 && shown.iter().all(|shown| *shown), "{run}");
    // What does not count is not said to.
    let said = run.stderr.matches("cert-file and key-file").count();
    assert_eq!(said, 1, "{run}");
}

#[test]
fn an_authority_is_trusted_at_its_host_alone() {
    let authority = Authority::new();
    let place = place(&authority);
    let other = Listener::answering(&authority, "404 Not Found");
    let moved = format!("307 Moved\r\nLocation: https://{}/there", other.host);
    let leading = Listener::answering(&authority, &moved);
    configure(&place, &trusted(&leading.host));
    let said = resolve(&place, &leading.host, 6).to_string();
    assert!(said.contains("ca-file in the configuration file"), "{said}");
    let copy = [
        "copy",
        &format!("{}/my-avs:v1", leading.host),
        &format!("{}/my-avs:v1", other.host),
    ];
    place.run(&copy).failed_with(6);
    assert_eq!(other.certified(), [false; 0]);
    // What is said of the host that it leads to counts there.
    configure(
        &place,
        &[trusted(&leading.host), trusted(&other.host)].concat(),
    );
    resolve(&place, &leading.host, 4);
    assert_eq!(other.certified(), [false]);
}

#[test]
fn insecure_and_plain_http_are_for_their_host_alone() {
    let authority = Authority::new();
    let place = Place::with_artifact();
    let (one, other) = (
        Registry::over_tls(&authority),
        Registry::over_tls(&authority),
    );
    configure(
        &place,
        &format!("[registry.\"{}\"]\ninsecure = true\n", one.host),
    );
    place
        .run(&["copy", "my-avs:v1", &one.at("my-avs:v1")])
        .succeeded();
    // The other is on loopback, so it is plain http that is spoken to it.
    let copy = ["copy", &one.at("my-avs:v1"), &other.at("my-avs:v1")];
    place.run(&copy).failed_with(6);
    place
        .run(&[&copy[..], &[&format!("--insecure={}", other.host)]].concat())
        .succeeded();
}
