//! The check of content against its descriptor, as it streams by.

use std::cmp::Ordering;

use crate::algorithm::{Algorithm, Hasher};
use crate::descriptor::Descriptor;
use crate::digest::Digest;

/// Checks streamed content against an expected size and digest.
///
/// The size is checked first and while bytes arrive, so that content that is too long is refused before it is kept
/// (image specification, `descriptor.md`, "Verification"). Nothing is verified before [`finish`](Self::finish) says so.
#[derive(Clone, Debug)]
pub struct Verifier {
    expected: Digest,
    size: u64,
    seen: u64,
    hasher: Hasher,
}

/// Why content is not what its descriptor says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// More bytes came than the descriptor says.
    #[error("{digest} should have {expected} bytes, but there are more")]
    TooLong {
        /// The digest of the content that was expected.
        digest: Digest,
        /// The size expected, in bytes.
        expected: u64,
    },
    /// The content ended early.
    #[error("{digest} should have {expected} bytes, but there are only {found}")]
    TooShort {
        /// The digest of the content that was expected.
        digest: Digest,
        /// The size expected, in bytes.
        expected: u64,
        /// The bytes there were.
        found: u64,
    },
    /// The content has another digest.
    #[error("the content's digest is {found}, not {expected}")]
    WrongDigest {
        /// The digest expected.
        expected: Digest,
        /// The digest of what was there.
        found: Digest,
    },
    /// The digest's algorithm is not known here, so nothing can be verified against it.
    #[error("content cannot be verified by {algorithm}: only sha256 and sha512 are known")]
    UnknownAlgorithm {
        /// The algorithm.
        algorithm: Algorithm,
    },
}

impl Verifier {
    /// Starts the check of the content that `descriptor` points to.
    pub fn new(descriptor: &Descriptor) -> Result<Self, VerifyError> {
        let algorithm = descriptor.digest.algorithm();
        let hasher = algorithm
            .hasher()
            .ok_or_else(|| VerifyError::UnknownAlgorithm {
                algorithm: algorithm.clone(),
            })?;
        Ok(Self {
            expected: descriptor.digest.clone(),
            size: descriptor.size,
            seen: 0,
            hasher,
        })
    }

    /// Takes the next bytes; fails as soon as there are more than expected.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        if self.seen > self.size {
            return Err(VerifyError::TooLong {
                digest: self.expected.clone(),
                expected: self.size,
            });
        }
        self.hasher.update(bytes);
        Ok(())
    }

    /// Returns how many bytes were taken so far.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Ends the check: the content was complete and is what was expected, or it is an error.
    pub fn finish(self) -> Result<(), VerifyError> {
        if self.seen < self.size {
            return Err(VerifyError::TooShort {
                digest: self.expected,
                expected: self.size,
                found: self.seen,
            });
        }
        let found = self.hasher.finish();
        if found == self.expected {
            Ok(())
        } else {
            Err(VerifyError::WrongDigest {
                expected: self.expected,
                found,
            })
        }
    }
}

/// Checks the size of content before any of it is read.
pub fn verify_size(descriptor: &Descriptor, found: u64) -> Result<(), VerifyError> {
    let digest = descriptor.digest.clone();
    let expected = descriptor.size;
    match found.cmp(&expected) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(VerifyError::TooLong { digest, expected }),
        Ordering::Less => Err(VerifyError::TooShort {
            digest,
            expected,
            found,
        }),
    }
}

/// Checks content that is whole in memory.
pub fn verify(descriptor: &Descriptor, content: &[u8]) -> Result<(), VerifyError> {
    let mut verifier = Verifier::new(descriptor)?;
    verifier.update(content)?;
    verifier.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_type::MediaType;
    use proptest::prelude::*;

    #[test]
    fn tells_the_ways_of_being_wrong_apart() {
        let good = Descriptor::of(MediaType::EMPTY, b"{}");
        assert_eq!(verify(&good, b"{}"), Ok(()));
        assert!(matches!(
            verify(&good, b"{} "),
            Err(VerifyError::TooLong { expected: 2, .. })
        ));
        assert!(matches!(
            verify(&good, b"{"),
            Err(VerifyError::TooShort { found: 1, .. })
        ));
        assert!(matches!(
            verify(&good, b"[]"),
            Err(VerifyError::WrongDigest { .. })
        ));
        let unknown = Descriptor::new(MediaType::EMPTY, "blake3:ab".parse().unwrap(), 2);
        assert!(matches!(
            verify(&unknown, b"{}"),
            Err(VerifyError::UnknownAlgorithm { .. })
        ));
    }

    proptest! {
        #[test]
        fn a_changed_bit_is_always_seen(content in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let descriptor = Descriptor::of(MediaType::OCTET_STREAM, &content);
            let mut changed = content.clone();
            changed[at.index(content.len())] ^= 1 << bit;
            prop_assert!(verify(&descriptor, &content).is_ok());
            prop_assert!(verify(&descriptor, &changed).is_err());
        }

        #[test]
        fn pieces_do_not_matter(content in prop::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
            let descriptor = Descriptor::of(MediaType::OCTET_STREAM, &content);
            let (head, tail) = content.split_at(cut.index(content.len() + 1));
            let mut verifier = Verifier::new(&descriptor).unwrap();
            verifier.update(head).unwrap();
            verifier.update(tail).unwrap();
            prop_assert!(verifier.finish().is_ok());
        }
    }
}
