//! An OCI registry as a library: the distribution API over HTTP, on any store.
//!
//! A [`RegistryStore`] keeps many repositories; there is one in memory, [`MemoryRegistry`], and the local store on disk,
//! [`LocalStore`], is one. A [`Server`] answers for it on a socket, within the limits of its
//! [`ServerOptions`], until it is told to stop.
//!
//! ```no_run
//! use eigenpack_registry::{MemoryRegistry, Server, ServerOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let address = "127.0.0.1:0".parse()?;
//! let server = Server::bind(address, MemoryRegistry::new(), ServerOptions::default()).await?;
//! println!("http://{}", server.local_addr());
//! server.serve(std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! What is served is the [distribution specification], with what its main branch adds to 1.1: cancelled uploads,
//! `digest-algorithm`, tags set by a push by digest. Beyond it there are `_catalog`, and `If-None-Match` and `If-Match` on
//! the push of a tag, checked under the store's lock.
//!
//! [distribution specification]: https://github.com/opencontainers/distribution-spec/blob/main/spec.md

mod authentication;
mod blobs;
mod catalog;
pub mod fault;
mod guard;
mod htpasswd;
mod idle;
mod local;
mod manifests;
mod memory;
mod options;
mod pulse;
mod range;
mod recorder;
mod refusal;
mod request;
mod respond;
mod router;
mod server;
mod sessions;
mod store;
mod tls;
mod uploads;

pub use eigenpack_layout::{LocalStore, StoredBlob};

pub use htpasswd::{Htpasswd, HtpasswdError};
pub use memory::{MemoryRegistry, MemoryUpload};
pub use options::{Observer, Served, ServerOptions};
pub use recorder::{Exchange, Recorder};
pub use server::Server;
pub use store::{RegistryStore, UploadSession};
pub use tls::{TlsIdentity, TlsIdentityError};
