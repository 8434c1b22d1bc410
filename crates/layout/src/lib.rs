//! Content stores on disk: one OCI image layout, or a local store of many repositories.
//!
//! [`LayoutStore`] is a directory as the image specification's `image-layout.md` describes it, readable by any OCI tool.
//! [`LocalStore`] holds many of them that share their blobs. Both are written so that what was acknowledged is on disk,
//! a process that dies at any point leaves nothing broken behind, and processes that write at the same time do not lose
//! each other's changes. Everything that is read is verified.
//!
//! What was read lately is held in memory, in at most 16 MiB a store, and given out as long as its files did not change
//! since: one look at each file tells, whoever changed it.
//!
//! All other file system work is done on threads that may block, so the methods need a Tokio runtime.
//!
//! ```
//! use eigenpack_layout::LocalStore;
//! use eigenpack_oci::{Content, Descriptor, MediaType, Pushed, Source as _, Target as _};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("store");
//! let store = LocalStore::create_or_open(path).await?;
//! let repository = store.repository(&"org/my-avs".parse()?);
//! let blob = Descriptor::of(MediaType::EMPTY, b"{}");
//! let content = Content::Bytes("{}".into());
//! assert_eq!(repository.push_blob(blob.clone(), content).await?, Pushed::Uploaded);
//! assert!(repository.has_blob(blob).await?);
//! # Ok(())
//! # }
//! ```

mod age;
mod blob_dir;
mod blob_store;
mod blobs;
mod blocking;
mod commit;
mod content;
mod directories;
mod durable;
mod early_sync;
mod file_cache;
mod files;
mod gc;
mod hot;
mod incoming;
mod index;
mod intact;
mod json_object;
mod layout_dir;
mod local_store;
mod lock;
mod partial;
mod pool;
mod receive;
mod referrers;
mod reuse;
mod steps;
mod store;
mod store_dir;

pub use blobs::StoredBlob;
pub use gc::{Collected, CollectedBlob, FailedBlob, GcOptions, UnreadableRepository};
pub use hot::MemoryHits;
pub use incoming::IncomingBlob;
pub use local_store::{LocalRepository, LocalStore};
pub use store::LayoutStore;
