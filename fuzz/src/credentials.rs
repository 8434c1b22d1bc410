//! Challenges, files of credentials, and the answers of credential helpers and token services.

use eigenpack_oci::RegistryHost;
use eigenpack_oci::distribution::{Challenge, TokenAnswer, parse_challenges};
use eigenpack_remote::credentials::{Choice, CredentialFile, Format, HelperAnswer};

/// The `WWW-Authenticate` headers of one answer, a line each.
pub fn challenge(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for challenge in parse_challenges(text.lines()) {
        if let Challenge::Bearer(bearer) = challenge {
            assert!(!bearer.realm.chars().any(char::is_control));
            assert!(bearer.realm.len() <= text.len());
        }
    }
}

/// Docker's `config.json`, and the value of `DOCKER_AUTH_CONFIG`.
pub fn config_json(bytes: &[u8]) {
    file(Format::DockerConfig, bytes);
    file(Format::DockerVariable, bytes);
}

/// Podman's `auth.json`.
pub fn auth_json(bytes: &[u8]) {
    file(Format::AuthFile, bytes);
}

fn file(format: Format, bytes: &[u8]) {
    let Ok(file) = CredentialFile::parse(format, bytes) else {
        return;
    };
    for host in ["a.example", "docker.io", "localhost:5000"] {
        let host: RegistryHost = host.parse().expect("this is a host");
        for repository in [None, Some("a"), Some("a/b/c")] {
            let repository = repository.map(|name| name.parse().expect("this is a repository"));
            if let Choice::Helper { name, .. } = file.choose(&host, repository.as_ref()) {
                let name = name.as_str();
                assert!(format != Format::DockerVariable);
                assert!(!name.contains(['/', '\\', '\0']) && !name.contains(".."));
            }
        }
    }
}

/// What a credential helper writes: the first byte tells whether it succeeds, the rest is what it writes to both outputs.
pub fn helper_answer(bytes: &[u8]) {
    let Some((first, output)) = bytes.split_first() else {
        return;
    };
    let (stdout, stderr) = output.split_at(output.len() / 2);
    for (stdout, stderr) in [(output, &b""[..]), (stdout, stderr)] {
        if let HelperAnswer::Failed(said) = HelperAnswer::parse(first % 2 == 0, stdout, stderr) {
            assert!(!said.chars().any(char::is_control) && said.chars().count() <= 300);
        }
    }
}

/// What a token service answers.
pub fn token_answer(bytes: &[u8]) {
    if let Ok(answer) = TokenAnswer::parse(bytes) {
        let token = answer.token.expose();
        assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(answer.lifetime.as_secs() >= 1);
    }
}
