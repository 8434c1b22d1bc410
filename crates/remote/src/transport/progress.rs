//! How far the body of a request has come, and whom it waits for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use std::{io, task::ready};

use bytes::Bytes;
use eigenpack_oci::ByteStream;
use futures_util::{Stream, StreamExt as _};
use tokio::time::Instant;

/// The largest piece of a body that is sent before it counts as progress, in bytes.
const PIECE: usize = 64 * 1024;

/// What is known of the body of one request; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    pieces: AtomicU64,
    waits_for_content: AtomicBool,
    taken_at: Mutex<Option<Instant>>,
}

impl Progress {
    /// Tells whether the last byte was taken to be sent. It may not have left, so nobody knows whether it has arrived.
    pub(crate) fn is_all_taken(&self) -> bool {
        self.taken_at().is_some()
    }

    /// Returns how long ago the last byte was taken.
    pub(super) fn since_all_taken(&self) -> Option<Duration> {
        self.taken_at().map(|at| at.elapsed())
    }

    /// Tells whether it is the content that does not come; the network has nothing to send then.
    pub(super) fn waits_for_content(&self) -> bool {
        self.0.waits_for_content.load(Ordering::Relaxed)
    }

    /// Returns how many pieces were taken.
    pub(super) fn pieces(&self) -> u64 {
        self.0.pieces.load(Ordering::Relaxed)
    }

    /// Cuts what is sent into pieces and follows them, so that slow progress can be told from none.
    pub(super) fn follow(
        &self,
        stream: ByteStream,
        length: u64,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let progress = self.clone();
        progress.set_taken(length == 0);
        let mut left = length;
        let mut pieces = stream.flat_map(|item| {
            let pieces = match item {
                Err(error) => vec![Err(error)],
                Ok(bytes) => (0..bytes.len())
                    .step_by(PIECE)
                    .map(|at| Ok(bytes.slice(at..bytes.len().min(at + PIECE))))
                    .collect(),
            };
            futures_util::stream::iter(pieces)
        });
        futures_util::stream::poll_fn(move |context| {
            let waits = &progress.0.waits_for_content;
            waits.store(true, Ordering::Relaxed);
            let piece = ready!(pieces.poll_next_unpin(context));
            waits.store(false, Ordering::Relaxed);
            progress.0.pieces.fetch_add(1, Ordering::Relaxed);
            if let Some(Ok(bytes)) = &piece {
                left = left.saturating_sub(bytes.len() as u64);
                progress.set_taken(left == 0);
            }
            Poll::Ready(piece)
        })
    }

    fn set_taken(&self, is_taken: bool) {
        let taken_at = is_taken.then(Instant::now);
        *self
            .0
            .taken_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = taken_at;
    }

    fn taken_at(&self) -> Option<Instant> {
        *self
            .0
            .taken_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
