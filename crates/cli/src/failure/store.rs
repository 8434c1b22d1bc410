//! What a store's errors mean to a user: which exit code, which code, which hint.

use std::io;

use eigenpack::oci::{AccessError, FetchError, NetworkErrorKind, PushError};
use eigenpack::{Location, Reference};

use super::advice::login;
use super::meaning::Meaning;
use super::{Failure, refused};
use crate::exit_code::ExitCode;

impl Failure {
    /// A store could not be read.
    pub(crate) fn fetch(message: String, error: &FetchError, reference: &Reference) -> Self {
        let message = refused::of_fetch(error).unwrap_or(message);
        Self::from_meaning(message, fetch_meaning(error, reference), reference)
            .fields_of_fetch(error)
            .caused_by(error)
    }

    /// A manifest could not be read. One that is damaged on this disk is mended by a push only when that is asked for,
    /// since nobody can tell any more what the tag named.
    pub(crate) fn fetch_manifest(
        message: String,
        error: &FetchError,
        reference: &Reference,
    ) -> Self {
        let failure = Self::fetch(message, error, reference);
        if matches!(error, FetchError::Verify(_)) && !reference.location.is_registry() {
            failure.hint(
                "do not use this content: it was damaged or changed on this disk; \
                 pushing the same again with --overwrite mends it",
            )
        } else {
            failure
        }
    }

    /// What a tag names could not be read before something else was to be put there.
    pub(crate) fn read_tag(message: String, error: &FetchError, reference: &Reference) -> Self {
        let failure = Self::fetch(message, error, reference);
        if failure.exit == ExitCode::No {
            failure.hint("what the tag names is broken; --overwrite replaces it")
        } else {
            failure
        }
    }

    /// A store could not be written.
    pub(crate) fn push(message: String, error: &PushError, reference: &Reference) -> Self {
        let message = refused::of_push(error).unwrap_or(message);
        let failure = Self::from_meaning(message, push_meaning(error, reference), reference);
        let failure = match error {
            PushError::Access(error) => failure.fields_of_access(error),
            PushError::Source(error) => failure.fields_of_fetch(error),
            _ => failure,
        };
        failure.caused_by(error)
    }

    /// A store could not be opened or asked.
    pub(crate) fn access(message: String, error: &AccessError, reference: &Reference) -> Self {
        let message = refused::sentence(error).unwrap_or(message);
        Self::from_meaning(message, access_meaning(error), reference)
            .fields_of_access(error)
            .caused_by(error)
    }

    /// The local store as a whole could not be read or changed.
    pub(crate) fn local_store(message: String, error: &AccessError) -> Self {
        access_meaning(error)
            .said(message)
            .fields_of_access(error)
            .caused_by(error)
    }

    /// A registry could not be asked something that is about no repository.
    pub(crate) fn registry(message: String, error: &AccessError) -> Self {
        let message = refused::sentence(error).unwrap_or(message);
        access_meaning(error)
            .said(message)
            .fields_of_access(error)
            .caused_by(error)
    }

    fn from_meaning(message: String, meaning: Meaning, reference: &Reference) -> Self {
        meaning
            .said(message)
            .field("reference", reference.to_string())
    }

    fn fields_of_fetch(self, error: &FetchError) -> Self {
        match error {
            FetchError::Access(error) => self.fields_of_access(error),
            FetchError::Verify(eigenpack::oci::VerifyError::WrongDigest { expected, found }) => {
                self.field("expected", expected.as_str())
                    .field("found", found.as_str())
            }
            _ => self,
        }
    }

    fn fields_of_access(self, error: &AccessError) -> Self {
        match error {
            AccessError::Unauthenticated(answer)
            | AccessError::Denied(answer)
            | AccessError::RateLimited(answer)
            | AccessError::Registry(answer) => self.fields_of_answer(answer),
            AccessError::Credentials { registry, .. } => self.field("registry", registry.as_str()),
            AccessError::Network { host, .. } | AccessError::Refused { host, .. } => {
                self.field("host", host.as_str())
            }
            AccessError::Io { path, .. } | AccessError::Store { path, .. } => {
                self.field("path", path.as_str())
            }
            _ => self,
        }
    }
}

fn fetch_meaning(error: &FetchError, reference: &Reference) -> Meaning {
    match error {
        FetchError::RepositoryNotFound => {
            Meaning::new(ExitCode::NotFound, "not-found").hint(no_repository_hint(reference))
        }
        FetchError::ManifestNotFound(_) => {
            Meaning::new(ExitCode::NotFound, "not-found").hint(no_manifest_hint(reference))
        }
        FetchError::BlobNotFound(_) => Meaning::new(ExitCode::NotFound, "blob-not-found").hint(
            "the manifest is there but its content is not: push the same again with --overwrite, \
             which sends all of it",
        ),
        FetchError::Verify(_) => {
            Meaning::new(ExitCode::No, "verification-failed").hint(damaged_hint(reference))
        }
        FetchError::Manifest(_) => Meaning::new(ExitCode::No, "bad-manifest"),
        FetchError::TooLarge { .. } => Meaning::new(ExitCode::No, "too-large"),
        FetchError::Access(error) => access_meaning(error),
        FetchError::Unsupported(_) => Meaning::new(ExitCode::Network, "unsupported"),
        _ => Meaning::new(ExitCode::Network, "bad-answer"),
    }
}

