//! What to do about a failure, where several kinds of failure have the same remedy.

use std::path::Path;

use eigenpack::credentials::{CredentialError, EntryProblem, FileProblem, Place};

use crate::render::{clean, shell_quoted};

/// Returns the command that logs in to a registry.
pub(super) fn login(registry: &str) -> String {
    format!("eigenpack login {}", shell_quoted(registry))
}

/// Says what to do about a file that cannot be used.
pub(super) fn mend_file(path: &Path, problem: &FileProblem) -> String {
    let path = clean(&path.display().to_string());
    match problem {
        FileProblem::Unreadable(_) => format!("let this user read {path}, or move it away"),
        _ => format!("mend {path}, or move it away"),
    }
}

/// Says what to do about credentials that cannot be had. Where logging in again could help, `login` is the command.
pub(super) fn mend(error: &CredentialError, login: Option<&str>) -> String {
    let and_log_in = login.map(|login| format!(" and log in: {login}"));
    let and_log_in = and_log_in.unwrap_or_default();
    match error {
        CredentialError::HelperMissing { name, config } => format!(
            "install docker-credential-{name}, or take it out of {}{and_log_in}",
            config.display()
        ),
        CredentialError::HelperTimedOut { name, .. } => format!(
            "unlock what docker-credential-{name} keeps, \
             or allow it more time with --credential-timeout SECONDS"
        ),
        CredentialError::HelperUnusable { name, config, .. }
        | CredentialError::HelperFailed { name, config, .. }
        | CredentialError::HelperNonsense { name, config, .. } => format!(
            "see whether it works by itself: docker-credential-{name} list; \
             or take it out of {}{and_log_in}",
            config.display()
        ),
        CredentialError::Unusable { place, problem } => match place.path() {
            Some(path) => mend_file(path, problem) + &and_log_in,
            None => format!("correct {place}, or unset it: unset {place}"),
        },
        CredentialError::Entry {
            place: Place::DockerConfig(path),
            problem: EntryProblem::HelperName(_),
            ..
        } => format!("correct the helper's name in {}", path.display()),
        CredentialError::Entry { place, key, .. } => match (place, login, place.path()) {
            (Place::DockerConfig(_), Some(login), _) => format!("log in again: {login}"),
            (_, _, Some(path)) => format!(
                "take the entry {key:?} out of {}{and_log_in}",
                path.display()
            ),
            (_, _, None) => format!("correct {place}, or unset it: unset {place}"),
        },
        _ => format!("mend that{and_log_in}"),
    }
}
