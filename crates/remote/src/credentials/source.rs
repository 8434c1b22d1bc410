//! Where a credential came from.

use std::fmt;
use std::path::PathBuf;

/// Where a credential came from; its `Display` is in words for people, and nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// It was given for this use.
    Given,
    /// The environment variable `DOCKER_AUTH_CONFIG`.
    Environment {
        /// The key of the entry in it.
        key: String,
    },
    /// An entry of Docker's `config.json`.
    DockerConfig {
        /// The file.
        path: PathBuf,
        /// The key of the entry in it.
        key: String,
    },
    /// An entry of Podman's `auth.json`.
    AuthFile {
        /// The file.
        path: PathBuf,
        /// The key of the entry in it.
        key: String,
    },
    /// A credential helper, `docker-credential-NAME`.
    Helper {
        /// The helper's name, without `docker-credential-`.
        name: String,
        /// The file that names the helper.
        config: PathBuf,
    },
    /// There is none: the registry is asked anonymously.
    Nothing,
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("the credentials that were given"),
            Self::Environment { key } => {
                write!(f, "the entry {key:?} of DOCKER_AUTH_CONFIG")
            }
            Self::DockerConfig { path, key } | Self::AuthFile { path, key } => {
                write!(f, "the entry {key:?} of {}", path.display())
            }
            Self::Helper { name, config } => write!(
                f,
                "the credential helper docker-credential-{name} (named in {})",
                config.display()
            ),
            Self::Nothing => f.write_str("no credentials"),
        }
    }
}
