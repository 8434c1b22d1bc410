//! A file of credentials: what its bytes say, and what it has for a registry. Nothing is opened here.

mod choice;
mod entry;
mod fields;
mod keys;

pub use choice::{Choice, ChosenBy};
pub use entry::EntryProblem;

pub(super) use fields::Fields;
pub(super) use keys::{entry_key, names_host};

use serde_json::value::RawValue;

/// The most bytes that a file of credentials may have.
pub const MAX_FILE_SIZE: u64 = 1024 * 1024;

/// By whose rules a file is read: the same JSON means different things to Docker and to Podman.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The value of `DOCKER_AUTH_CONFIG`: Docker's rules for entries, without helpers.
    DockerVariable,
    /// Docker's `config.json`: `credHelpers` before `credsStore` before `auths`; an entry is for a whole registry.
    DockerConfig,
    /// Podman's `auth.json` (containers-auth.json(5)): `credHelpers` before `auths`; an entry may be for a namespace.
    AuthFile,
}

/// A file of credentials, parsed as far as its outline: each entry is read when it is needed, so that one that is broken
/// spoils only itself.
#[derive(Clone, Debug)]
pub struct CredentialFile {
    format: Format,
    auths: Fields,
    helpers: Fields,
    store: Option<Box<RawValue>>,
}

/// Why a whole file of credentials cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// It is there but cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It is a folder, or something else that is no file.
    #[error("it is not a file")]
    NotAFile,
    /// It has more bytes than such a file ever has.
    #[error("it has more than {MAX_FILE_SIZE} bytes")]
    TooLarge,
    /// It is not JSON.
    #[error("it is not JSON: line {line}, column {column}")]
    NotJson {
        /// The line of the fault, from 1.
        line: usize,
        /// The column of the fault, from 1.
        column: usize,
    },
    /// Something in it that should be an object is not.
    #[error("{0} is not a JSON object")]
    NotAnObject(&'static str),
}

impl CredentialFile {
    /// Parses a file; an empty one has nothing, as Docker has it.
    pub fn parse(format: Format, bytes: &[u8]) -> Result<Self, FileProblem> {
        if bytes.len() as u64 > MAX_FILE_SIZE {
            return Err(FileProblem::TooLarge);
        }
        let whole = if bytes.iter().all(u8::is_ascii_whitespace) {
            Fields::default()
        } else {
            let whole: &RawValue = serde_json::from_slice(bytes).map_err(|e| not_json(&e))?;
            Fields::of(whole).ok_or(FileProblem::NotAnObject("it"))?
        };
        let section = |name| match whole.get(name) {
            Some(raw) => Fields::of(raw).ok_or(FileProblem::NotAnObject(name)),
            None => Ok(Fields::default()),
        };
        Ok(Self {
            format,
            auths: section("auths")?,
            helpers: section("credHelpers")?,
            store: whole.get("credsStore").map(ToOwned::to_owned),
        })
    }

    /// Tells whether anything in the file says where credentials are, so that no default is to be chosen for it.
    pub(super) fn is_configured(&self) -> bool {
        let has_store = match &self.store {
            Some(raw) => raw.get() != r#""""#,
            None => false,
        };
        has_store || !self.helpers.is_empty() || !self.auths.is_empty()
    }
}

fn not_json(error: &serde_json::Error) -> FileProblem {
    FileProblem::NotJson {
        line: error.line(),
        column: error.column(),
    }
}
