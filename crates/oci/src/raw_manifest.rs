//! A manifest as its exact bytes: the only form in which one is stored or sent.

use bytes::Bytes;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::manifest::{self, ManifestError};
use crate::media_type::MediaType;
use crate::verifier::VerifyError;

/// The size up to which every store accepts a manifest, in bytes (distribution specification, "Pushing Manifests").
pub const MAX_MANIFEST_SIZE: u64 = 4 * 1024 * 1024;

/// The exact bytes of a manifest, with their media type and digest.
///
/// Nothing here is ever serialised again: fields that are not known, spacing and key order survive because the bytes do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawManifest {
    bytes: Bytes,
    media_type: MediaType,
    digest: Digest,
}

impl RawManifest {
    /// Takes bytes that were made here, and gives them their SHA-256 digest.
    pub fn new(media_type: MediaType, bytes: Bytes) -> Self {
        let digest = Digest::sha256(&bytes);
        Self {
            bytes,
            media_type,
            digest,
        }
    }

    /// Takes bytes that came from outside, and checks what can be checked.
    ///
    /// With `expected`, the bytes must have that digest; without, they get their SHA-256 digest. The body's `mediaType`
    /// and the `content_type` of the transport must agree where both are there (distribution specification, "Pulling
    /// manifests"); where neither is, the shape of the body decides between manifest and index. Duplicate keys and
    /// negative sizes are refused here, once, for everybody.
    pub fn from_outside(
        bytes: Bytes,
        content_type: Option<&MediaType>,
        expected: Option<&Digest>,
    ) -> Result<Self, ReadManifestError> {
        let digest = match expected {
            None => Digest::sha256(&bytes),
            Some(expected) => {
                let descriptor = Descriptor::new(
                    MediaType::OCTET_STREAM,
                    expected.clone(),
                    bytes.len() as u64,
                );
                crate::verifier::verify(&descriptor, &bytes)?;
                expected.clone()
            }
        };
        let media_type = manifest::media_type_of(&bytes, content_type)?;
        Ok(Self {
            bytes,
            media_type,
            digest,
        })
    }

    /// Returns the exact bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the media type.
    pub fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// Returns the digest of the bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns the descriptor that points to this manifest.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(
            self.media_type.clone(),
            self.digest.clone(),
            self.bytes.len() as u64,
        )
    }
}

/// Why bytes from outside are not the manifest that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadManifestError {
    /// They do not have the digest that was asked for.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// They are not a well-formed manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl From<ReadManifestError> for crate::error::FetchError {
    fn from(error: ReadManifestError) -> Self {
        match error {
            ReadManifestError::Verify(error) => Self::Verify(error),
            ReadManifestError::Manifest(error) => Self::Manifest(error),
        }
    }
}
