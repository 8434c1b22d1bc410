//! Digest algorithms and the hash states that compute them.

use std::fmt;

use sha2::{Digest as _, Sha256, Sha512};

use crate::digest::Digest;

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
