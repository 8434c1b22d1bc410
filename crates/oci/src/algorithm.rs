//! Digest algorithms and the hash states that compute them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256, Sha512};

use crate::digest::{self, Digest, DigestError};

/// A digest algorithm: the part of a digest before the colon.
///
/// Follows the image specification's `descriptor.md`, section "Registered Algorithms". Algorithms that are
/// well formed but not known here parse, so that a manifest naming one can be stored and copied; nothing can
/// be verified against them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256: 64 lower-case hexadecimal characters.
    Sha256,
    /// SHA-512: 128 lower-case hexadecimal characters.
    Sha512,
    /// A well-formed algorithm that cannot be verified here.
    Unknown(Box<str>),
}

impl Algorithm {
    /// Returns the name as it stands in a digest.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Unknown(name) => name,
        }
    }

    /// Returns a fresh hash state, or `None` where the algorithm is not known.
    pub fn hasher(&self) -> Option<Hasher> {
        match self {
            Self::Sha256 => Some(Hasher::Sha256(Sha256::new())),
            Self::Sha512 => Some(Hasher::Sha512(Box::new(Sha512::new()))),
            Self::Unknown(_) => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    /// Parses the name of an algorithm: `component *([+._-] component)`, a component being `[a-z0-9]+`.
    fn from_str(name: &str) -> Result<Self, DigestError> {
        let is_component = |component: &str| {
            let mut bytes = component.bytes();
            !component.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        match name {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ if name.len() > digest::MAX_LENGTH => Err(DigestError::TooLong),
            _ if name.split(['+', '.', '_', '-']).all(is_component) => {
                Ok(Self::Unknown(name.into()))
            }
            _ => Err(DigestError::BadAlgorithm),
        }
    }
}

/// The running state of a hash over content that arrives in pieces.
#[derive(Clone, Debug)]
pub enum Hasher {
    /// A SHA-256 state.
    Sha256(Sha256),
    /// A SHA-512 state; boxed, since it is the larger and the rarer one.
    Sha512(Box<Sha512>),
}

impl Hasher {
    /// Adds bytes to the hashed content.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
        }
    }

    /// Returns the digest of everything added.
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(state) => Digest::from_hash(Algorithm::Sha256, &state.finalize()),
            Self::Sha512(state) => Digest::from_hash(Algorithm::Sha512, &state.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_as_they_print() {
        for name in ["sha256", "sha512", "blake3", "a+b.c_d-e1"] {
            let algorithm: Algorithm = name.parse().unwrap();
            assert_eq!(algorithm.as_str(), name);
            assert_eq!(algorithm.hasher().is_some(), name.starts_with("sha"));
        }
        for name in ["", "SHA256", "a+", "a++b", "a:b", "é"] {
            let error = name.parse::<Algorithm>().unwrap_err();
            assert_eq!(error, DigestError::BadAlgorithm, "{name}");
        }
        let long = "a".repeat(300).parse::<Algorithm>();
        assert_eq!(long, Err(DigestError::TooLong));
    }
}
