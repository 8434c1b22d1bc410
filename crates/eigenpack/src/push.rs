//! Pushing a spec: what can be set, and what can go wrong before anything is sent.

use std::collections::BTreeMap;

use bytes::Bytes;
use eigenpack_oci::{AccessError, Digest, Tag};
use eigenruntime::spec::{self, Faults, InvalidSpec};
use eigenruntime::{ArtifactBuilder, BuildError, Created, PublishError, PublishOptions};

/// The kind that the config names where the spec has none, which only an invalid spec can lack.
const KIND_OF_AN_INVALID_SPEC: &str = "Runtime";

/// What can be set when a spec is pushed; the default is an artifact as documented, made now.
///
/// ```
/// use eigenpack::PushOptions;
///
/// let options = PushOptions {
///     created: Some("2025-08-14T12:00:00Z".parse()?),
///     source: Some("https://github.com/org/my-avs".to_owned()),
///     ..PushOptions::default()
/// };
/// # Ok::<(), eigenpack::CreatedError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PushOptions {
    /// The AVS's name; the spec's otherwise.
    pub name: Option<String>,
    /// The time of creation; the clock's otherwise. With it, the same inputs always give the same digest.
    pub created: Option<Created>,
    /// The description; made from the name otherwise.
    pub description: Option<String>,
    /// The URL of the source.
    pub source: Option<String>,
    /// The release version; the tag otherwise.
    pub release_version: Option<String>,
    /// The tool's version that the config names; the constant `eigenpack` otherwise.
    pub devkit_version: Option<String>,
    /// The title of the spec's layer, which `oras pull` takes as a file name; none otherwise.
    pub title: Option<String>,
    /// Further annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The digest that the artifact must have; otherwise nothing is written.
    pub expect_digest: Option<Digest>,
    /// Whether a tag that names something else may be moved.
    pub overwrite: bool,
    /// Whether a spec with errors is published all the same.
    pub allow_invalid: bool,
}

/// Why a spec was not pushed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The reference has no tag to push under.
    #[error("the reference has no tag to push under")]
    NoTag,
    /// The reference names a digest that the artifact does not have.
    #[error("a push cannot choose its digest: give the reference a tag alone")]
    DigestInReference,
    /// The spec breaks rules.
    #[error(transparent)]
    InvalidSpec(#[from] InvalidSpec),
    /// The spec has no name that can be read, and none was given.
    #[error("the spec has no name that could be the artifact's")]
    NoName,
    /// The clock is set to a time that cannot be written.
    #[error("the clock is set to a time that cannot be written")]
    Clock,
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] AccessError),
    /// The artifact could not be built or published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl From<BuildError> for PushError {
    fn from(error: BuildError) -> Self {
        Self::Publish(error.into())
    }
}

/// A spec that is ready to be published: checked, with everything decided but where it goes.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Builds the artifact.
    pub builder: ArtifactBuilder,
    /// How it is published.
    pub publish: PublishOptions,
    /// The time of creation.
    pub created: Created,
    /// The spec's faults: warnings, and with `allow_invalid` errors.
    pub faults: Faults,
}

impl PushOptions {
    /// Checks a spec and decides every field of its artifact; `now` is the time where none was set.
    ///
    /// Nothing is sent. [`ArtifactBuilder::build`] then gives the artifact's bytes.
    pub fn prepare(&self, spec: Bytes, tag: &Tag, now: Created) -> Result<Prepared, PushError> {
        let report = spec::check(&spec, None);
        if !report.faults.is_valid() && !self.allow_invalid {
            return Err(InvalidSpec {
                faults: report.faults,
            }
            .into());
        }
        let text = |text: Option<&str>| text.filter(|t| !t.trim().is_empty()).map(str::to_owned);
        let read = report.spec.as_ref();
        let name = self
            .name
            .clone()
            .or_else(|| text(read.and_then(|spec| spec.name())));
        let kind = text(read.and_then(|spec| spec.kind()))
            .unwrap_or_else(|| KIND_OF_AN_INVALID_SPEC.to_owned());
        let created = self.created.clone().unwrap_or(now);
        let release = self
            .release_version
            .clone()
            .unwrap_or_else(|| tag.to_string());
        let mut builder = ArtifactBuilder::new(
            spec,
            name.ok_or(PushError::NoName)?,
            kind,
            release,
            created.clone(),
        );
        if let Some(description) = &self.description {
            builder = builder.description(description);
        }
        if let Some(source) = &self.source {
            builder = builder.source(source);
        }
        if let Some(version) = &self.devkit_version {
            builder = builder.devkit_version(version);
        }
        if let Some(title) = &self.title {
            builder = builder.title(title);
        }
        for (key, value) in &self.annotations {
            builder = builder.annotation(key, value);
        }
        Ok(Prepared {
            builder,
            publish: PublishOptions {
                tag: tag.clone(),
                overwrite: self.overwrite,
                created_from_clock: self.created.is_none(),
                expect_digest: self.expect_digest.clone(),
                mend: false,
            },
            created,
            faults: report.faults,
        })
    }
}
