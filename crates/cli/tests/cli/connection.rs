//! Flags and variables about the connection to a registry. None of these runs gets as far as a connection.

use insta::assert_snapshot;

use crate::harness::{Place, Run};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const ENCRYPTED_KEY: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";

fn pull(place: &Place, args: &[&str]) -> Run {
    let mut all = vec!["pull", "registry.example/my-avs:v1"];
    all.extend(args);
    place.run(&all)
}

#[test]
fn files_of_certificates_that_cannot_be_used_are_named() {
    let place = Place::new();
    place.write("empty.pem", "");
    place.write("cert.pem", CERTIFICATE);
    place.write("key.pem", ENCRYPTED_KEY);
    assert_snapshot!(
        "no_ca_file",
        pull(&place, &["--ca-file=ca.pem"]).failed_with(3)
    );
    assert_snapshot!(
        "empty_ca_file",
        pull(&place, &["--ca-file=empty.pem"]).failed_with(3)
    );
    pull(&place, &["--ca-file=cert.pem"]).failed_with(3);
    let both = ["--cert-file=cert.pem", "--key-file=key.pem"];
    assert_snapshot!("encrypted_key", pull(&place, &both).failed_with(3));
    let other = ["--cert-file=cert.pem", "--key-file=cert.pem"];
    assert!(
        pull(&place, &other)
            .failed_with(3)
            .stderr
            .contains("there is no private key")
    );
    pull(&place, &["--cert-file=cert.pem"]).failed_with(2);
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
    let place = Place::new().env("https_proxy", "socks5://user:hunter2@proxy:1080");
    let run = pull(&place, &[]).failed_with(3);
    assert!(!run.to_string().contains("hunter2"));
    assert_snapshot!("bad_proxy", run);
    // The local store is reached without one.
    place.run(&["push", "spec.yaml", "my-avs:v1"]).succeeded();
}
