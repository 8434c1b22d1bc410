//! What an EigenRuntime artifact is on the wire: built byte for byte, and read leniently.

mod build;
mod config;
mod created;
mod go_json;
mod read;

pub(crate) use build::DEFAULT_DESCRIPTION_PREFIX;
pub use build::{Artifact, ArtifactBuilder, BuildError};
pub use config::{ArtifactConfig, ConfigError, ConfigMetadata};
pub use created::{Created, CreatedError};
pub use read::{ArtifactManifest, ShapeError};

use eigenpack_oci::{Digest, MediaType};

/// The artifact type of the manifest.
pub const ARTIFACT_TYPE: MediaType =
    MediaType::from_static("application/vnd.eigenruntime.manifest.v1");

/// The media type of the config blob.
pub const CONFIG_MEDIA_TYPE: MediaType =
    MediaType::from_static("application/vnd.eigenruntime.manifest.config.v1+json");

/// The media type of the layer that holds the spec.
pub const SPEC_MEDIA_TYPE: MediaType = MediaType::from_static("text/yaml");

/// The annotation that holds the version of the spec format.
pub const SPEC_VERSION_ANNOTATION: &str = "io.eigenruntime.spec.version";
/// The annotation that holds the time of creation.
pub const CREATED_ANNOTATION: &str = "org.opencontainers.image.created";
/// The annotation that describes the artifact to people.
pub const DESCRIPTION_ANNOTATION: &str = "org.opencontainers.image.description";
/// The annotation that names where the artifact comes from.
pub const SOURCE_ANNOTATION: &str = "org.opencontainers.image.source";
/// The layer's annotation that `oras pull` takes as a file name.
pub const TITLE_ANNOTATION: &str = "org.opencontainers.image.title";

/// The manifest annotations that the artifact sets itself, so that nobody else may.
pub const OWNED_ANNOTATIONS: [&str; 4] = [
    CREATED_ANNOTATION,
    DESCRIPTION_ANNOTATION,
    SOURCE_ANNOTATION,
    SPEC_VERSION_ANNOTATION,
];

/// The largest config blob that is read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Returns the digest of a spec alone: SHA-256 over its exact bytes, which is the digest of the artifact's layer.
pub fn spec_digest(spec: &[u8]) -> Digest {
    Digest::sha256(spec)
}
