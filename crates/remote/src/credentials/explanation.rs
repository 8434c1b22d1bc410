//! How credentials were looked for: for people who wonder why these were sent, or none.

use eigenpack_oci::distribution::{Credential, without_control_characters};

use super::Found;
use super::error::CredentialError;
use super::file::{ChosenBy, EntryProblem, FileProblem};
use super::helper::HelperName;
use super::place::Place;

/// How credentials for a registry were looked for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Each place, in the order in which they count.
    pub steps: Vec<Step>,
    /// What the search came to.
    pub outcome: Result<Found, CredentialError>,
}

/// What one place had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The place.
    pub place: Place,
    /// What was seen there.
    pub seen: Seen,
    /// Whether this decided the outcome.
    pub decisive: bool,
}

/// What was seen in a place; nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen {
    /// There is no such file, or the variable is not set.
    Absent,
    /// It cannot be read, and the search went on.
    Unusable(FileProblem),
    /// It has nothing for the registry.
    NoEntry,
    /// It has an entry that holds nothing: usually the mark of a credential helper that is no longer named.
    EmptyEntry {
        /// The entry's key.
        key: String,
    },
    /// It has a credential.
    Entry {
        /// The entry's key.
        key: String,
        /// What kind of credential.
        kind: CredentialKind,
    },
    /// It has an entry that cannot be used.
    BrokenEntry {
        /// The entry's key.
        key: String,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// It names a credential helper, which was asked.
    Helper {
        /// The helper.
        name: HelperName,
        /// What in the file names it.
        chosen_by: ChosenBy,
        /// What it answered.
        answer: Answered,
        /// The key of an entry of the file that holds a credential and does not count, because there is a helper.
        unused: Option<String>,
    },
    /// It was not looked at, since an earlier place decided.
    NotReached,
}

/// What a credential helper answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answered {
    /// A credential.
    Found(CredentialKind),
    /// That it has none.
    NotFound,
    /// Nothing that can be used.
    Failed(CredentialError),
}

/// What kind of credential there is, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A password.
    Password {
        /// Whose, without control characters.
        username: String,
    },
    /// A token that tokens are got with.
    IdentityToken,
    /// A token that the registry itself takes.
    RegistryToken,
}

impl CredentialKind {
    /// Returns the kind of a credential; [`Credential::Anonymous`] has none.
    pub fn of(credential: &Credential) -> Option<Self> {
        match credential {
            Credential::Anonymous => None,
            Credential::Basic { username, .. } => Some(Self::Password {
                username: without_control_characters(username),
            }),
            Credential::IdentityToken(_) => Some(Self::IdentityToken),
            Credential::RegistryToken(_) => Some(Self::RegistryToken),
        }
    }
}
