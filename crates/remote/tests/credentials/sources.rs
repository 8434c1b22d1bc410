//! The table of sources: what is configured, and where the credential for a registry comes from then.

use std::fs;

use eigenpack_oci::Secret;
use eigenpack_oci::distribution::Credential;
use eigenpack_remote::credentials::{
    CredentialError, CredentialProvider as _, CredentialSource, DockerCredentials, Found,
};

use super::home::Home;

/// The table, one case each: a name, a registry or repository, what is configured, and what is found.
const TABLE: &str = include_str!("sources.txt");

/// Helpers of all cases.
const HELPERS: [(&str, &str); 6] = [
    (
        "ok",
        r#"cat > /dev/null; echo '{"ServerURL":"x","Username":"helper","Secret":"h"}'"#,
    ),
    (
        "token",
        r#"cat > /dev/null; echo '{"ServerURL":"x","Username":"<token>","Secret":"t"}'"#,
    ),
    (
        "none",
        r#"echo "credentials not found in native keychain"; exit 1"#,
    ),
    ("fail", r#"echo "the keychain is locked"; exit 1"#),
    ("junk", "echo hello"),
    // Answers with the name of the server that it was asked for.
    (
        "echo",
        r#"printf '{"Username":"%s","Secret":"e"}' "$(cat)""#,
    ),
];

/// One case of the table.
#[derive(Default)]
struct Case<'a> {
    name: &'a str,
    environment: Option<String>,
    config: Option<String>,
    session: Option<String>,
    user: Option<String>,
    /// What is asked for, and what is found.
    questions: Vec<(&'a str, &'a str)>,
}

/// Parses the table: paragraphs of a title and of lines `place: content` and `registry[/repository] => found`.
fn cases() -> Vec<Case<'static>> {
    let paragraphs = TABLE.split("\n\n").filter(|it| !it.starts_with('#'));
    paragraphs.map(parse).collect()
}

fn parse(paragraph: &str) -> Case<'_> {
    let mut lines = paragraph.trim().lines();
    let mut case = Case {
        name: lines.next().unwrap(),
        ..Case::default()
    };
    for line in lines {
        if let Some((asked, found)) = line.split_once(" => ") {
            case.questions.push((asked.trim(), found.trim()));
            continue;
        }
        let (place, content) = line.split_once(": ").unwrap();
        let slot = match place.trim() {
            "env" => &mut case.environment,
            "config" => &mut case.config,
            "session" => &mut case.session,
            "user" => &mut case.user,
            other => panic!("{}: {other}", case.name),
        };
        *slot = Some(with_base64(content).replace("(empty)", ""));
    }
    assert!(!case.questions.is_empty(), "{}", case.name);
    case
}

/// Replaces `<user:password>` by its base64 as text of JSON, so that the table can be read.
fn with_base64(content: &str) -> String {
    use base64::Engine as _;
    let mut parts = content.split('<');
    let mut result = parts.next().unwrap().to_owned();
    for part in parts {
        let (pair, rest) = part.split_once('>').unwrap();
        let encoded = base64::prelude::BASE64_STANDARD.encode(pair);
        result.extend(["\"", &encoded, "\"", rest]);
    }
    result
}

/// Says what was found in the words of the table.
fn shown(home: &Home, outcome: &Result<Found, CredentialError>) -> String {
    let place = |path: &std::path::Path| {
        let names = [
            ("docker/config.json", "config"),
            ("run/auth.json", "session"),
            ("config/auth.json", "user"),
        ];
        let (_, name) = names
            .iter()
            .find(|(file, _)| home.path(file) == path)
            .unwrap();
        (*name).to_owned()
    };
    let found = match outcome {
        Ok(found) => found,
        Err(CredentialError::Entry { place: at, key, .. }) => {
            let at = at.path().map_or("env".to_owned(), place);
            return format!("broken entry {at} {key}");
        }
        Err(CredentialError::Unusable { place: at, .. }) => {
            return format!("unusable {}", at.path().map_or("env".to_owned(), place));
        }
        Err(CredentialError::HelperMissing { name, config }) => {
            return format!("missing helper {name} of {}", place(config));
        }
        Err(CredentialError::HelperFailed { name, config, said }) => {
            return format!("failed helper {name} of {}: {said}", place(config));
        }
        Err(CredentialError::HelperNonsense { name, config, .. }) => {
            return format!("nonsense of helper {name} of {}", place(config));
        }
        Err(other) => panic!("{other}"),
    };
    let credential = match &found.credential {
        Credential::Anonymous => "anonymous".to_owned(),
        Credential::Basic { username, password } => format!("{username}:{}", password.expose()),
        Credential::IdentityToken(token) => format!("identity token {}", token.expose()),
        Credential::RegistryToken(token) => format!("registry token {}", token.expose()),
    };
    let source = match &found.source {
        CredentialSource::Environment { key } => format!(" from env {key}"),
        CredentialSource::DockerConfig { path, key } | CredentialSource::AuthFile { path, key } => {
            format!(" from {} {key}", place(path))
        }
        CredentialSource::Helper { name, config } => {
            format!(" from helper {name} of {}", place(config))
        }
        CredentialSource::Nothing => String::new(),
        other => panic!("{other}"),
    };
    format!("{credential}{source}")
}

#[tokio::test]
async fn each_configuration_has_the_documented_source() {
    let home = Home::new();
    for (name, script) in HELPERS {
        home.helper(name, script);
    }
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        for (file, content) in [
            ("docker/config.json", &case.config),
            ("run/auth.json", &case.session),
            ("config/auth.json", &case.user),
        ] {
            match content {
                Some(content) => drop(home.write(file, content)),
                None => drop(fs::remove_file(home.path(file))),
            }
        }
        let mut places = home.places();
        places.docker_auth_config = case.environment.clone().map(Secret::new);
        let credentials = DockerCredentials::new(places);
        for (asked, expected) in &case.questions {
            let (host, repository) = match asked.split_once('/') {
                Some((host, repository)) => (host, Some(repository.parse().unwrap())),
                None => (*asked, None),
            };
            let outcome = credentials
                .find(&host.parse().unwrap(), repository.as_ref())
                .await;
            let found = shown(&home, &outcome);
            if found != *expected {
                wrong.push(format!(
                    "{}\n  {asked} => {found}\n  not {expected}",
                    case.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 60, "{}", cases.len());
}
