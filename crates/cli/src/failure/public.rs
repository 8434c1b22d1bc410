//! Failures of `push --check-public`.

use eigenpack::oci::{AccessError, FetchError};
use eigenpack::{PullError, ReadError, Reference, RegistryHost};

use super::Failure;
use crate::exit_code::ExitCode;

impl Failure {
    /// What was pushed is read again where nobody else can read.
    pub(crate) fn not_published_anywhere(reference: &Reference) -> Self {
        Self::new(
            ExitCode::Usage,
            "not-published",
            format!("{reference} is on this machine, so --check-public has nothing to check"),
        )
        .hint("leave --check-public out, or push to a registry: HOST/REPO:TAG")
    }

    /// What was pushed could not be read without credentials.
    pub(crate) fn not_public(error: &ReadError, host: &RegistryHost, pushed: &Reference) -> Self {
        let Some(refusal) = refusal(error) else {
            let failure = Self::read(error, pushed);
            let message = format!(
                "it was pushed, and whether it is public is not known: {}",
                failure.message
            );
            return Self { message, ..failure };
        };
        let message =
            format!("it was pushed, but {host} does not show it to those without credentials");
        Self::new(ExitCode::Access, "not-public", message)
            .field("reference", pushed.to_string())
            .field("registry", host.as_str())
            .caused_by(refusal)
            .hint(visibility(host))
    }
}

/// Returns the error of a registry that hides something: many say that it is not there.
fn refusal(error: &ReadError) -> Option<&FetchError> {
    match error {
        ReadError::Pull(PullError::Manifest(
            error @ (FetchError::Access(AccessError::Unauthenticated(_) | AccessError::Denied(_))
            | FetchError::ManifestNotFound(_)
            | FetchError::RepositoryNotFound),
        )) => Some(error),
        _ => None,
    }
}

/// Says where a registry has the setting that lets everybody read.
fn visibility(host: &RegistryHost) -> String {
    let name = host.as_str();
    let within = |domain: &str| name.ends_with(domain);
    let setting = if name == "ghcr.io" {
        "on GitHub, open the package's settings and change its visibility to public (under Danger Zone)"
    } else if host.is_docker_hub() {
        "on hub.docker.com, open the repository's settings and make it public"
    } else if within(".amazonaws.com") {
        "a private registry of Amazon ECR always asks for credentials: push to ECR Public, public.ecr.aws"
    } else if name == "quay.io" {
        "on quay.io, open the repository's settings and make it public"
    } else if within(".azurecr.io") {
        "allow anonymous pulls for the whole registry: az acr update --name NAME --anonymous-pull-enabled"
    } else if within(".pkg.dev") {
        "give allUsers the role Artifact Registry Reader for the repository"
    } else {
        return format!("let everybody read the repository, in its settings at {name}");
    };
    setting.to_owned()
}
