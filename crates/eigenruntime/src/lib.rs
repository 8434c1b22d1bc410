//! EigenRuntime specifications and the artifacts they are published as.
//!
//! This crate is pure: it knows the rules of a spec, the bytes of an artifact, and how one is published to and pulled
//! from any [`Target`](eigenpack_oci::Target) or [`Source`](eigenpack_oci::Source). It opens no file and no socket and
//! asks no clock.
//!
//! ```
//! use eigenruntime::{ArtifactBuilder, Created};
//!
//! let spec = &b"apiVersion: eigenruntime.io/v1alpha1\n"[..];
//! let created: Created = "2025-08-14T12:00:00Z".parse()?;
//! let artifact = ArtifactBuilder::new(spec.into(), "my-avs", "Hourglass", "opset-0-v0", created).build()?;
//! assert_eq!(artifact.spec, spec);
//! assert_eq!(artifact.manifest.digest().bytes32().unwrap().len(), 66);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod artifact;
mod difference;
mod publish;
mod pull;
pub mod spec;

pub use artifact::{
    ARTIFACT_TYPE, Artifact, ArtifactBuilder, ArtifactConfig, ArtifactManifest, BuildError,
    CONFIG_MEDIA_TYPE, CREATED_ANNOTATION, ConfigError, ConfigMetadata, Created, CreatedError,
    DESCRIPTION_ANNOTATION, MAX_CONFIG_BYTES, OWNED_ANNOTATIONS, SOURCE_ANNOTATION,
    SPEC_MEDIA_TYPE, SPEC_VERSION_ANNOTATION, ShapeError, TITLE_ANNOTATION, spec_digest,
};
pub use difference::Difference;
pub use publish::{PublishError, PublishOptions, Published, publish};
pub use pull::{Part, PullError, PulledArtifact, fetch_manifest, pull};
