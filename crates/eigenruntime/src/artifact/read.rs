//! From a manifest to what it says of an artifact: lenient in what does not matter, strict in shape.

use eigenpack_oci::{Annotations, Descriptor, Manifest, ManifestError, MediaType, RawManifest};

use super::{ARTIFACT_TYPE, CONFIG_MEDIA_TYPE, SPEC_MEDIA_TYPE};

/// What a manifest says of the artifact: where its config and its spec are.
///
/// Unknown annotations and fields are fine, and so is a missing `artifactType`, which some tools do not write: the
/// config's media type counts then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArtifactManifest {
    /// The artifact type, where the manifest has one.
    pub artifact_type: Option<MediaType>,
    /// The config blob.
    pub config: Descriptor,
    /// The layer that holds the spec.
    pub spec: Descriptor,
    /// The layers behind it, which nothing reads.
    pub further_layers: Vec<Descriptor>,
    /// The manifest's annotations.
    pub annotations: Annotations,
}

/// Why a manifest is not that of an EigenRuntime artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// It is not a manifest at all.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It is an index: several manifests, where readers expect one artifact.
    #[error("this is an image index, not an EigenRuntime artifact")]
    Index,
    /// It is another kind of artifact, for example a container image.
    #[error("this is {found}, not an EigenRuntime artifact ({ARTIFACT_TYPE})")]
    ArtifactType {
        /// The type it has.
        found: MediaType,
    },
    /// It has no layer.
    #[error("the artifact has no layer that could hold a spec")]
    NoLayer,
    /// Its first layer is of another type. Readers differ in which layer they take then, so none is safe to trust.
    #[error("the artifact's first layer is {found}, where the spec ({SPEC_MEDIA_TYPE}) belongs")]
    LayerType {
        /// The type it has.
        found: MediaType,
    },
}

impl ArtifactManifest {
    /// Reads a manifest.
    pub fn read(raw: &RawManifest) -> Result<Self, ShapeError> {
        let Manifest::Image(image) = Manifest::read(raw)? else {
            return Err(ShapeError::Index);
        };
        match &image.artifact_type {
            Some(found) if *found != ARTIFACT_TYPE => {
                return Err(ShapeError::ArtifactType {
                    found: found.clone(),
                });
            }
            None if image.config.media_type != CONFIG_MEDIA_TYPE => {
                return Err(ShapeError::ArtifactType {
                    found: image.config.media_type,
                });
            }
            _ => {}
        }
        let mut layers = image.layers.into_iter();
        let spec = layers.next().ok_or(ShapeError::NoLayer)?;
        if spec.media_type != SPEC_MEDIA_TYPE {
            return Err(ShapeError::LayerType {
                found: spec.media_type,
            });
        }
        Ok(Self {
            artifact_type: image.artifact_type,
            config: image.config,
            spec,
            further_layers: layers.collect(),
            annotations: image.annotations,
        })
    }
}