fn push_meaning(error: &PushError, reference: &Reference) -> Meaning {
    match error {
        PushError::Conflict { .. } => Meaning::new(ExitCode::Conflict, "tag-conflict"),
        PushError::ImmutableTag { .. } => Meaning::new(ExitCode::Conflict, "tag-immutable")
            .hint("tags do not move in this repository: push under a new one"),
        PushError::StoredOtherwise { .. } | PushError::Verify(_) => {
            Meaning::new(ExitCode::No, "verification-failed")
        }
        PushError::Content(_) => Meaning::new(ExitCode::Input, "file"),
        PushError::Source(error) => fetch_meaning(error, reference),
        PushError::RepositoryNotFound => Meaning::new(ExitCode::NotFound, "repository-not-found")
            .hint("create the repository or project at the registry first, then push again"),
        PushError::ManifestNotFound(_) => {
            Meaning::new(ExitCode::NotFound, "not-found").hint(no_manifest_hint(reference))
        }
        PushError::TooLarge { .. } => Meaning::new(ExitCode::Network, "too-large"),
        PushError::Access(error) => access_meaning(error),
        PushError::Unsupported(_) => Meaning::new(ExitCode::Network, "unsupported"),
        _ => Meaning::new(ExitCode::Network, "bad-answer"),
    }
}

fn access_meaning(error: &AccessError) -> Meaning {
    match error {
        AccessError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Meaning::new(ExitCode::NotFound, "not-found").hint("check the path")
        }
        AccessError::Io { .. } => Meaning::new(ExitCode::Input, "file"),
        AccessError::Store { .. } => Meaning::new(ExitCode::Input, "bad-store"),
        AccessError::Network { kind, host, .. } => network_meaning(*kind, host),
        AccessError::Unauthenticated(answer) => refused::unauthenticated(answer),
        AccessError::Denied(answer) => refused::denied(answer),
        AccessError::Credentials { registry, source } => {
            refused::no_credentials(registry, source.as_ref())
        }
        AccessError::RateLimited(answer) => refused::rate_limited(answer),
        AccessError::Registry(answer) if answer.status < 500 => {
            Meaning::new(ExitCode::Network, "registry")
        }
        AccessError::Registry(_) => Meaning::new(ExitCode::Network, "registry")
            .hint("the registry has a problem; trying again later may help"),
        AccessError::Refused { .. } => Meaning::new(ExitCode::Network, "refused"),
        _ => Meaning::new(ExitCode::Network, "store"),
    }
}

fn network_meaning(kind: NetworkErrorKind, host: &str) -> Meaning {
    match kind {
        NetworkErrorKind::Resolve => Meaning::new(ExitCode::Network, "unknown-host")
            .hint("check the host's spelling; a reference without a host names the local store"),
        NetworkErrorKind::Connect => Meaning::new(ExitCode::Network, "connection-refused").hint(
            format!("is a registry running at {host}? check the host, the port and the network"),
        ),
        NetworkErrorKind::Tls => Meaning::new(ExitCode::Network, "tls").hint(format!(
            "if its authority is a private one, name that with --ca-file FILE, \
             or with ca-file in the configuration file; \
             if it wants to see a certificate, show one with --cert-file and --key-file; \
             if it speaks http and you trust the network, add --plain-http={host}"
        )),
        NetworkErrorKind::Timeout => Meaning::new(ExitCode::Network, "timeout").hint(format!(
            "is {host} up? try again; where it is the whole operation that needs longer, \
             allow that with --timeout SECONDS"
        )),
        _ => Meaning::new(ExitCode::Network, "connection-broken").hint("try again"),
    }
}

fn damaged_hint(reference: &Reference) -> &'static str {
    if reference.location.is_registry() {
        "do not use this content: what is stored is not what the digest promises"
    } else {
        "do not use this content: it was damaged or changed on this disk; \
         pushing the same again mends it"
    }
}

fn no_repository_hint(reference: &Reference) -> String {
    match &reference.location {
        Location::Local { repository } => format!(
            "a name without a host means the local store; for Docker Hub write docker.io/{}{}",
            if repository.as_str().contains('/') {
                ""
            } else {
                "ORG/"
            },
            reference
        ),
        Location::Registry { host, .. } => format!(
            "check the repository's name: {}; one that is private looks the same to those who may not see it ({})",
            reference.location,
            login(host.as_str())
        ),
        location => format!("check the repository's name: {location}"),
    }
}

fn no_manifest_hint(reference: &Reference) -> String {
    let list = format!("list what there is: eigenpack tags {}", reference.location);
    match &reference.location {
        Location::Local { .. } => {
            format!("{list} (this is the local store; Docker Hub is docker.io/ORG/NAME)")
        }
        _ => list,
    }
}
