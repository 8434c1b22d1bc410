//! Manifests and indexes as parsed views over bytes that are kept elsewhere.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::descriptor::{Annotations, Descriptor, null_as_default};
use crate::media_type::MediaType;
use crate::raw_manifest::RawManifest;
use crate::strict_json;

/// An image manifest, OCI or Docker's, as far as it is understood here (image specification, `manifest.md`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImageManifest {
    /// The type of the artifact; where it is absent, the config's media type counts.
    #[serde(default)]
    pub artifact_type: Option<MediaType>,
    /// The config blob.
    pub config: Descriptor,
    /// The layers, in order.
    #[serde(default, deserialize_with = "null_as_default")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one is about.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// Annotations, empty where there are none.
    #[serde(default, deserialize_with = "null_as_default")]
    pub annotations: Annotations,
}

/// An image index or Docker's manifest list (image specification, `image-index.md`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImageIndex {
    /// The type of the artifact.
    #[serde(default)]
    pub artifact_type: Option<MediaType>,
    /// The manifests listed, in order.
    #[serde(deserialize_with = "null_as_default")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one is about.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// Annotations, empty where there are none.
    #[serde(default, deserialize_with = "null_as_default")]
    pub annotations: Annotations,
}

/// A manifest of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// An image manifest: a config and layers.
    Image(ImageManifest),
    /// An index: other manifests.
    Index(ImageIndex),
}

/// Why bytes are not a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The bytes are not the JSON of a manifest.
    #[error("the manifest is not valid: {reason}")]
    Json {
        /// What is wrong, with line and column.
        reason: String,
    },
    /// `schemaVersion` is not 2.
    #[error("the manifest's schemaVersion is {found}, only 2 is known")]
    SchemaVersion {
        /// What it is.
        found: i64,
    },
    /// The transport and the manifest itself name different types.
    #[error("the manifest says it is {inside}, but it came as {outside}")]
    MediaTypeConflict {
        /// The `mediaType` field.
        inside: MediaType,
        /// The `Content-Type`.
        outside: MediaType,
    },
    /// It could be read as a manifest and as an index, with the same digest.
    #[error(
        "the manifest says it is {media_type}, and has the field {field:?}, which belongs to another type"
    )]
    Ambiguous {
        /// What it is to be read as.
        media_type: MediaType,
        /// What else it has.
        field: &'static str,
    },
    /// The type is not one that is understood here.
    #[error("{found} is not a manifest type that is known here")]
    UnknownMediaType {
        /// The type.
        found: MediaType,
    },
}

impl Manifest {
    /// Reads a manifest's bytes by its media type.
    pub fn read(raw: &RawManifest) -> Result<Self, ManifestError> {
        if raw.media_type().is_index() {
            parsed(strict_json::from_checked(raw.bytes())).map(Self::Index)
        } else if raw.media_type().is_manifest() {
            parsed(strict_json::from_checked(raw.bytes())).map(Self::Image)
        } else {
            Err(ManifestError::UnknownMediaType {
                found: raw.media_type().clone(),
            })
        }
    }

    /// Returns the blobs that the manifest points to: its config and layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let image = match self {
            Self::Image(image) => Some(image),
            Self::Index(_) => None,
        };
        image
            .into_iter()
            .flat_map(|image| std::iter::once(&image.config).chain(&image.layers))
    }

    /// Returns the manifests that an index points to.
    pub fn children(&self) -> &[Descriptor] {
        match self {
            Self::Image(_) => &[],
            Self::Index(index) => &index.manifests,
        }
    }
}

fn parsed<T>(json: serde_json::Result<T>) -> Result<T, ManifestError> {
    json.map_err(|error| ManifestError::Json {
        reason: strict_json::reason(&error),
    })
}

/// The fields that tell what a manifest is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    #[serde(default)]
    schema_version: Option<i64>,
    #[serde(default)]
    media_type: Option<MediaType>,
    #[serde(default)]
    config: Option<IgnoredAny>,
    #[serde(default)]
    layers: Option<IgnoredAny>,
    #[serde(default)]
    manifests: Option<IgnoredAny>,
}

