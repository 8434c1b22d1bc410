//! Why credentials could not be had.

use std::path::PathBuf;
use std::time::Duration;

use super::file::{EntryProblem, FileProblem};
use super::place::Place;

/// Why credentials that somebody has set up could not be had.
///
/// Nothing of a secret is in it. What a helper said is cleaned of control characters and cut. A helper is named without the
/// `docker-credential-` of its program, together with the file that names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A place cannot be read, and no other one has credentials for the registry.
    #[error("{place} cannot be used: {problem}")]
    Unusable {
        /// The place.
        place: Place,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// The entry for the registry is broken.
    #[error("the entry {key:?} of {place} cannot be used: {problem}")]
    Entry {
        /// The place that has the entry.
        place: Place,
        /// The key of the entry.
        key: String,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// A file names a credential helper that is not installed.
    #[error("the credential helper docker-credential-{name} (named in {}) is not on the PATH", config.display())]
    HelperMissing {
        /// The helper.
        name: String,
        /// The file that names it.
        config: PathBuf,
    },
    /// A credential helper is there but cannot be run.
    #[error("the credential helper docker-credential-{name} (named in {}) cannot be run: {reason}", config.display())]
    HelperUnusable {
        /// The helper.
        name: String,
        /// The file that names it.
        config: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A credential helper did not answer in time, and was ended.
    #[error(
        "the credential helper docker-credential-{name} (named in {}) did not answer within {} s",
        config.display(),
        limit.as_secs_f64()
    )]
    HelperTimedOut {
        /// The helper.
        name: String,
        /// The file that names it.
        config: PathBuf,
        /// How long it was given.
        limit: Duration,
    },
    /// A credential helper failed.
    #[error("the credential helper docker-credential-{name} (named in {}) failed: {said}", config.display())]
    HelperFailed {
        /// The helper.
        name: String,
        /// The file that names it.
        config: PathBuf,
        /// What it said, or how it ended where it said nothing.
        said: String,
    },
    /// A credential helper answered with what is no answer.
    #[error("the credential helper docker-credential-{name} (named in {}) answered with {problem}", config.display())]
    HelperNonsense {
        /// The helper.
        name: String,
        /// The file that names it.
        config: PathBuf,
        /// What its answer was.
        problem: String,
    },
}
