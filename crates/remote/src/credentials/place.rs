//! The places where credentials are looked for.

use std::fmt;
use std::path::{Path, PathBuf};

use eigenpack_oci::Secret;

use super::file::Format;

/// A place where credentials are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The environment variable `DOCKER_AUTH_CONFIG`.
    Environment,
    /// Docker's `config.json`.
    DockerConfig(PathBuf),
    /// Podman's `auth.json`.
    AuthFile(PathBuf),
}

impl Place {
    /// Returns the file, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Environment => None,
            Self::DockerConfig(path) | Self::AuthFile(path) => Some(path),
        }
    }

    pub(super) const fn format(&self) -> Format {
        match self {
            Self::Environment => Format::DockerVariable,
            Self::DockerConfig(_) => Format::DockerConfig,
            Self::AuthFile(_) => Format::AuthFile,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("DOCKER_AUTH_CONFIG"),
            Self::DockerConfig(path) | Self::AuthFile(path) => write!(f, "{}", path.display()),
        }
    }
}

/// All places where credentials are looked for, as values: what the environment says, or a test. The default has none.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Places {
    /// What `DOCKER_AUTH_CONFIG` holds.
    pub docker_auth_config: Option<Secret<String>>,
    /// Docker's `config.json`, also when there is none yet: credentials are stored there.
    pub docker_config: Option<PathBuf>,
    /// Podman's `auth.json` files, the first that counts first.
    pub auth_files: Vec<PathBuf>,
    /// The folders in which the programs of credential helpers are looked for.
    pub helper_folders: Vec<PathBuf>,
}

impl Places {
    /// Returns the places in the order in which they count.
    pub(super) fn in_order(&self) -> Vec<Place> {
        let environment = std::iter::once(Place::Environment);
        let docker = self.docker_config.iter().cloned().map(Place::DockerConfig);
        let podman = self.auth_files.iter().cloned().map(Place::AuthFile);
        environment.chain(docker).chain(podman).collect()
    }
}
