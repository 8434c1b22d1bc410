//! The config blob: what it says of the spec.

use eigenpack_oci::strict_json::{self, Object};
use serde::{Deserialize, Deserializer, Serialize};

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
    #[serde(deserialize_with = "object_or_null")]
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

/// Reads an object; programs in Go write `null` for one that is absent.
fn object_or_null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    let object = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(object.map(|Object(value)| value).unwrap_or_default())
}

/// A config blob that is not a JSON object of the expected types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the config blob cannot be read: {reason}")]
pub struct ConfigError {
    /// What is wrong, with line and column where they are known.
    pub reason: String,
}

impl ArtifactConfig {
    /// Reads a config blob, which is a JSON object in which no key is twice.
    pub fn read(bytes: &[u8]) -> Result<Self, ConfigError> {
        strict_json::from_slice(bytes).map_err(|error| ConfigError {
            reason: strict_json::reason(&error),
        })
    }

    /// Returns the time of creation, from either of the places where it is written.
    pub fn created(&self) -> Option<&str> {
        self.metadata
            .created_at
            .as_deref()
            .or(self.created.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ArtifactConfig, ConfigError> {
        ArtifactConfig::read(json.as_bytes())
    }

    #[test]
    fn what_is_absent_may_be_null() {
        for json in [
            "{}",
            r#"{"metadata":null}"#,
            r#"{"avsName":null,"more":[1]}"#,
        ] {
            assert_eq!(read(json).unwrap(), ArtifactConfig::default(), "{json}");
        }
    }

    #[test]
    fn what_two_readers_could_read_otherwise_is_refused() {
        for json in [
            r#"{"avsName":"a","avsName":"b"}"#,
            r#"{"metadata":{"createdAt":"a","createdAt":"b"}}"#,
            r#"{"metadata":["a","b","c"]}"#,
            "[]",
            "{} {}",
        ] {
            read(json).unwrap_err();
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_few_words() {
        let error = read(&format!(r#"{{"metadata":"{}"}}"#, "A".repeat(1_000_000)));
        let error = error.unwrap_err().to_string();
        assert!(error.len() < 300, "{} bytes", error.len());
        assert!(error.contains("line 1"), "{error}");
    }
}
