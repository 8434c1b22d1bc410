//! From a spec's bytes to an artifact, the same bytes for the same inputs.

use std::collections::BTreeMap;

use bytes::Bytes;
use eigenpack_oci::{Annotations, Descriptor, MAX_MANIFEST_SIZE, MediaType, RawManifest};
use serde::Serialize;

use super::config::{WrittenConfig, WrittenMetadata};
use super::{
    ARTIFACT_TYPE, CONFIG_MEDIA_TYPE, CREATED_ANNOTATION, Created, DESCRIPTION_ANNOTATION,
    MAX_CONFIG_BYTES, OWNED_ANNOTATIONS, SOURCE_ANNOTATION, SPEC_MEDIA_TYPE,
    SPEC_VERSION_ANNOTATION, TITLE_ANNOTATION, go_json,
};
use crate::spec::{MAX_SPEC_BYTES, is_identifier};

/// The default of the source annotation.
const DEFAULT_SOURCE: &str = "https://github.com/Layr-Labs/devkit-cli";
/// The default of `devkitVersion`: a constant and never this tool's version, so that an upgrade changes no digest.
const DEFAULT_DEVKIT_VERSION: &str = "eigenpack";
/// What the default description says before the name.
pub(crate) const DEFAULT_DESCRIPTION_PREFIX: &str = "EigenRuntime specification for ";
/// The longest name of a file that file systems take, in bytes.
const MAX_FILE_NAME: usize = 255;
/// The version of the spec format, as the annotation states it.
const SPEC_VERSION: &str = "v1";

/// Builds an artifact: the documented manifest and config around the spec's exact bytes.
///
/// The same inputs give the same bytes on every machine and in every version of this crate. Nothing is asked of the
/// clock: the time of creation is an input.
#[derive(Clone, Debug)]
pub struct ArtifactBuilder {
    spec: Bytes,
    name: String,
    kind: String,
    release_version: String,
    created: Created,
    description: Option<String>,
    source: String,
    devkit_version: String,
    title: Option<String>,
    annotations: BTreeMap<String, String>,
}

/// An artifact in memory: a manifest, and the two blobs it points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The manifest; its digest is the artifact's.
    pub manifest: RawManifest,
    /// The descriptor of the config blob.
    pub config_descriptor: Descriptor,
    /// The config blob.
    pub config: Bytes,
    /// The descriptor of the spec layer.
    pub spec_descriptor: Descriptor,
    /// The spec, byte for byte as it was given.
    pub spec: Bytes,
}

impl Artifact {
    /// Tells whether the manifest points to a blob.
    pub(crate) fn has_blob(&self, descriptor: &Descriptor) -> bool {
        [&self.config_descriptor, &self.spec_descriptor].contains(&descriptor)
    }
}

/// Why no artifact can be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The spec has no bytes.
    #[error("the spec is empty")]
    EmptySpec,
    /// The spec is larger than any reader accepts.
    #[error("the spec has {size} bytes, more than the limit of {MAX_SPEC_BYTES}")]
    SpecTooLarge {
        /// Its size, in bytes.
        size: usize,
    },
    /// There is no name for the artifact.
    #[error("the artifact needs a name")]
    EmptyName,
    /// The name holds characters that are no text.
    #[error("the artifact's name holds a control character")]
    BadName,
    /// The kind cannot be a part of the schema's URL.
    #[error("the kind is not an identifier: letters, digits, `.`, `-` and `_`, at most 63")]
    BadKind,
    /// The title is no name of a file, which `oras pull` takes it for.
    #[error("the title is not the name of a file: text without `/` and `\\`, at most 255 bytes")]
    BadTitle,
    /// The config blob became larger than any reader accepts.
    #[error("the config blob would have {size} bytes, more than the limit of {MAX_CONFIG_BYTES}")]
    ConfigTooLarge {
        /// Its size, in bytes.
        size: usize,
    },
    /// The manifest became larger than every registry accepts.
    #[error("the manifest would have {size} bytes, more than the limit of {MAX_MANIFEST_SIZE}")]
    ManifestTooLarge {
        /// Its size, in bytes.
        size: usize,
    },
    /// An annotation was given that the artifact sets itself.
    #[error("the annotation {key} is set by the artifact itself")]
    OwnedAnnotation {
        /// The annotation's key.
        key: String,
    },
    /// An annotation without a key was given.
    #[error("an annotation needs a key")]
    EmptyAnnotationKey,
}

