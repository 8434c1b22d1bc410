//! Publish EigenRuntime specifications as OCI artifacts, and pull exactly what was published.
//!
//! ```no_run
//! use eigenpack::{Client, PushOptions, Reference};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().docker_credentials().build();
//! let reference: Reference = "ghcr.io/org/my-avs:opset-0-v1".parse()?;
//!
//! let spec = std::fs::read("runtime-spec.yaml")?;
//! let published = client.push(spec, &reference, PushOptions::default()).await?;
//! println!("{}", published.artifact.manifest.digest());
//!
//! let pulled = client.pull(&reference).await?;
//! assert_eq!(pulled.digest(), published.artifact.manifest.digest());
//! # Ok(())
//! # }
//! ```
//!
//! References name registries (`HOST/REPO:TAG`), the local store (`REPO:TAG`, see [`ClientBuilder::store`]) and OCI image
//! layouts (`oci:PATH:TAG`). The rules of specs are in [`spec`]; whoever needs a store of their own implements
//! [`Source`](oci::Source) and [`Target`](oci::Target) and calls [`publish`] and [`pull`] on it.

mod builder;
mod cached;
mod client;
mod clock;
mod copy;
mod fetch;
mod local;
mod places;
mod push;
mod registries;
mod store;
mod tag;
mod tag_rule;

pub use eigenpack_layout::{Collected, CollectedBlob, FailedBlob, GcOptions, UnreadableRepository};
pub use eigenpack_oci as oci;
pub use eigenpack_oci::{
    Digest, DigestError, Location, Reference, ReferenceError, RegistryHost, Repository, Tag,
    TagStatus,
};
pub use eigenpack_remote::{
    Authorities, ClientIdentity, HostOptions, ProxyOptions, ProxyUrl, ProxyUrlError, RemoteOptions,
    Route, TlsError, TlsOptions, credentials,
};
pub use eigenruntime::{
    ArtifactManifest, BuildError, CREATED_ANNOTATION, Created, CreatedError, Difference,
    PublishError, Published, PullError, PulledArtifact, publish, pull, spec,
};

pub use builder::ClientBuilder;
pub use client::Client;
pub use copy::{Copy, CopyError};
pub use fetch::{ConfigBlob, FetchConfigError, ReadError, TagsError};
pub use push::{Prepared, PushError, PushOptions};
pub use store::AnyStore;
pub use tag::{TagError, Tagged};
