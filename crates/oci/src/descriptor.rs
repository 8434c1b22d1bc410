//! Descriptors: the typed pointers that hold manifests and blobs together.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use crate::digest::Digest;
use crate::media_type::MediaType;
use crate::strict_json::Object;

/// Annotations: text to text, in key order.
pub type Annotations = BTreeMap<String, String>;

/// A pointer to content: its media type, its digest and its size in bytes.
///
/// Follows the image specification's `descriptor.md`. Fields that are not known are ignored here and survive in the
/// [`RawManifest`](crate::RawManifest) that holds them. A negative size does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Object<ReadDescriptor>")]
pub struct Descriptor {
    /// The type of the content.
    pub media_type: MediaType,
    /// The digest of the content.
    pub digest: Digest,
    /// The size of the content in bytes.
    pub size: u64,
    /// The type of the artifact, where the content is a manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// Annotations, empty where there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Annotations,
    /// The content itself, embedded; not to be trusted before it is verified like any other content.
    #[serde(with = "embedded", skip_serializing_if = "Option::is_none")]
    pub data: Option<Bytes>,
}

/// A descriptor as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadDescriptor {
    media_type: MediaType,
    digest: Digest,
    size: u64,
    #[serde(default)]
    artifact_type: Option<MediaType>,
    #[serde(default, deserialize_with = "null_as_default")]
    annotations: Annotations,
    #[serde(default, with = "embedded")]
    data: Option<Bytes>,
}

impl From<Object<ReadDescriptor>> for Descriptor {
    fn from(Object(read): Object<ReadDescriptor>) -> Self {
        Self {
            media_type: read.media_type,
            digest: read.digest,
            size: read.size,
            artifact_type: read.artifact_type,
            annotations: read.annotations,
            data: read.data,
        }
    }
}

impl Descriptor {
    /// Makes the descriptor of `content`, with its SHA-256 digest.
    pub fn of(media_type: MediaType, content: &[u8]) -> Self {
        Self::new(media_type, Digest::sha256(content), content.len() as u64)
    }

    /// Makes a descriptor without annotations.
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            artifact_type: None,
            annotations: Annotations::new(),
            data: None,
        }
    }
}

/// Reads `null` as an absent value: Go programs write it for empty maps and lists.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Standard base64 with padding, RFC 4648 section 4.
mod embedded {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(
        clippy::ref_option,
        reason = "serde calls it with a reference to the field"
    )]
    pub(super) fn serialize<S: Serializer>(
        data: &Option<Bytes>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match data {
            Some(bytes) => serializer.serialize_str(&BASE64_STANDARD.encode(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Bytes>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let bytes = BASE64_STANDARD
            .decode(text)
            .map_err(serde::de::Error::custom)?;
        Ok(Some(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn read(rest: &str) -> serde_json::Result<Descriptor> {
        let json = format!(r#"{{"mediaType":"a/b","digest":"{DIGEST}","size":2{rest}}}"#);
        serde_json::from_str(&json)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut descriptor = Descriptor::of(MediaType::EMPTY, b"{}");
        descriptor.artifact_type = Some(MediaType::OCTET_STREAM);
        descriptor.annotations.insert("k".into(), "v".into());
        descriptor.data = Some(Bytes::from_static(b"{}"));
        let json = serde_json::to_string(&descriptor).unwrap();
        assert!(json.contains(r#""data":"e30=""#), "{json}");
        assert_eq!(
            serde_json::from_str::<Descriptor>(&json).unwrap(),
            descriptor
        );
    }

    #[test]
    fn what_is_absent_may_be_null() {
        let plain = read("").unwrap();
        assert_eq!(
            plain,
            Descriptor::new("a/b".parse().unwrap(), DIGEST.parse().unwrap(), 2)
        );
        let nulls = r#","artifactType":null,"annotations":null,"data":null,"urls":["x"]"#;
        assert_eq!(read(nulls).unwrap(), plain);
    }

    #[test]
    fn a_list_of_its_fields_is_no_descriptor() {
        let list = format!(r#"["a/b","{DIGEST}",2,null,{{}},null]"#);
        serde_json::from_str::<Descriptor>(&list).unwrap_err();
        read(r#","data":"not base64""#).unwrap_err();
    }
}
