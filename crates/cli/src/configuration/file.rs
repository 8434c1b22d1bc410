//! Where the configuration file is, and reading it.

use std::io;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Problem};
use super::parse::parse;
use super::{Configuration, Placed};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::read_capped;

/// The variable that names the file.
const VARIABLE: &str = "EIGENPACK_CONFIG";

/// Where the file is, and below which home its paths may be.
#[derive(Clone, Debug)]
pub(crate) struct ConfigurationFile {
    path: PathBuf,
    /// What names it; the default place may have none.
    named_by: Option<&'static str>,
    home: Option<PathBuf>,
}

impl ConfigurationFile {
    /// Finds out where it is: where the flag says, else where the variable says, else in the default place, if there is one.
    pub(crate) fn find(flag: Option<PathBuf>, environment: &Environment) -> Option<Self> {
        let places = [
            (flag, Some("--config")),
            (environment.configuration.clone(), Some(VARIABLE)),
            (environment.default_configuration.clone(), None),
        ];
        places.into_iter().find_map(|(path, named_by)| {
            Some(Self {
                path: path?,
                named_by,
                home: environment.home.clone(),
            })
        })
    }

    /// Reads it.
    pub(crate) fn read(&self) -> Result<Configuration, Failure> {
        let bytes = match read_capped(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if self.named_by.is_none() && is_missing(&error) => {
                return Ok(Configuration::default());
            }
            Err(error) => {
                return Err(Failure::configuration_file(
                    &self.path,
                    self.named_by,
                    &error,
                ));
            }
        };
        let failure = |fault: Fault| Failure::configuration(&self.path, &fault);
        let mut entries = parse(&bytes).map_err(failure)?;
        for entry in entries.values_mut() {
            let files = [
                &mut entry.ca_file,
                &mut entry.cert_file,
                &mut entry.key_file,
            ];
            for file in files.into_iter().flatten() {
                self.resolve(file).map_err(failure)?;
            }
        }
        Ok(Configuration {
            path: self.path.clone(),
            entries,
        })
    }

    /// Makes a path of the file one of the process: `~/` is the user's home, and what is relative is so to the file's folder.
    fn resolve(&self, file: &mut Placed<PathBuf>) -> Result<(), Fault> {
        file.value = match (file.value.strip_prefix("~"), &self.home) {
            (Ok(below), Some(home)) => home.join(below),
            (Ok(_), None) => {
                return Err(Fault {
                    position: file.position,
                    problem: Problem::NoHome,
                });
            }
            (Err(_), _) => {
                let folder = self.path.parent().unwrap_or(Path::new(""));
                folder.join(&file.value)
            }
        };
        Ok(())
    }
}

/// Tells whether there is no file, or not even a folder for it.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
