//! Credentials that were given, and are not looked for.

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{RegistryHost, Repository};

use super::{CredentialProvider, CredentialSource, Finding, Found};

/// One credential that was given for whatever registry asks.
///
/// [`Credential::Anonymous`] is one too: nothing is looked for then.
#[derive(Clone, Debug)]
pub struct GivenCredentials(Credential);

impl GivenCredentials {
    /// Makes a provider that always answers with `credential`.
    pub const fn new(credential: Credential) -> Self {
        Self(credential)
    }
}

impl CredentialProvider for GivenCredentials {
    fn find(&self, _: &RegistryHost, _: Option<&Repository>) -> Finding<'_> {
        let source = match self.0 {
            Credential::Anonymous => CredentialSource::Nothing,
            _ => CredentialSource::Given,
        };
        let found = Found {
            credential: self.0.clone(),
            source,
        };
        Box::pin(async { Ok(found) })
    }
}