impl ArtifactBuilder {
    /// Starts with what every artifact has: the spec, its name and kind, the release, and the time of creation.
    pub fn new(
        spec: Bytes,
        name: impl Into<String>,
        kind: impl Into<String>,
        release_version: impl Into<String>,
        created: Created,
    ) -> Self {
        Self {
            spec,
            name: name.into(),
            kind: kind.into(),
            release_version: release_version.into(),
            created,
            description: None,
            source: DEFAULT_SOURCE.to_owned(),
            devkit_version: DEFAULT_DEVKIT_VERSION.to_owned(),
            title: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Sets the time of creation.
    #[must_use]
    pub fn created(mut self, created: Created) -> Self {
        self.created = created;
        self
    }

    /// Sets the AVS's name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the description, which is `EigenRuntime specification for NAME` otherwise.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the URL of the source.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// Sets the version of the tool that the config names.
    #[must_use]
    pub fn devkit_version(mut self, version: impl Into<String>) -> Self {
        self.devkit_version = version.into();
        self
    }

    /// Gives the spec's layer a title, which `oras pull` takes as a file name.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Adds an annotation to the manifest.
    #[must_use]
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Builds the artifact.
    pub fn build(&self) -> Result<Artifact, BuildError> {
        self.check()?;
        let config = WrittenConfig::new(
            &self.name,
            &self.kind,
            WrittenMetadata {
                created_at: self.created.as_str(),
                devkit_version: &self.devkit_version,
                release_version: &self.release_version,
            },
        );
        let config = Bytes::from(written(go_json::indented(&config)));
        if config.len() as u64 > MAX_CONFIG_BYTES {
            let size = config.len();
            return Err(BuildError::ConfigTooLarge { size });
        }
        let config_descriptor = Descriptor::of(CONFIG_MEDIA_TYPE, &config);
        let mut spec_descriptor = Descriptor::of(SPEC_MEDIA_TYPE, &self.spec);
        if let Some(title) = &self.title {
            spec_descriptor
                .annotations
                .insert(TITLE_ANNOTATION.to_owned(), title.clone());
        }
        let manifest = WrittenManifest {
            annotations: self.manifest_annotations(),
            artifact_type: ARTIFACT_TYPE,
            config: (&config_descriptor).into(),
            layers: [(&spec_descriptor).into()],
            media_type: MediaType::IMAGE_MANIFEST,
            schema_version: 2,
        };
        let manifest = Bytes::from(written(go_json::compact(&manifest)));
        if manifest.len() as u64 > MAX_MANIFEST_SIZE {
            let size = manifest.len();
            return Err(BuildError::ManifestTooLarge { size });
        }
        Ok(Artifact {
            manifest: RawManifest::new(MediaType::IMAGE_MANIFEST, manifest),
            config_descriptor,
            config,
            spec_descriptor,
            spec: self.spec.clone(),
        })
    }

    fn check(&self) -> Result<(), BuildError> {
        if self.spec.is_empty() {
            return Err(BuildError::EmptySpec);
        }
        if self.spec.len() > MAX_SPEC_BYTES {
            return Err(BuildError::SpecTooLarge {
                size: self.spec.len(),
            });
        }
        if self.name.trim().is_empty() {
            return Err(BuildError::EmptyName);
        }
        if self.name.chars().any(char::is_control) {
            return Err(BuildError::BadName);
        }
        if !is_identifier(&self.kind) {
            return Err(BuildError::BadKind);
        }
        if self
            .title
            .as_deref()
            .is_some_and(|title| !is_file_name(title))
        {
            return Err(BuildError::BadTitle);
        }
        for key in self.annotations.keys() {
            if key.is_empty() {
                return Err(BuildError::EmptyAnnotationKey);
            }
            if OWNED_ANNOTATIONS.contains(&key.as_str()) {
                return Err(BuildError::OwnedAnnotation { key: key.clone() });
            }
        }
        Ok(())
    }

    fn manifest_annotations(&self) -> Annotations {
        let description = self
            .description
            .clone()
            .unwrap_or_else(|| format!("{DEFAULT_DESCRIPTION_PREFIX}{}", self.name));
        let mut annotations = self.annotations.clone();
        annotations.extend([
            (CREATED_ANNOTATION.to_owned(), self.created.to_string()),
            (DESCRIPTION_ANNOTATION.to_owned(), description),
            (SOURCE_ANNOTATION.to_owned(), self.source.clone()),
            (SPEC_VERSION_ANNOTATION.to_owned(), SPEC_VERSION.to_owned()),
        ]);
        annotations
    }
}

/// Tells whether a text names a file in whatever directory, and nothing outside of it.
fn is_file_name(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
    let is_special = matches!(text, "" | "." | "..");
    !is_special && text.len() <= MAX_FILE_NAME && text.chars().all(is_plain)
}

/// Unwraps the JSON of values that are made of text and numbers alone.
fn written(json: serde_json::Result<Vec<u8>>) -> Vec<u8> {
    json.expect("text and numbers always have a JSON form")
}

/// The manifest as it is written: fields in byte order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenManifest<'a> {
    annotations: Annotations,
    artifact_type: MediaType,
    config: WrittenDescriptor<'a>,
    layers: [WrittenDescriptor<'a>; 1],
    media_type: MediaType,
    schema_version: u8,
}

/// A descriptor as it is written: fields in byte order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenDescriptor<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a Annotations,
    digest: &'a eigenpack_oci::Digest,
    media_type: &'a MediaType,
    size: u64,
}

impl<'a> From<&'a Descriptor> for WrittenDescriptor<'a> {
    fn from(descriptor: &'a Descriptor) -> Self {
        Self {
            annotations: &descriptor.annotations,
            digest: &descriptor.digest,
            media_type: &descriptor.media_type,
            size: descriptor.size,
        }
    }
}
