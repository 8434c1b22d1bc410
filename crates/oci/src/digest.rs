//! Content digests, in the OCI form and in the form the chain shows them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::algorithm::Algorithm;

/// The longest digest accepted, in bytes. The longest registered one (SHA-512) has 135.
pub(crate) const MAX_LENGTH: usize = 255;

/// The digest of some content: an algorithm and its encoded hash.
///
/// The grammar is that of the image specification's `descriptor.md`, section "Digests". A value of this type is
/// always well formed, so it may be used in a path or a URL as it stands.
///
/// ```
/// use eigenpack_oci::Digest;
/// let digest: Digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".parse()?;
/// assert_eq!(digest, Digest::sha256(b"{}"));
/// # Ok::<(), eigenpack_oci::DigestError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    text: Box<str>,
}

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// There is no colon between an algorithm and an encoded part.
    #[error("a digest is ALGORITHM:HEX, for example sha256: and 64 hexadecimal characters")]
    NoAlgorithm,
    /// The algorithm's name is not well formed.
    #[error("the algorithm before the colon is not well formed")]
    BadAlgorithm,
    /// The encoded part holds a character that is not allowed; upper-case hexadecimal is not.
    #[error("a {algorithm} digest is written in lower-case hexadecimal")]
    BadCharacter {
        /// The algorithm named.
        algorithm: Algorithm,
    },
    /// The encoded part has the wrong length for its algorithm.
    #[error("a {algorithm} digest has {expected} characters after the colon, this one has {found}")]
    BadLength {
        /// The algorithm named.
        algorithm: Algorithm,
        /// How many characters it takes.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The whole is longer than any digest.
    #[error("a digest has at most {MAX_LENGTH} characters")]
    TooLong,
}

impl Digest {
    /// Computes the SHA-256 digest of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self::from_hash(Algorithm::Sha256, &sha2::Sha256::digest(bytes))
    }

    /// Makes the SHA-256 digest whose hash is `bytes`: the `bytes32` of a contract.
    pub fn from_bytes32(bytes: &[u8; 32]) -> Self {
        Self::from_hash(Algorithm::Sha256, bytes)
    }

    /// Parses `0x` and 64 hexadecimal characters, the form in which the chain shows a SHA-256 digest.
    ///
    /// Upper-case hexadecimal is accepted here, since explorers differ; the digest is the same.
    pub fn parse_bytes32(text: &str) -> Result<Self, DigestError> {
        let bad = || DigestError::BadCharacter {
            algorithm: Algorithm::Sha256,
        };
        let hex = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .ok_or_else(bad)?;
        if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        format!("sha256:{}", hex.to_ascii_lowercase()).parse()
    }

    pub(crate) fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Self {
        let mut text = String::with_capacity(8 + hash.len() * 2);
        text.push_str(algorithm.as_str());
        text.push(':');
        for byte in hash {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 0xf), 16).unwrap_or('0'));
        }
        Self {
            algorithm,
            text: text.into(),
        }
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> &Algorithm {
        &self.algorithm
    }

    /// Returns the part after the colon.
    pub fn encoded(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }

    /// Returns the whole digest as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the digest as a contract's `bytes32`: `0x` and 64 hexadecimal characters.
    ///
    /// Only a SHA-256 digest fits; for others the answer is `None`.
    pub fn bytes32(&self) -> Option<String> {
        (self.algorithm == Algorithm::Sha256).then(|| format!("0x{}", self.encoded()))
    }

    /// Returns the first 12 characters of the encoded part, for file names and narrow displays.
    pub fn short(&self) -> &str {
        let encoded = self.encoded();
        &encoded[..encoded.len().min(12)]
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        if text.len() > MAX_LENGTH {
            return Err(DigestError::TooLong);
        }
        let (name, encoded) = text.split_once(':').ok_or(DigestError::NoAlgorithm)?;
        let algorithm: Algorithm = name.parse()?;
        let expected = match algorithm {
            Algorithm::Sha256 => Some(64),
            Algorithm::Sha512 => Some(128),
            Algorithm::Unknown(_) => None,
        };
        let well_formed = match expected {
            Some(_) => encoded
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            None => {
                !encoded.is_empty()
                    && encoded
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-'))
            }
        };
        if !well_formed {
            return Err(DigestError::BadCharacter { algorithm });
        }
        match expected {
            Some(expected) if encoded.len() != expected => Err(DigestError::BadLength {
                algorithm,
                expected,
                found: encoded.len(),
            }),
            _ => Ok(Self {
                algorithm,
                text: text.into(),
            }),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn hashes_as_the_standard_says() {
        assert_eq!(Digest::sha256(b"").as_str(), EMPTY);
        let mut hasher = Algorithm::Sha512.hasher().unwrap();
        hasher.update(b"ab");
        hasher.update(b"c");
        assert!(
            hasher
                .finish()
                .as_str()
                .starts_with("sha512:ddaf35a193617abacc417349ae204131")
        );
    }

    #[test]
    fn says_what_is_wrong() {
        let wrong = |text: &str| text.parse::<Digest>().unwrap_err();
        assert_eq!(wrong("abc"), DigestError::NoAlgorithm);
        assert_eq!(wrong("SHA256:ab"), DigestError::BadAlgorithm);
        assert_eq!(wrong("sha256+:ab"), DigestError::BadAlgorithm);
        assert!(matches!(
            wrong("sha256:abc123"),
            DigestError::BadLength {
                expected: 64,
                found: 6,
                ..
            }
        ));
        assert!(matches!(
            wrong(&EMPTY.replace("e3", "E3")),
            DigestError::BadCharacter { .. }
        ));
        assert_eq!(wrong(&"a".repeat(300)), DigestError::TooLong);
    }

    #[test]
    fn keeps_algorithms_that_cannot_be_verified() {
        let digest: Digest = "blake3+x.y:AZaz09=_-".parse().unwrap();
        assert!(digest.algorithm().hasher().is_none());
        assert_eq!(digest.bytes32(), None);
        assert_eq!(digest.encoded(), "AZaz09=_-");
    }

    proptest! {
        #[test]
        fn bytes32_and_text_agree(hash in any::<[u8; 32]>()) {
            let digest = Digest::from_bytes32(&hash);
            let chain = digest.bytes32().unwrap();
            prop_assert_eq!(&Digest::parse_bytes32(&chain).unwrap(), &digest);
            prop_assert_eq!(&Digest::parse_bytes32(&chain.to_uppercase()).unwrap(), &digest);
            prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        }

        #[test]
        fn what_parses_prints_the_same(text in "[a-z0-9+._:-]{0,80}|\\PC{0,40}") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
            }
        }
    }
}
