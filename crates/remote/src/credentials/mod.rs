//! Where credentials come from: what a user already has, found in the order in which Docker and Podman look for it.
//!
//! A [`CredentialProvider`] is asked once a registry has demanded credentials, and answers with what it [`Found`] and the
//! [`CredentialSource`] it found that in, so that a failure can say whose credentials were refused.

mod docker;
mod environment;
mod error;
mod explanation;
mod file;
mod given;
mod helper;
mod place;
mod read;
mod source;
mod store;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{RegistryHost, Repository};

pub use docker::DockerCredentials;
pub use error::CredentialError;
pub use explanation::{Answered, CredentialKind, Explanation, Seen, Step};
pub use file::{
    Choice, ChosenBy, CredentialFile, EntryProblem, FileProblem, Format, MAX_FILE_SIZE,
};
pub use given::GivenCredentials;
pub use helper::{HelperAnswer, HelperName, MAX_ANSWER_SIZE, NotAHelperName};
pub use place::{Place, Places};
pub use source::CredentialSource;
pub use store::{Erased, StoreError, Stored};

/// The answer of a [`CredentialProvider`], when it is there.
pub type Finding<'a> = Pin<Box<dyn Future<Output = Result<Found, CredentialError>> + Send + 'a>>;

/// Who is asked for credentials, once a registry has demanded some.
pub trait CredentialProvider: fmt::Debug + Send + Sync {
    /// Finds what to answer a registry's challenge with; `repository` is the one the request was for.
    ///
    /// Nothing found is no error: the credential is [`Credential::Anonymous`] then, and its source
    /// [`CredentialSource::Nothing`]. An error means that there would be something if all were well.
    fn find(&self, registry: &RegistryHost, repository: Option<&Repository>) -> Finding<'_>;

    /// Is told that a registry refused a credential that was found, so that whoever remembers it can forget it.
    ///
    /// [`find`](Self::find) is asked once more then. Does nothing unless implemented otherwise.
    fn refused(&self, registry: &RegistryHost, credential: &Credential) {
        let _ = (registry, credential);
    }
}

/// A credential, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What to answer with.
    pub credential: Credential,
    /// Where it came from.
    pub source: CredentialSource,
}

impl Found {
    /// Makes the answer of who found nothing.
    pub const fn nothing() -> Self {
        Self {
            credential: Credential::Anonymous,
            source: CredentialSource::Nothing,
        }
    }
}
