//! Certificates and keys, read from the files that flags or the configuration file name.

use std::path::Path;

use eigenpack::{Authorities, ClientIdentity, TlsError};

use crate::failure::Failure;
use crate::input::read_file;

/// A file that somebody names.
#[derive(Debug)]
pub(crate) struct NamedFile<'a> {
    /// The flag or the setting.
    pub(crate) name: &'static str,
    pub(crate) path: &'a Path,
    /// Where the configuration file names it, if it does.
    pub(crate) place: Option<String>,
}

impl<'a> NamedFile<'a> {
    /// A file that a flag names.
    pub(crate) fn flag(name: &'static str, path: &'a Path) -> Self {
        let place = None;
        Self { name, path, place }
    }

    fn read(&self) -> Result<Vec<u8>, Failure> {
        read_file(self.name, self.path).map_err(|failure| self.placed(failure))
    }

    fn unusable(&self, error: TlsError) -> Failure {
        self.placed(Failure::certificate(self.name, self.path, error))
    }

    fn placed(&self, failure: Failure) -> Failure {
        match &self.place {
            Some(place) => failure.in_configuration(place, self.name),
            None => failure,
        }
    }
}

/// Reads authorities to trust.
pub(crate) fn authorities(file: &NamedFile<'_>) -> Result<Authorities, Failure> {
    Authorities::from_pem(&file.read()?).map_err(|error| file.unusable(error))
}

/// Reads a certificate to show, and its key.
pub(crate) fn identity(
    certificate: &NamedFile<'_>,
    key: &NamedFile<'_>,
) -> Result<ClientIdentity, Failure> {
    ClientIdentity::from_pem(&certificate.read()?, &key.read()?).map_err(|error| {
        let unusable = if error.is_about_key() {
            key
        } else {
            certificate
        };
        unusable.unusable(error)
    })
}
