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

    /// Makes a media type from a constant that is known to be well formed.
    pub const fn from_static(text: &'static str) -> Self {
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
    pub fn from_content_type(header: &str) -> Result<Self, MediaTypeError> {
        header.split(';').next().unwrap_or_default().trim().parse()
    }
}

impl FromStr for MediaType {
    type Err = MediaTypeError;

    fn from_str(text: &str) -> Result<Self, MediaTypeError> {
        let (main, sub) = text.split_once('/').ok_or(MediaTypeError)?;
        if is_restricted_name(main) && is_restricted_name(sub) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(MediaTypeError)
        }
    }
}

fn is_restricted_name(name: &str) -> bool {
    name.len() <= 127
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
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
        for constant in MediaType::MANIFESTS.iter().chain([&MediaType::EMPTY]) {
            assert_eq!(
                constant.as_str().parse::<MediaType>().as_ref(),
                Ok(constant)
            );
        }
    }

    #[test]
    fn leaves_parameters_out_of_a_header() {
        let read = MediaType::from_content_type("text/yaml; charset=utf-8").unwrap();
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
        ] {
            assert_eq!(text.parse::<MediaType>(), Err(MediaTypeError), "{text:?}");
        }
    }
}
