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
    /// The layers behind the spec, of which our artifacts have none.
    Layers,
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
            Self::Config => "config",
            Self::Description => "description",
            Self::Source => "source",
            Self::Annotations => "annotations",
            Self::Layers => "layers",
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
            Self::Config => "the release version, the kind or another field of the config",
            Self::Description => "the description",
            Self::Source => "the source",
            Self::Annotations => "the annotations",
            Self::Layers => "the layers behind the spec",
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
    let names = (default_name(&stored), default_name(&ours));
    match names {
        (Some(theirs), Some(ours)) if theirs != ours => found.push(Difference::Name),
        _ if differs(DESCRIPTION_ANNOTATION) => found.push(Difference::Description),
        _ => {}
    }
    if config_differs(builder, &stored, names.0) {
        found.push(Difference::Config);
    }
    if differs(SOURCE_ANNOTATION) {
        found.push(Difference::Source);
    }
    if further_annotations(&stored) != further_annotations(&ours) {
        found.push(Difference::Annotations);
    }
    if stored.further_layers != ours.further_layers {
        found.push(Difference::Layers);
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

/// Returns the name in a description that is the default one.
fn default_name(manifest: &ArtifactManifest) -> Option<&str> {
    let description = manifest.annotations.get(DESCRIPTION_ANNOTATION)?;
    let name = description.strip_prefix(DEFAULT_DESCRIPTION_PREFIX)?;
    // The original writes one word more.
    Some(name.strip_prefix("AVS ").unwrap_or(name))
}

/// Tells whether the stored config differs from ours in more than its time and the name.
fn config_differs(
    builder: &ArtifactBuilder,
    stored: &ArtifactManifest,
    their_name: Option<&str>,
) -> bool {
    let mut theirs = builder.clone();
    if let Some(created) = stored.annotations.get(CREATED_ANNOTATION) {
        theirs = theirs.created(Created::verbatim(created.as_str()));
    }
    let is_theirs = |builder: &ArtifactBuilder| {
        builder
            .build()
            .is_ok_and(|built| built.config_descriptor.digest == stored.config.digest)
    };
    !is_theirs(&theirs) && !their_name.is_some_and(|name| is_theirs(&theirs.clone().name(name)))
}

/// Returns the annotations that somebody added, those of the layer included.
fn further_annotations(manifest: &ArtifactManifest) -> (Annotations, &Annotations) {
    let mut annotations = manifest.annotations.clone();
    annotations.retain(|key, _| !OWNED_ANNOTATIONS.contains(&key.as_str()));
    (annotations, &manifest.spec.annotations)
}
