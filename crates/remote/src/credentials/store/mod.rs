//! Keeping credentials for later, where Docker would keep them.

mod document;
mod replace;

use std::io;
use std::path::{Path, PathBuf};

use eigenpack_oci::RegistryHost;
use eigenpack_oci::distribution::Credential;

use self::document::{Document, Removed};
use self::replace::edit;
use super::docker::DockerCredentials;
use super::error::CredentialError;
use super::file::{CredentialFile, FileProblem, Format, entry_key};
use super::helper::{Configured, HelperName, find_program};
use super::place::Place;
use super::read::read;

/// Where a credential was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// With a credential helper.
    Helper {
        /// The helper's name, without `docker-credential-`.
        name: String,
        /// The file that names it.
        config: PathBuf,
    },
    /// In a file that only its owner can read, not encrypted.
    File {
        /// The file.
        path: PathBuf,
    },
}

/// Where a credential was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erased {
    /// With a credential helper.
    Helper {
        /// The helper's name, without `docker-credential-`.
        name: String,
        /// The file that names it.
        config: PathBuf,
    },
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// The key of the entry that is gone.
        key: String,
    },
}

/// Why a credential could not be stored or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is not known where Docker's `config.json` is.
    #[error("there is no home folder and no DOCKER_CONFIG to store credentials in")]
    NoPlace,
    /// There is no credential to store.
    #[error("there is no credential to store")]
    Nothing,
    /// The file cannot be understood, and is left as it is.
    #[error("{} cannot be changed: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// Another program has locked the file's folder for long.
    #[error("another program is changing {}", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The credential helper cannot be used.
    #[error(transparent)]
    Helper(#[from] CredentialError),
}

impl DockerCredentials {
    /// Stores a credential for a registry in the place of what was stored for it.
    ///
    /// It goes to the credential helper that `config.json` names for the registry. Where the file has neither a helper nor a
    /// credential yet and the helper of the platform is installed, that is named in the file and used, as Docker does;
    /// otherwise the credential goes into the file. A registry token always does: helpers have no place for one.
    pub async fn store(
        &self,
        host: &RegistryHost,
        credential: &Credential,
    ) -> Result<Stored, StoreError> {
        if *credential == Credential::Anonymous {
            return Err(StoreError::Nothing);
        }
        let (path, file) = self.config().await?;
        let configured = helper_of(&file, &path, host)?;
        let default = match configured {
            None if !file.is_configured() => self.default_helper(),
            _ => None,
        };
        let key = entry_key(host).to_owned();
        let Some(name) = configured.or(default.clone()) else {
            return self.store_in_file(path, key, credential).await;
        };
        let helper = Configured {
            name: &name,
            config: &path,
        };
        match credential {
            Credential::Basic { username, password } => {
                self.helpers.store(helper, &key, username, password).await?;
            }
            Credential::IdentityToken(token) => {
                self.helpers.store_token(helper, &key, token).await?;
            }
            Credential::RegistryToken(_) | Credential::Anonymous => {
                return self.store_in_file(path, key, credential).await;
            }
        }
        self.change(path.clone(), move |document| {
            // The empty entry tells other tools that a helper has it.
            document.set_entry(&key, None);
            if let Some(default) = &default {
                document.set_store(default);
            }
        })
        .await?;
        Ok(Stored::Helper {
            name: name.to_string(),
            config: path,
        })
    }

    /// Removes what is stored for a registry, with the credential helper and in `config.json`, and says what that was.
    ///
    /// Entries for namespaces of the registry stay, and so do other places: they are not where [`store`](Self::store) puts
    /// anything.
    pub async fn erase(&self, host: &RegistryHost) -> Result<Vec<Erased>, StoreError> {
        let (path, file) = self.config().await?;
        let mut erased = Vec::new();
        if !file.is_configured() {
            // Nor is a folder made for a file that would have nothing in it.
            return Ok(erased);
        }
        if let Some(name) = helper_of(&file, &path, host)? {
            let helper = Configured {
                name: &name,
                config: &path,
            };
            if self.helpers.erase(helper, entry_key(host)).await? {
                erased.push(Erased::Helper {
                    name: name.to_string(),
                    config: path.clone(),
                });
            }
        }
        let host = host.clone();
        let removed = self
            .change(path.clone(), move |document| document.remove_entries(&host))
            .await?;
        // An entry that held nothing was only the mark of what the helper had.
        let held = removed.into_iter().filter(|removed| removed.held_something);
        erased.extend(held.map(|Removed { key, .. }| Erased::File {
            path: path.clone(),
            key,
        }));
        Ok(erased)
    }

    async fn store_in_file(
        &self,
        path: PathBuf,
        key: String,
        credential: &Credential,
    ) -> Result<Stored, StoreError> {
        let credential = credential.clone();
        self.change(path.clone(), move |document| {
            document.set_entry(&key, Some(&credential));
        })
        .await?;
        Ok(Stored::File { path })
    }

    /// Reads `config.json`; one that is not there has nothing.
    async fn config(&self) -> Result<(PathBuf, CredentialFile), StoreError> {
        let path = self.places.docker_config.clone();
        let path = path.ok_or(StoreError::NoPlace)?;
        blocking(path.clone(), move || {
            let bytes = read(&path).and_then(|bytes| {
                CredentialFile::parse(Format::DockerConfig, &bytes.unwrap_or_default())
            });
            match bytes {
                Ok(file) => Ok((path, file)),
                Err(problem) => Err(StoreError::Config { path, problem }),
            }
        })
        .await
    }

    async fn change<T: Send + 'static>(
        &self,
        path: PathBuf,
        change: impl FnOnce(&mut Document) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let changed = blocking(path.clone(), move || edit(&path, change)).await;
        self.forget();
        changed
    }

    /// Finds the helper that Docker chooses for a new configuration (docker/cli, `credentials/default_store*.go`).
    fn default_helper(&self) -> Option<HelperName> {
        let folders = &self.helpers.folders;
        let name = if cfg!(target_os = "macos") {
            "osxkeychain"
        } else if cfg!(windows) {
            "wincred"
        } else if find_program("pass", folders).is_some() {
            "pass"
        } else {
            "secretservice"
        };
        let name: HelperName = name.parse().ok()?;
        find_program(&name.program(), folders).map(|_| name)
    }
}

fn helper_of(
    file: &CredentialFile,
    path: &Path,
    host: &RegistryHost,
) -> Result<Option<HelperName>, CredentialError> {
    match file.helper(host) {
        Ok(named) => Ok(named.map(|(name, _)| name)),
        Err((key, problem)) => Err(CredentialError::Entry {
            place: Place::DockerConfig(path.to_owned()),
            key,
            problem,
        }),
    }
}

/// Runs `work` on a thread that may block.
async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| {
            let source = io::Error::other(stopped);
            Err(StoreError::Write { path, source })
        })
}
