//! The OCI image and distribution specifications as types, and the traits that content moves through.
//!
//! This crate is pure: it opens no file and no socket, asks no clock and reads no environment. Every rule of the
//! specifications is here, so that each can be tested without any of those.
//!
//! ```
//! use eigenpack_oci::{Descriptor, Digest, MediaType, Reference, verify};
//!
//! let reference: Reference = "ghcr.io/org/my-avs:opset-0-v1".parse()?;
//! assert_eq!(reference.selector.tag.unwrap().as_str(), "opset-0-v1");
//!
//! let descriptor = Descriptor::of(MediaType::EMPTY, b"{}");
//! assert_eq!(descriptor.digest, Digest::sha256(b"{}"));
//! verify(&descriptor, b"{}")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod asked;
mod content;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod copy;
mod deceptive;
mod descriptor;
mod digest;
pub mod distribution;
mod error;
mod manifest;
mod media_type;
mod memory;
mod observer;
mod raw_manifest;
mod reference;
mod referrer;
mod secret;
pub mod strict_json;
mod tag_status;
mod verifier;

pub use algorithm::{Algorithm, Hasher};
pub use asked::{Action, AnsweredBy, Asked, UsedCredentials};
pub use content::{
    BlobStream, ByteStream, Content, Precondition, Pushed, Reopen, Source, Target, fetch_blob,
    fetch_observed_blob, verified,
};
pub use copy::{Copied, CopyError, CopyOptions, copy};
pub use deceptive::is_deceptive;
pub use descriptor::{Annotations, Descriptor};
pub use digest::{Digest, DigestError};
pub use error::{AccessError, FetchError, NetworkErrorKind, PushError, RegistryAnswer};
pub use manifest::{ImageIndex, ImageManifest, Manifest, ManifestError};
pub use media_type::{MediaType, MediaTypeError};
pub use memory::MemoryStore;
pub use observer::{Event, Observer, Silent, observed};
pub use raw_manifest::{MAX_MANIFEST_SIZE, RawManifest, ReadManifestError};
pub use reference::{
    Location, NameError, NameErrorKind, Reference, ReferenceError, ReferenceErrorKind,
    RegistryHost, Repository, Selector, Tag, TagOrDigest,
};
pub use referrer::referrer;
pub use secret::Secret;
pub use tag_status::{CurrentTag, Immovable, TagStatus};
pub use verifier::{Verifier, VerifyError, verify, verify_size};
