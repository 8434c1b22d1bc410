//! What a file has for a registry.

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{RegistryHost, Repository};
use serde_json::value::RawValue;

use super::entry::{self, EntryProblem};
use super::keys::{exact_keys, find_for_docker, find_for_podman};
use super::{CredentialFile, Format};
use crate::credentials::helper::HelperName;

/// What a file has for a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Nothing.
    Nothing,
    /// An entry that holds nothing.
    Empty {
        /// Its key.
        key: String,
    },
    /// A credential.
    Credential {
        /// The key of the entry that holds it.
        key: String,
        /// The credential itself.
        credential: Credential,
    },
    /// An entry that cannot be used.
    Broken {
        /// Its key.
        key: String,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// A credential helper that is to be asked.
    Helper {
        /// Which.
        name: HelperName,
        /// What in the file names it.
        chosen_by: ChosenBy,
        /// The key of an entry of `auths` that holds a credential and does not count, because there is a helper.
        unused: Option<String>,
    },
}

/// What in a file names a credential helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    /// Its entry in `credHelpers`, which is for one registry.
    CredHelpers {
        /// The key of that entry.
        key: String,
    },
    /// `credsStore`, which is for all registries without a helper of their own.
    CredsStore,
}

/// A helper, with what in the file names it.
pub(in crate::credentials) type Named = (HelperName, ChosenBy);

impl CredentialFile {
    /// Finds what the file has for a registry, and for one repository of it.
    pub fn choose(&self, host: &RegistryHost, repository: Option<&Repository>) -> Choice {
        let key = match self.format {
            Format::AuthFile => find_for_podman(&self.auths, host, repository),
            Format::DockerConfig | Format::DockerVariable => {
                find_for_docker(&self.auths, host, repository)
            }
        };
        let entry = key.and_then(|wanted| self.auths.last(|key| key == wanted));
        match self.helper(host) {
            Ok(None) => match entry {
                Some((key, raw)) => from_entry(key, raw),
                None => Choice::Nothing,
            },
            Ok(Some((name, chosen_by))) => {
                if let Some((key, raw)) = entry
                    && self.format == Format::DockerConfig
                    && let Some(credential) = entry::registry_token(raw)
                {
                    let key = key.to_owned();
                    return Choice::Credential { key, credential };
                }
                let unused = entry
                    .filter(|(_, raw)| !matches!(entry::read(raw), Ok(None)))
                    .map(|(key, _)| key.to_owned());
                Choice::Helper {
                    name,
                    chosen_by,
                    unused,
                }
            }
            Err((key, problem)) => Choice::Broken { key, problem },
        }
    }

    /// Finds the helper for a registry; where its name is none, what names it and what is wrong.
    pub(in crate::credentials) fn helper(
        &self,
        host: &RegistryHost,
    ) -> Result<Option<Named>, (String, EntryProblem)> {
        if self.format == Format::DockerVariable {
            return Ok(None);
        }
        let own = exact_keys(host)
            .into_iter()
            .find_map(|wanted| self.helpers.last(|key| key == wanted));
        if let Some((key, raw)) = own {
            let name = helper_name(raw).map_err(|problem| (key.to_owned(), problem))?;
            let key = key.to_owned();
            // An empty name means the file itself, whatever `credsStore` says.
            return Ok(name.map(|name| (name, ChosenBy::CredHelpers { key })));
        }
        match &self.store {
            Some(raw) if self.format == Format::DockerConfig => {
                let name =
                    helper_name(raw).map_err(|problem| ("credsStore".to_owned(), problem))?;
                Ok(name.map(|name| (name, ChosenBy::CredsStore)))
            }
            _ => Ok(None),
        }
    }
}

fn from_entry(key: &str, raw: &RawValue) -> Choice {
    let key = key.to_owned();
    match entry::read(raw) {
        Ok(Some(credential)) => Choice::Credential { key, credential },
        Ok(None) => Choice::Empty { key },
        Err(problem) => Choice::Broken { key, problem },
    }
}

fn helper_name(raw: &RawValue) -> Result<Option<HelperName>, EntryProblem> {
    let name: Option<String> =
        serde_json::from_str(raw.get()).map_err(|_| EntryProblem::HelperName(shown(raw.get())))?;
    match name.filter(|name| !name.is_empty()) {
        Some(name) => match name.parse() {
            Ok(name) => Ok(Some(name)),
            Err(_) => Err(EntryProblem::HelperName(shown(&name))),
        },
        None => Ok(None),
    }
}

/// Cuts what is shown: it may be anything.
fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
