//! Input that means harm, or nothing at all.

use eigenpack_oci::RegistryHost;
use eigenpack_remote::credentials::{
    Choice, CredentialFile, CredentialProvider as _, FileProblem, Format, MAX_FILE_SIZE,
};
use proptest::prelude::*;

use super::home::{Home, basic, host};

const FORMATS: [Format; 3] = [
    Format::DockerVariable,
    Format::DockerConfig,
    Format::AuthFile,
];

const KEYS: [&str; 6] = [
    "a.example",
    "https://a.example/v1/",
    "a.example/a",
    "docker.io",
    "",
    "/",
];
const FIELDS: [&str; 6] = [
    "auth",
    "Auth",
    "identitytoken",
    "registrytoken",
    "username",
    "password",
];

fn read_everything(bytes: &[u8]) {
    for format in FORMATS {
        if let Ok(file) = CredentialFile::parse(format, bytes) {
            for name in ["a.example", "docker.io", "localhost:1"] {
                let _ = file.choose(&host(name), Some(&"a/b".parse().unwrap()));
            }
        }
    }
}

/// JSON of the shape that such files have, with anything in the places of values.
fn file_of_credentials() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("{}".to_owned()),
        Just("[[]]".to_owned()),
        Just("-1.5e3".to_owned()),
        "\"[a-zA-Z0-9:/=.<>-]{0,12}\"",
        "\\PC{0,6}",
    ];
    let key = prop::sample::select(&KEYS);
    let entry = prop::collection::vec((prop::sample::select(&FIELDS), value.clone()), 0..4)
        .prop_map(|fields| object(&fields));
    let entry = prop_oneof![4 => entry, 1 => value.clone()];
    let auths = prop::collection::vec((key.clone(), entry), 0..5).prop_map(|it| object(&it));
    let helpers = prop::collection::vec((key, value.clone()), 0..3).prop_map(|it| object(&it));
    (auths, helpers, value).prop_map(|(auths, helpers, store)| {
        format!(r#"{{"auths":{auths},"credHelpers":{helpers},"credsStore":{store}}}"#)
    })
}

fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

proptest! {
    #[test]
    fn no_bytes_make_a_file_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&bytes);
    }

    #[test]
    fn no_values_make_a_file_panic(text in file_of_credentials()) {
        read_everything(text.as_bytes());
    }

    /// What is found is what stands in the file: another registry's entries never are.
    #[test]
    fn nothing_is_found_for_a_registry_that_is_not_there(text in file_of_credentials()) {
        for format in FORMATS {
            if let Ok(file) = CredentialFile::parse(format, text.as_bytes()) {
                let choice = file.choose(&host("b.example"), None);
                let has_entry = matches!(choice, Choice::Credential { .. } | Choice::Empty { .. });
                prop_assert!(!has_entry, "{choice:?}");
            }
        }
    }
}

#[test]
fn deep_and_large_files_are_bounded() {
    let deep = format!(r#"{{"auths":{}"#, "[".repeat(500_000));
    read_everything(deep.as_bytes());
    let depth = 200_000;
    let closed = format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    read_everything(closed.as_bytes());
    let size = usize::try_from(MAX_FILE_SIZE).unwrap() + 1;
    let large = CredentialFile::parse(Format::DockerConfig, " ".repeat(size).as_bytes());
    assert_eq!(large.unwrap_err(), FileProblem::TooLarge);
}

#[tokio::test]
async fn a_deep_file_survives_a_login() {
    let home = Home::new();
    let depth = 100_000;
    home.config(&format!(
        r#"{{"x":{}{}}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    ));
    let credentials = home.credentials();
    credentials
        .store(&host("a.example"), &basic("u", "p"))
        .await
        .unwrap();
    let config = home.read("docker/config.json");
    assert_eq!(config.matches('[').count(), depth);
}

#[tokio::test]
async fn what_is_no_file_is_not_opened() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("docker")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(home.config_path())
        .status();
    if made.is_ok_and(|status| status.success()) {
        let error = home
            .credentials()
            .find(&host("a.example"), None)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("not a file"), "{error}");
    }
}

/// A helper reads its input line by line: a name of a registry with a line break in it would be another registry's.
#[test]
fn no_registry_has_a_control_character() {
    for byte in (0..32).chain([127]) {
        let name = format!("a.example{}b.example", char::from(byte));
        assert!(name.parse::<RegistryHost>().is_err(), "{name:?}");
    }
}
