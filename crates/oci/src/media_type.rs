//! Media types, and the ones that the OCI specifications define.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A media type without parameters, `type/subtype` as RFC 6838 section 4.2 restricts it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaType(Cow<'static, str>);

/// A text that is not a media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a media type is TYPE/SUBTYPE, each of 1 to 127 letters, digits and !#$&-^_.+")]
pub struct MediaTypeError;

impl MediaType {
    /// An OCI image manifest.
    pub const IMAGE_MANIFEST: Self =
        Self(Cow::Borrowed("application/vnd.oci.image.manifest.v1+json"));
    /// An OCI image index.
    pub const IMAGE_INDEX: Self = Self(Cow::Borrowed("application/vnd.oci.image.index.v1+json"));
    /// Docker's image manifest, version 2 schema 2.
    pub const DOCKER_MANIFEST: Self = Self(Cow::Borrowed(
        "application/vnd.docker.distribution.manifest.v2+json",
    ));
    /// Docker's manifest list.
    pub const DOCKER_MANIFEST_LIST: Self = Self(Cow::Borrowed(
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ));
    /// The empty descriptor's `{}`.
    pub const EMPTY: Self = Self(Cow::Borrowed("application/vnd.oci.empty.v1+json"));
    /// Bytes of no stated type.
    pub const OCTET_STREAM: Self = Self(Cow::Borrowed("application/octet-stream"));

    /// Every manifest type that a reader offers in `Accept`.
    pub const MANIFESTS: [Self; 4] = [
        Self::IMAGE_MANIFEST,
        Self::IMAGE_INDEX,
        Self::DOCKER_MANIFEST,
        Self::DOCKER_MANIFEST_LIST,
    ];

    /// Makes a media type from a constant.
    ///
    /// # Panics
    ///
    /// Panics if the text is not a media type; in a constant, it does not compile.
    pub const fn from_static(text: &'static str) -> Self {
        assert!(is_well_formed(text.as_bytes()), "this is not a media type");
        Self(Cow::Borrowed(text))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether this is an OCI image index or Docker's manifest list.
    pub fn is_index(&self) -> bool {
        *self == Self::IMAGE_INDEX || *self == Self::DOCKER_MANIFEST_LIST
    }

    /// Tells whether this is a manifest or an index of either family.
    pub fn is_manifest(&self) -> bool {
        Self::MANIFESTS.contains(self)
    }

    /// Reads a `Content-Type` header, leaving its parameters out (distribution specification, "Pulling manifests").
    ///
    /// Upper case means the same there (RFC 9110, section 8.3.1).
    pub fn from_content_type(header: &str) -> Result<Self, MediaTypeError> {
        let media_type = header.split(';').next().unwrap_or_default();
        media_type.trim().to_ascii_lowercase().parse()
    }
}

impl FromStr for MediaType {
    type Err = MediaTypeError;

    fn from_str(text: &str) -> Result<Self, MediaTypeError> {
        if is_well_formed(text.as_bytes()) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(MediaTypeError)
        }
    }
}

/// The longest name of a type or a subtype, in bytes.
const MAX_NAME: usize = 127;

/// Tells whether this is two restricted names with a slash between them. It is checked while constants are compiled, hence the
/// loop.
const fn is_well_formed(text: &[u8]) -> bool {
    let (mut position, mut start, mut slashes) = (0, 0, 0);
    while position < text.len() {
        let byte = text[position];
        if byte == b'/' {
            if position == start {
                return false;
            }
            slashes += 1;
            start = position + 1;
        } else {
            let is_first = position == start;
            let is_allowed = byte.is_ascii_alphanumeric()
                || !is_first
                    && matches!(
                        byte,
                        b'!' | b'#' | b'$' | b'&' | b'-' | b'^' | b'_' | b'.' | b'+'
                    );
            if !is_allowed || position - start >= MAX_NAME {
                return false;
            }
        }
        position += 1;
    }
    slashes == 1 && start < text.len()
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_is_well_formed() {
        let others = [MediaType::EMPTY, MediaType::OCTET_STREAM];
        for constant in MediaType::MANIFESTS.iter().chain(&others) {
            assert_eq!(constant.as_str().parse().as_ref(), Ok(constant));
        }
    }

    #[test]
    fn leaves_parameters_out_of_a_header() {
        let read = MediaType::from_content_type("Text/YAML; charset=utf-8").unwrap();
        assert_eq!(read.as_str(), "text/yaml");
    }

    #[test]
    fn refuses_what_is_no_media_type() {
        for text in [
            "",
            "text",
            "text/",
            "/yaml",
            "te xt/yaml",
            "text/ya\nml",
            "text/a;b=c",
            "-a/b",
            "a/b/c",
            "a//b",
        ] {
            assert_eq!(text.parse::<MediaType>(), Err(MediaTypeError), "{text:?}");
        }
        let name = "a".repeat(MAX_NAME);
        assert!(format!("{name}/{name}").parse::<MediaType>().is_ok());
        assert!(format!("{name}a/b").parse::<MediaType>().is_err());
        assert!(format!("a/{name}b").parse::<MediaType>().is_err());
    }
}