/// Decides what type a manifest is of, and refuses one that is not well formed for its type.
pub(crate) fn media_type_of(
    bytes: &[u8],
    content_type: Option<&MediaType>,
) -> Result<MediaType, ManifestError> {
    let shape: Shape = parsed(strict_json::from_slice(bytes))?;
    if let Some(found) = shape.schema_version.filter(|version| *version != 2) {
        return Err(ManifestError::SchemaVersion { found });
    }
    // Some servers answer with a type of no meaning; the body then speaks for itself.
    let outside = content_type.filter(|t| {
        !matches!(
            t.as_str(),
            "application/octet-stream" | "application/json" | "text/plain"
        )
    });
    let media_type = match (shape.media_type, outside) {
        (Some(inside), Some(outside)) if inside != *outside => {
            return Err(ManifestError::MediaTypeConflict {
                inside,
                outside: outside.clone(),
            });
        }
        (Some(inside), _) => inside,
        (None, Some(outside)) => outside.clone(),
        (None, None) if shape.config.is_some() => MediaType::IMAGE_MANIFEST,
        (None, None) => MediaType::IMAGE_INDEX,
    };
    // Whoever went by another field or header would see another thing under the same digest.
    let foreign = if media_type.is_index() {
        parsed(strict_json::from_checked::<ImageIndex>(bytes))?;
        let config = shape.config.map(|_| "config");
        config.or(shape.layers.map(|_| "layers"))
    } else if media_type.is_manifest() {
        parsed(strict_json::from_checked::<ImageManifest>(bytes))?;
        shape.manifests.map(|_| "manifests")
    } else {
        None
    };
    match foreign {
        Some(field) => Err(ManifestError::Ambiguous { media_type, field }),
        None => Ok(media_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn read(json: &str) -> Result<RawManifest, crate::raw_manifest::ReadManifestError> {
        RawManifest::from_outside(Bytes::copy_from_slice(json.as_bytes()), None, None)
    }

    fn image(config: &str, rest: &str) -> String {
        format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]{rest}}}"#)
    }

    fn descriptor(size: &str) -> String {
        format!(r#"{{"mediaType":"a/b","digest":"{DIGEST}","size":{size}}}"#)
    }

    #[test]
    fn keeps_bytes_and_unknown_fields() {
        let json = image(&descriptor("2"), r#", "unknown":  {"x":[1,null,true,1.5]}"#);
        let raw = read(&json).unwrap();
        assert_eq!(raw.bytes().as_ref(), json.as_bytes());
        assert_eq!(*raw.media_type(), MediaType::IMAGE_MANIFEST);
        assert_eq!(Manifest::read(&raw).unwrap().blobs().count(), 1);
    }

    #[test]
    fn refuses_duplicate_keys_and_negative_sizes() {
        for json in [
            image(&descriptor("2"), r#","layers":[]"#),
            image(&descriptor("2"), r#","x":{"y":1,"\u0079":2}"#),
            image(&descriptor("-1"), ""),
            image(&descriptor("1.5"), ""),
            image(&descriptor("99999999999999999999"), ""),
            image(&descriptor("2"), "") + "x",
            "[]".into(),
            "{}".into(),
            "[".repeat(100_000),
        ] {
            assert!(
                matches!(
                    read(&json),
                    Err(crate::raw_manifest::ReadManifestError::Manifest(
                        ManifestError::Json { .. }
                    ))
                ),
                "{json:.80}"
            );
        }
    }

    #[test]
    fn types_must_agree() {
        let json = image(
            &descriptor("2"),
            &format!(r#","mediaType":"{}""#, MediaType::IMAGE_MANIFEST),
        );
        let bytes = Bytes::from(json);
        let index = MediaType::IMAGE_INDEX;
        let conflict = RawManifest::from_outside(bytes.clone(), Some(&index), None).unwrap_err();
        assert!(matches!(
            conflict,
            crate::raw_manifest::ReadManifestError::Manifest(
                ManifestError::MediaTypeConflict { .. }
            )
        ));
        let json = MediaType::from_static("application/json");
        assert!(RawManifest::from_outside(bytes, Some(&json), None).is_ok());
    }

    #[test]
    fn what_could_be_read_as_either_is_refused() {
        let listed = format!(r#","manifests":[{}]"#, descriptor("2"));
        let both = image(&descriptor("2"), &listed);
        let layers = format!(r#"{{"schemaVersion":2,"layers":[]{listed}}}"#);
        let nulls = image(&descriptor("2"), r#","manifests":null"#);
        for (json, is_refused) in [(&both, true), (&layers, true), (&nulls, false)] {
            for content_type in [
                None,
                Some(MediaType::IMAGE_MANIFEST),
                Some(MediaType::IMAGE_INDEX),
            ] {
                let bytes = Bytes::copy_from_slice(json.as_bytes());
                let read = RawManifest::from_outside(bytes, content_type.as_ref(), None);
                let as_index = content_type == Some(MediaType::IMAGE_INDEX);
                assert_eq!(
                    read.is_err(),
                    is_refused || as_index,
                    "{content_type:?} {json}"
                );
            }
        }
    }

    #[test]
    fn lists_are_no_objects() {
        let config = format!(r#"["a/b","{DIGEST}",2]"#);
        for json in [
            "[null,null]".to_owned(),
            "[]".to_owned(),
            image(&config, ""),
        ] {
            read(&json).unwrap_err();
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_few_words() {
        let json = image(&descriptor(&format!("\"{}\"", "A".repeat(3_000_000))), "");
        let error = read(&json).unwrap_err().to_string();
        assert!(error.len() < 300, "{} bytes", error.len());
        assert!(error.contains("line 1 column"), "{error}");

        let long = "x".repeat(1 << 20);
        let json = format!(r#"{{"schemaVersion":"\u001b[2J{long}"}}"#);
        let error = RawManifest::from_outside(json.into(), None, None).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("xxx") && said.len() < 1000, "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
    }

    #[test]
    fn null_lists_are_empty() {
        let raw = read(r#"{"schemaVersion":2,"manifests":null}"#).unwrap();
        assert_eq!(*raw.media_type(), MediaType::IMAGE_INDEX);
        assert!(Manifest::read(&raw).unwrap().children().is_empty());
    }

    #[test]
    fn a_wrong_digest_is_refused() {
        let json = Bytes::from(image(&descriptor("2"), ""));
        let wrong = DIGEST.parse().unwrap();
        assert!(RawManifest::from_outside(json, None, Some(&wrong)).is_err());
    }
}
