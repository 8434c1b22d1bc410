//! What is known of a registry from the answers that it gave.

/// The size of a chunk where a registry refuses larger requests, in bytes; the smallest limit known is just this.
pub(super) const SMALL_CHUNK: u64 = 4 << 20;

/// The size of a chunk where a registry throws an upload away once its content breaks off, in bytes.
pub(super) const CAREFUL_CHUNK: u64 = 16 << 20;

/// What was learned of a registry from its answers; good for every upload to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a registry does or does not, and all combinations exist"
)]
pub struct HostKnowledge {
    /// It does not take a blob in a single POST.
    pub refuses_single_post: bool,
    /// It does not mount: it answers with an error, or starts an upload of what it has.
    pub refuses_mounts: bool,
    /// It has mounted a blob, so where it starts an upload instead, the blob is not where it was to be mounted from.
    pub mounts: bool,
    /// It does not take a large blob in one request, only in chunks.
    pub demands_chunks: bool,
    /// It does not take chunks.
    pub refuses_chunks: bool,
    /// It throws an upload away once its content breaks off, so that all of it must be sent again.
    pub forgets_broken_uploads: bool,
}

impl HostKnowledge {
    /// Adds what another upload learned.
    pub fn add(&mut self, learned: Self) {
        self.refuses_single_post |= learned.refuses_single_post;
        self.refuses_mounts |= learned.refuses_mounts;
        self.mounts |= learned.mounts;
        self.demands_chunks |= learned.demands_chunks;
        self.refuses_chunks |= learned.refuses_chunks;
        self.forgets_broken_uploads |= learned.forgets_broken_uploads;
    }

    /// Returns the size of a chunk, where content is to be sent in chunks.
    pub(super) fn chunk(self) -> Option<u64> {
        if self.refuses_chunks {
            None
        } else if self.demands_chunks {
            Some(SMALL_CHUNK)
        } else {
            self.forgets_broken_uploads.then_some(CAREFUL_CHUNK)
        }
    }
}
