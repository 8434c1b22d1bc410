//! An OCI registry over HTTP as a content store.
//!
//! A [`RemoteRegistry`] is a connection to one registry: its host, its settings, its pooled connections and what was
//! learned of it. A [`RemoteRepository`] is one repository there, and a [`Source`](eigenpack_oci::Source) and
//! [`Target`](eigenpack_oci::Target). What is asked and what the answers mean is decided by
//! [`eigenpack_oci::distribution`]; here it is sent.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use eigenpack_oci::{Source as _, TagOrDigest};
//! use eigenpack_remote::{RemoteOptions, RemoteRegistry};
//!
//! let registry = RemoteRegistry::new("ghcr.io".parse()?, RemoteOptions::default())?;
//! let repository = registry.repository("org/my-avs".parse()?);
//! let manifest = repository.manifest(TagOrDigest::Tag("opset-0-v1".parse()?)).await?;
//! # Ok(())
//! # }
//! ```

mod account;
mod accounts;
mod answer;
mod authorization;
mod blobs;
mod cancel;
mod concurrency;
mod connection;
pub mod credentials;
mod deadline;
mod exchange;
mod manifests;
mod mask;
mod needs;
mod notices;
mod options;
mod outgoing;
mod proxy;
mod referrers;
mod registry;
mod repository;
mod request;
mod resumed;
mod sessions;
mod stored;
mod tags;
mod tokens;
mod transport;
mod uploads;

pub use options::{HostOptions, RemoteOptions};
pub use proxy::{ProxyOptions, ProxyUrl, ProxyUrlError, Route};
pub use registry::RemoteRegistry;
pub use repository::RemoteRepository;
pub use transport::{Authorities, ClientIdentity, TlsError, TlsOptions};
