//! What the errors of the use cases mean to a user.

use eigenpack::oci::{AccessError, CopyError as ContentError, FetchError};
use eigenpack::{BuildError, Difference, PublishError, PullError};
use eigenpack::{
    CopyError, FetchConfigError, PushError, ReadError, Reference, TagError, TagsError,
};

use super::Failure;
use crate::exit_code::ExitCode;
use crate::render::{counted, shell_quoted};

impl Failure {
    /// A push that failed. The faults of an invalid spec are shown by the command, which has its text.
    pub(crate) fn push_spec(error: &PushError, spec: &str, reference: &Reference) -> Self {
        match error {
            PushError::NoTag => Self::no_tag(spec, reference),
            PushError::DigestInReference => {
                Self::new(ExitCode::Usage, "digest-in-reference", error.to_string())
                    .hint("to make sure of the digest, use --expect-digest DIGEST")
            }
            PushError::InvalidSpec(invalid) => Self::new(
                ExitCode::Input,
                "invalid-spec",
                format!(
                    "{spec} is not a valid spec: {}",
                    counted(invalid.faults.errors(), "error")
                ),
            )
            .hint("mend the spec, or publish it in spite of its errors with --allow-invalid"),
            PushError::NoName => Self::new(ExitCode::Input, "no-name", error.to_string())
                .hint("give it a name: --name NAME"),
            PushError::Clock => Self::new(ExitCode::Input, "clock", error.to_string())
                .hint("set the clock, or give the time with --created TIME"),
            PushError::Open(source) => {
                Self::access(format!("cannot push to {reference}"), source, reference)
            }
            PushError::Publish(error) => Self::publish(error, reference),
            other => Self::new(ExitCode::Bug, "bug", "cannot push").caused_by(other),
        }
    }

    fn no_tag(spec: &str, reference: &Reference) -> Self {
        Self::new(
            ExitCode::Usage,
            "no-tag",
            format!("{reference} has no tag to push under"),
        )
        .hint(format!(
            "add one: eigenpack push {} {}",
            shell_quoted(spec),
            shell_quoted(&format!("{}:opset-0-v0", reference.location))
        ))
    }

    fn publish(error: &PublishError, reference: &Reference) -> Self {
        match error {
            PublishError::Build(error) => Self::build(error),
            PublishError::UnexpectedDigest { expected, found } => Self::new(
                ExitCode::No,
                "unexpected-digest",
                "the artifact has another digest than expected; nothing was written",
            )
            .field("expected", expected.as_str())
            .field("found", found.as_str())
            .caused_by(error)
            .hint(
                "the digest depends on the spec, --created and every other field: \
                 compare with --dry-run",
            ),
            // What to do instead is said by the command, which knows the user's flags.
            PublishError::Conflict {
                existing,
                ours,
                differences,
                tag,
            } => Self::conflict(
                reference,
                tag.as_str(),
                existing.as_str(),
                ours.as_str(),
                differences,
            ),
            PublishError::ReadTag(source) => {
                Self::read_tag(format!("cannot push to {reference}"), source, reference)
            }
            PublishError::PushBlob { digest, source } => Self::push(
                format!("cannot store {digest} in {}", reference.location),
                source,
                reference,
            ),
            PublishError::PushManifest { source, .. } => Self::push(
                format!("cannot store the manifest as {reference}"),
                source,
                reference,
            ),
            other => Self::new(ExitCode::Bug, "bug", "cannot publish").caused_by(other),
        }
    }

    fn build(error: &BuildError) -> Self {
        let failure = Self::new(ExitCode::Input, "bad-artifact", error.to_string());
        match error {
            BuildError::OwnedAnnotation { .. } => {
                failure.hint("set it with its own flag: --created, --description or --source")
            }
            BuildError::EmptyName => failure.hint("give it a name: --name NAME"),
            _ => failure,
        }
    }

    fn conflict(
        reference: &Reference,
        tag: &str,
        existing: &str,
        ours: &str,
        differences: &[Difference],
    ) -> Self {
        let names: Vec<&str> = differences
            .iter()
            .map(|difference| difference.as_str())
            .collect();
        let mut failure = Self::new(
            ExitCode::Conflict,
            "tag-conflict",
            format!(
                "{}:{tag} names something else; nothing was written",
                reference.location
            ),
        )
        .field("reference", reference.to_string())
        .field("existing", existing)
        .field("digest", ours)
        .field("differences", names);
        failure.causes.push(format!("it names {existing}"));
        failure.causes.push(format!("this is {ours}"));
        if !differences.is_empty() {
            let words: Vec<String> = differences.iter().map(ToString::to_string).collect();
            failure
                .causes
                .push(format!("they differ in {}", words.join(", ")));
        }
        failure
    }

    /// Something that could not be read.
    pub(crate) fn read(error: &ReadError, reference: &Reference) -> Self {
        match error {
            ReadError::Open(source) => {
                Self::access(format!("cannot read {reference}"), source, reference)
            }
            ReadError::Pull(error) => Self::pull(error, reference),
            other => Self::new(ExitCode::Bug, "bug", "cannot read").caused_by(other),
        }
    }

