//! In what an artifact differs from the one that is stored, as far as the stored manifest alone tells.
//!
//! A conflict is reported after one request, so the stored config is not at hand: what it says is found out by building
//! our own config with other inputs and comparing digests.

use std::fmt;

use eigenpack_oci::{Annotations, RawManifest};

use crate::artifact::{
    Artifact, ArtifactBuilder, ArtifactManifest, CREATED_ANNOTATION, Created,
    DEFAULT_DESCRIPTION_PREFIX, DESCRIPTION_ANNOTATION, OWNED_ANNOTATIONS, SOURCE_ANNOTATION,
};

/// One respect in which two artifacts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Difference {
    /// The stored manifest is not that of an EigenRuntime artifact.
    Kind,
    /// The spec's bytes.
    Spec,
    /// The AVS's name.
    Name,
    /// The release version, the kind, or the tool's version in the config.
    Config,
    /// The description.
    Description,
    /// The URL of the source.
    Source,
    /// Other annotations.
    Annotations,
    /// The time of creation.
    Time,
    /// The form alone: another tool wrote the same content in other bytes.
    Form,
}

impl Difference {
    /// Returns the name that machine output uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "artifact-type",
            Self::Spec => "spec",
            Self::Name => "name",
            Self::Config => "release-version",
            Self::Description => "description",
            Self::Source => "source",
            Self::Annotations => "annotations",
            Self::Time => "created",
            Self::Form => "form",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "the kind of artifact",
            Self::Spec => "the spec",
            Self::Name => "the name",
            Self::Config => "the release version or another field of the config",
            Self::Description => "the description",
            Self::Source => "the source",
            Self::Annotations => "the annotations",
            Self::Time => "the time of creation",
            Self::Form => "the form in which the same content is written",
        })
    }
}

/// Lists in what `ours`, built by `builder`, differs from the `stored` manifest.
pub(crate) fn between(
    builder: &ArtifactBuilder,
    ours: &Artifact,
    stored: &RawManifest,
) -> Vec<Difference> {
    let (Ok(stored), Ok(ours)) = (
        ArtifactManifest::read(stored),
        ArtifactManifest::read(&ours.manifest),
    ) else {
        return vec![Difference::Kind];
    };
    let differs = |key: &str| stored.annotations.get(key) != ours.annotations.get(key);
    let mut found = Vec::new();
    if stored.spec.digest != ours.spec.digest {
        found.push(Difference::Spec);
    }
    found.extend(config_difference(builder, &stored));
    if differs(DESCRIPTION_ANNOTATION) && !found.contains(&Difference::Name) {
        found.push(Difference::Description);
    }
    if differs(SOURCE_ANNOTATION) {
        found.push(Difference::Source);
    }
    if further_annotations(&stored) != further_annotations(&ours) {
        found.push(Difference::Annotations);
    }
    if differs(CREATED_ANNOTATION) {
        found.push(Difference::Time);
    }
    if found.is_empty() {
        found.push(Difference::Form);
    }
    found.sort_unstable();
    found
}

/// Tells what makes the stored config another one, apart from its time.
fn config_difference(builder: &ArtifactBuilder, stored: &ArtifactManifest) -> Option<Difference> {
    let created = stored.annotations.get(CREATED_ANNOTATION)?;
    let at_their_time = builder.clone().created(Created::verbatim(created.as_str()));
    let is_theirs = |builder: &ArtifactBuilder| {
        builder
            .build()
            .is_ok_and(|built| built.config_descriptor.digest == stored.config.digest)
    };
    if is_theirs(&at_their_time) {
        return None;
    }
    let their_name = stored
        .annotations
        .get(DESCRIPTION_ANNOTATION)
        .and_then(|text| text.strip_prefix(DEFAULT_DESCRIPTION_PREFIX));
    match their_name {
        Some(name) if is_theirs(&at_their_time.name(name)) => Some(Difference::Name),
        _ => Some(Difference::Config),
    }
}

/// Returns the annotations that somebody added, those of the layer included.
fn further_annotations(manifest: &ArtifactManifest) -> (Annotations, &Annotations) {
    let mut annotations = manifest.annotations.clone();
    annotations.retain(|key, _| !OWNED_ANNOTATIONS.contains(&key.as_str()));
    (annotations, &manifest.spec.annotations)
}
