//! How a search is explained.

use eigenpack_oci::Secret;
use eigenpack_remote::credentials::{
    Answered, ChosenBy, CredentialError, CredentialKind, DockerCredentials, FileProblem, Place,
    Seen,
};

use super::home::{Home, host};

#[tokio::test]
async fn each_place_is_named_with_what_was_seen() {
    let home = Home::new();
    home.helper(
        "none",
        r#"echo "credentials not found in native keychain"; exit 1"#,
    );
    home.config(r#"{"credHelpers":{"a.example":"none"},"auths":{"a.example":{"auth":"dTpw"}}}"#);
    home.write(
        "config/auth.json",
        r#"{"auths":{"a.example":{"auth":"dTpw"}}}"#,
    );
    let mut places = home.places();
    places.docker_auth_config = Some(Secret::new("hello".to_owned()));
    places.auth_files.push(home.path("more/auth.json"));
    let explanation = DockerCredentials::new(places)
        .explain(&host("a.example"), None)
        .await;

    let key = || "a.example".to_owned();
    let steps: Vec<_> = explanation
        .steps
        .into_iter()
        .map(|step| (step.place, step.seen, step.decisive))
        .collect();
    let expected = [
        (
            Place::Environment,
            Seen::Unusable(FileProblem::NotJson { line: 1, column: 1 }),
            false,
        ),
        (
            Place::DockerConfig(home.config_path()),
            Seen::Helper {
                name: "none".parse().unwrap(),
                chosen_by: ChosenBy::CredHelpers { key: key() },
                answer: Answered::NotFound,
                unused: Some(key()),
            },
            false,
        ),
        (
            Place::AuthFile(home.path("run/auth.json")),
            Seen::Absent,
            false,
        ),
        (
            Place::AuthFile(home.path("config/auth.json")),
            Seen::Entry {
                key: key(),
                kind: CredentialKind::Password {
                    username: "u".to_owned(),
                },
            },
            true,
        ),
        (
            Place::AuthFile(home.path("more/auth.json")),
            Seen::NotReached,
            false,
        ),
    ];
    assert_eq!(steps, expected);
    let found = explanation.outcome.unwrap();
    let source = found.source.to_string();
    assert!(
        source.contains(r#""a.example""#) && source.contains("config/auth.json"),
        "{source}"
    );
}

#[tokio::test]
async fn a_place_that_cannot_be_read_decides_when_no_other_does() {
    let home = Home::new();
    home.config("[");
    let explanation = home.credentials().explain(&host("a.example"), None).await;
    let decisive: Vec<_> = explanation.steps.iter().map(|step| step.decisive).collect();
    assert_eq!(decisive, [false, true, false, false]);
    let error = explanation.outcome.unwrap_err();
    assert!(matches!(error, CredentialError::Unusable { .. }));
    assert!(error.to_string().contains("config.json"), "{error}");
}

#[tokio::test]
async fn no_secret_is_in_an_explanation_or_an_error() {
    let home = Home::new();
    let secret = "hunter2";
    home.helper(
        "ok",
        &format!(r#"echo '{{"Username":"u","Secret":"{secret}"}}'"#),
    );
    home.helper(
        "junk",
        &format!(r#"echo '{{"Username":"u","Secret":["{secret}"]}}'"#),
    );
    home.helper(
        "fail",
        &format!(r#"echo '{{"Username":"u","Secret":"{secret}"}}'; exit 3"#),
    );
    home.config(
        r#"{"credHelpers":{"a.example":"ok","b.example":"junk","c.example":"fail"},
            "auths":{"d.example":{"auth":"hunter2"},"e.example":{"registrytoken":"hunter2\n"},
            "f.example":{"username":"u","password":"hunter2"}}}"#,
    );
    let credentials = home.credentials();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let host = host(&format!("{name}.example"));
        let explanation = credentials.explain(&host, None).await;
        let mut text = format!("{explanation:?}");
        match &explanation.outcome {
            Ok(found) => text.push_str(&found.source.to_string()),
            Err(error) => text.push_str(&error.to_string()),
        }
        assert!(!text.contains(secret), "{text}");
    }
}
