//! The config blob: what it says of the spec.

use serde::{Deserialize, Serialize};

/// The version of the config blob's format.
const FORMAT_VERSION: &str = "1.0";
/// The version of the EigenRuntime API that the spec is written for.
const API_VERSION: &str = "v1";

/// The config blob as it is written. Fields are in byte order, as the original writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenConfig<'a> {
    avs_name: &'a str,
    #[serde(rename = "eigenRuntimeAPIVersion")]
    api_version: &'static str,
    format_version: &'static str,
    kind: &'a str,
    metadata: WrittenMetadata<'a>,
    validation_schema: String,
}

/// Where and when the artifact was made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenMetadata<'a> {
    pub(super) created_at: &'a str,
    pub(super) devkit_version: &'a str,
    pub(super) release_version: &'a str,
}

impl<'a> WrittenConfig<'a> {
    pub(super) fn new(avs_name: &'a str, kind: &'a str, metadata: WrittenMetadata<'a>) -> Self {
        let lower = kind.to_lowercase();
        Self {
            avs_name,
            api_version: API_VERSION,
            format_version: FORMAT_VERSION,
            kind,
            metadata,
            validation_schema: format!(
                "https://eigenruntime.io/schemas/{lower}/{API_VERSION}/manifest.json"
            ),
        }
    }
}

/// A config blob as it was read: every field may be absent.
///
/// The documented format and the `{"created": …}` that eigenruntime-go writes are both read; fields that are not known
/// are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ArtifactConfig {
    /// The version of the config's format.
    pub format_version: Option<String>,
    /// The version of the EigenRuntime API.
    #[serde(rename = "eigenRuntimeAPIVersion")]
    pub api_version: Option<String>,
    /// The kind of the spec.
    pub kind: Option<String>,
    /// The name of the AVS.
    pub avs_name: Option<String>,
    /// The URL of the schema that the spec follows.
    pub validation_schema: Option<String>,
    /// Where and when the artifact was made.
    pub metadata: ConfigMetadata,
    /// The time of creation, as eigenruntime-go writes it.
    pub created: Option<String>,
}

/// The metadata of a config blob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ConfigMetadata {
    /// When the artifact was made.
    pub created_at: Option<String>,
    /// The release, by default the tag it was pushed under.
    pub release_version: Option<String>,
    /// The tool that made the artifact.
    pub devkit_version: Option<String>,
}

/// A config blob that is not a JSON object of the expected types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the config blob cannot be read: {reason}")]
pub struct ConfigError {
    /// What is wrong, with line and column where they are known.
    pub reason: String,
}

impl ArtifactConfig {
    /// Reads a config blob, which is a JSON object.
    pub fn read(bytes: &[u8]) -> Result<Self, ConfigError> {
        let unreadable = |e: serde_json::Error| ConfigError {
            reason: e.to_string(),
        };
        // Decoded straight into a struct, a list would pass for an object.
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(bytes).map_err(unreadable)?;
        serde_json::from_value(object.into()).map_err(unreadable)
    }

    /// Returns the time of creation, from either of the places where it is written.
    pub fn created(&self) -> Option<&str> {
        self.metadata
            .created_at
            .as_deref()
            .or(self.created.as_deref())
    }
}
