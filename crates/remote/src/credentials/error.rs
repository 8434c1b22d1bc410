//! Why credentials could not be had.

use std::path::PathBuf;
use std::time::Duration;

/// Why credentials that somebody has set up could not be had.
///
/// Nothing of a secret is in it. What a helper said is cleaned of control characters and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A file names a credential helper that is not installed.
    #[error("the credential helper docker-credential-{name} is not on the PATH")]
    HelperMissing {
        /// The helper's name, without `docker-credential-`.
        name: String,
        /// The file that names it.
        config: PathBuf,
    },
    /// A credential helper was there but could not be started.
    #[error("the credential helper docker-credential-{name} cannot be run: {reason}")]
    HelperUnusable {
        /// The helper's name, without `docker-credential-`.
        name: String,
        /// The file that names it.
        config: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A credential helper did not answer in time; it was ended.
    #[error("the credential helper docker-credential-{name} did not answer within {} s", limit.as_secs_f64())]
    HelperTimedOut {
        /// The helper's name, without `docker-credential-`.
        name: String,
        /// The file that names it.
        config: PathBuf,
        /// How long it was given.
        limit: Duration,
    },
    /// A credential helper failed.
    #[error("the credential helper docker-credential-{name} failed: {said}")]
    HelperFailed {
        /// The helper's name, without `docker-credential-`.
        name: String,
        /// The file that names it.
        config: PathBuf,
        /// What it said, or how it ended where it said nothing.
        said: String,
    },
    /// A credential helper answered with what is no answer.
    #[error("the credential helper docker-credential-{name} answered with {problem}")]
    HelperNonsense {
        /// The helper's name, without `docker-credential-`.
        name: String,
        /// The file that names it.
        config: PathBuf,
        /// What is wrong with the answer.
        problem: String,
    },
}
