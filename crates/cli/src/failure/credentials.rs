//! Failures of giving, storing and removing credentials.

use eigenpack::RegistryHost;
use eigenpack::credentials::StoreError;
use eigenpack::oci::AccessError;

use super::Failure;
use super::advice::{login, mend, mend_file};
use crate::exit_code::ExitCode;
use crate::render::{clean, shell_quoted};

impl Failure {
    /// Credentials are given to a command that speaks to no registry.
    pub(crate) fn credentials_for_nobody() -> Self {
        Self::new(
            ExitCode::Usage,
            "needless-credentials",
            "credentials are given, and no registry is spoken to",
        )
        .hint("leave them out, or name a registry: HOST/REPO:TAG")
    }

    /// Credentials are given to a command that speaks to two registries.
    pub(crate) fn credentials_for_two(one: &RegistryHost, other: &RegistryHost) -> Self {
        Self::new(
            ExitCode::Usage,
            "ambiguous-credentials",
            format!("are the credentials that are given for {one} or for {other}?"),
        )
        .hint(format!(
            "log in to both first: {} && {}",
            login(one.as_str()),
            login(other.as_str())
        ))
    }

    /// The spec and a secret are both to be read from stdin.
    pub(crate) fn stdin_taken() -> Self {
        Self::new(
            ExitCode::Usage,
            "stdin-taken",
            "stdin cannot be both the spec and the password",
        )
        .hint("give the spec as a file, or log in first: eigenpack login HOST")
    }

    /// A user name without a password, and nobody to ask.
    pub(crate) fn no_password(host: &RegistryHost) -> Self {
        Self::new(
            ExitCode::Usage,
            "no-password",
            "there is no password, and no terminal to ask at",
        )
        .hint(format!(
            "pipe it in: echo \"$PASSWORD\" | {} --username NAME --password-stdin",
            login(host.as_str())
        ))
    }

    /// A secret that is no secret. Nothing of it is shown.
    pub(crate) fn bad_secret(what: &str, problem: &str) -> Self {
        let message = format!("the {what} on stdin {problem}");
        Self::new(ExitCode::Input, "bad-secret", message)
    }

    /// A secret without a single character.
    pub(crate) fn empty_secret(what: &str) -> Self {
        Self::new(
            ExitCode::Input,
            "bad-secret",
            format!("the {what} is empty"),
        )
    }

    /// A secret on the command line. Nothing of it is shown.
    pub(crate) fn secret_as_argument(flag: &str) -> Self {
        Self::new(
            ExitCode::Usage,
            "secret-as-argument",
            format!("there is no {flag}: what stands on a command line can be read by others"),
        )
        .hint("pipe it in: echo \"$PASSWORD\" | eigenpack … --username NAME --password-stdin")
    }

    /// What was typed for a registry's host is none; `host` is what it may have been meant to be.
    pub(crate) fn not_a_host(problem: &str, host: Option<&str>, command: &str) -> Self {
        let failure = Self::new(ExitCode::Usage, "bad-host", clean(problem));
        match host {
            Some(host) => failure.hint(format!(
                "eigenpack {command} {}",
                shell_quoted(&clean(host))
            )),
            None => failure.hint(format!(
                "a registry is HOST[:PORT], for example: eigenpack {command} ghcr.io"
            )),
        }
    }

    /// The registry could not be shown the credentials, or does not accept them. Nothing was stored.
    pub(crate) fn not_logged_in(error: &AccessError, host: &RegistryHost) -> Self {
        let failure = Self::registry(
            format!("cannot log in to {host}; nothing was stored"),
            error,
        );
        match error {
            AccessError::Unauthenticated(_) | AccessError::Denied(_) => {
                failure.hint("check the name and the password or token; nothing was stored")
            }
            AccessError::Network {
                kind: eigenpack::oci::NetworkErrorKind::Resolve,
                ..
            } => failure.hint("check the host's spelling"),
            _ => failure,
        }
        .field("registry", host.as_str())
    }

    /// Credentials could not be stored or removed.
    pub(crate) fn credential_store(action: &str, error: &StoreError, host: &RegistryHost) -> Self {
        let exit = match error {
            StoreError::Helper(_) => ExitCode::Access,
            _ => ExitCode::Input,
        };
        let failure = Self::new(
            exit,
            "credential-store",
            format!("cannot {action} the credentials for {host}"),
        )
        .field("registry", host.as_str())
        .caused_by(error);
        match error {
            StoreError::NoPlace => {
                failure.hint("name a folder for Docker's config.json: DOCKER_CONFIG=DIR")
            }
            StoreError::Config { path, problem } => failure.hint(mend_file(path, problem)),
            StoreError::Busy { .. } => failure.hint("try again when the other program is done"),
            StoreError::Write { path, .. } => failure.hint(format!(
                "check who owns {} and its folder: ls -ld {}",
                clean(&path.display().to_string()),
                shell_quoted(&path.parent().unwrap_or(path).display().to_string())
            )),
            StoreError::Helper(error) => failure.hint(mend(error, None)),
            _ => failure,
        }
    }
}