    /// A pull that failed.
    pub(crate) fn pull(error: &PullError, reference: &Reference) -> Self {
        match error {
            PullError::NoSelector => Self::new(
                ExitCode::Usage,
                "no-selector",
                format!("{reference} has neither a tag nor a digest"),
            ),
            PullError::Manifest(source) => {
                Self::fetch_manifest(fetch_message(reference, source), source, reference)
            }
            PullError::OtherDigest {
                expected, found, ..
            } => Self::new(
                ExitCode::No,
                "unexpected-digest",
                format!("{reference} is not what its tag names"),
            )
            .field("expected", expected.as_str())
            .field("found", found.as_str())
            .caused_by(error)
            .hint("the tag was moved, or the digest is another artifact's"),
            PullError::Unverifiable(_) => Self::new(
                ExitCode::No,
                "unverifiable",
                format!("cannot verify {reference}"),
            )
            .caused_by(error),
            PullError::Shape(_) => Self::new(
                ExitCode::No,
                "not-an-artifact",
                format!("{reference} is not an EigenRuntime artifact"),
            )
            .caused_by(error)
            .hint(format!("see what it is: eigenpack manifest {reference}")),
            PullError::Blob { part, source, .. } => Self::fetch(
                format!("cannot fetch the {part} of {reference}"),
                source,
                reference,
            ),
            PullError::Config(_) => Self::new(
                ExitCode::No,
                "bad-config",
                format!("{reference} has no readable config"),
            )
            .caused_by(error),
            other => Self::new(ExitCode::Bug, "bug", "cannot pull").caused_by(other),
        }
    }

    /// A config that could not be read.
    pub(crate) fn config(error: &FetchConfigError, reference: &Reference) -> Self {
        match error {
            FetchConfigError::Manifest(error) => Self::read(error, reference),
            FetchConfigError::Blob { source, .. } => Self::fetch(
                format!("cannot fetch the config of {reference}"),
                source,
                reference,
            ),
            other => Self::new(
                ExitCode::No,
                "no-config",
                format!("{reference} has no config"),
            )
            .caused_by(other),
        }
    }

    /// A copy that failed, on one side or the other.
    pub(crate) fn copy(error: &CopyError, source: &Reference, target: &Reference) -> Self {
        let from = || format!("cannot read {source}, the source");
        let to = || format!("cannot write {target}, the target");
        match error {
            CopyError::OpenSource(error) => Self::access(from(), error, source),
            CopyError::OpenTarget(error) => Self::access(to(), error, target),
            CopyError::Manifest(error) => Self::pull(error, source),
            CopyError::OtherDigest { expected, found } => Self::new(
                ExitCode::No,
                "unexpected-digest",
                format!("{source} is not what {target} asks for"),
            )
            .field("expected", expected.as_str())
            .field("found", found.as_str())
            .caused_by(error),
            CopyError::Conflict {
                tag,
                existing,
                ours,
            } => Self::conflict(target, tag.as_str(), existing.as_str(), ours.as_str(), &[])
                .hint("choose a new tag, or move this one with --overwrite"),
            CopyError::ReadTag { source, .. } => Self::read_tag(
                format!("cannot read what {target} names now"),
                source,
                target,
            ),
            CopyError::Content(ContentError::Source { source: error, .. }) => {
                let failure = Self::fetch(from(), error, source);
                if is_passing(error) && !target.location.is_registry() {
                    failure.also_hint(
                        "what has arrived is kept, and the same command goes on from there",
                    )
                } else {
                    failure
                }
            }
            CopyError::Content(ContentError::Target { source: error, .. }) => {
                Self::push(to(), error, target)
            }
            CopyError::Content(error) => {
                Self::new(ExitCode::No, "bad-manifest", from()).caused_by(error)
            }
            other => Self::new(ExitCode::Bug, "bug", "cannot copy").caused_by(other),
        }
    }

    /// Tags that could not be listed.
    pub(crate) fn tags(error: &TagsError, reference: &Reference) -> Self {
        let message = format!("cannot list the tags of {}", reference.location);
        match error {
            TagsError::Open(source) => Self::access(message, source, reference),
            TagsError::Fetch(source) => Self::fetch(message, source, reference),
            other => Self::new(ExitCode::Bug, "bug", message).caused_by(other),
        }
    }

    /// Tags that could not be set.
    pub(crate) fn tag(error: &TagError, reference: &Reference) -> Self {
        match error {
            TagError::Open(source) => Self::access(
                format!("cannot open {}", reference.location),
                source,
                reference,
            ),
            TagError::Manifest(error) => Self::pull(error, reference),
            TagError::Conflict {
                tag,
                existing,
                ours,
            } => Self::conflict(
                reference,
                tag.as_str(),
                existing.as_str(),
                ours.as_str(),
                &[],
            )
            .hint("choose a new tag, or move this one with --overwrite"),
            TagError::ReadTag { source, .. } => {
                Self::read_tag(error.to_string(), source, reference)
            }
            TagError::Push(source) => Self::push(
                format!("cannot set the tags of {reference}"),
                source,
                reference,
            ),
            other => Self::new(ExitCode::Bug, "bug", "cannot tag").caused_by(other),
        }
    }
}

fn fetch_message(reference: &Reference, error: &FetchError) -> String {
    match error {
        FetchError::ManifestNotFound(_) | FetchError::RepositoryNotFound => {
            format!("{reference} does not exist")
        }
        _ => format!("cannot fetch {reference}"),
    }
}

/// Tells whether what could not be read may be read again soon.
fn is_passing(error: &FetchError) -> bool {
    let FetchError::Access(error) = error else {
        return false;
    };
    match error {
        AccessError::Network { .. } | AccessError::RateLimited(_) => true,
        AccessError::Registry(answer) => answer.status >= 500,
        _ => false,
    }
}
