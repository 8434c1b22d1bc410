//! How many requests one registry is asked at once, over all operations.
//!
//! An upload may be fed by a download from the same registry, so it waits for its own permits first and for those of the
//! download then. No download waits for an upload, and uploads never hold all permits: some transfer can always go on.

use std::sync::Arc;

use eigenpack_oci::distribution::MAX_SINGLE_POST;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The permits that large transfers leave, so that what is small does not wait for them.
const FOR_SMALL: usize = 2;

/// The requests that are in flight at one registry.
#[derive(Debug)]
pub(crate) struct Concurrency {
    all: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
}

/// What a request moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Little, all of which is in memory when it is sent.
    Small,
    /// Content that is large, or still to be read from somewhere.
    Upload,
    /// A large blob, which is read as fast as somebody takes it.
    Download,
}

/// A request may be in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _any: Option<OwnedSemaphorePermit>,
    _large: Option<OwnedSemaphorePermit>,
}

/// Tells whether so many bytes are sent or read at once, and keep nobody waiting.
pub(crate) fn is_small(bytes: u64) -> bool {
    bytes <= MAX_SINGLE_POST
}

impl Concurrency {
    /// Allows so many requests at once; at least two, an upload and the download that feeds it.
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.clamp(2, Semaphore::MAX_PERMITS);
        let large = ((limit - FOR_SMALL) / 2).max(1);
        Self {
            all: Arc::new(Semaphore::new(limit)),
            uploads: Arc::new(Semaphore::new(large)),
            downloads: Arc::new(Semaphore::new(large)),
        }
    }

    /// Waits until another request may be sent. Who came first goes first.
    pub(crate) async fn permit(&self, load: Load) -> Permit {
        let large = match load {
            Load::Small => None,
            Load::Upload => acquire(&self.uploads).await,
            Load::Download => acquire(&self.downloads).await,
        };
        Permit {
            _any: acquire(&self.all).await,
            _large: large,
        }
    }
}

/// Waits for a permit; there is none only where the semaphore was closed, which it never is.
async fn acquire(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(semaphore).acquire_owned().await.ok()
}
