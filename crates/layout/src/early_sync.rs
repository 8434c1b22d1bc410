//! The way of a large file to the disk while more of it arrives, so that little is left to wait for at its end.

use std::fmt;

use eigenpack_oci::AccessError;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tempfile::NamedTempFile;

use crate::blocking::{begun, cannot};

/// How much is written before it is sent on to the disk, in bytes. With more, the disk is idle for longer at the start, and
/// what is left at the end takes longer.
const STEP: u64 = 8 * 1024 * 1024;

/// What is on its way to the disk.
///
/// The system tells only once that it could not write, so each result counts: a file is on disk where every step and a
/// last sync of the whole have succeeded.
#[derive(Default)]
pub(crate) struct EarlySync {
    /// How much had been written when the last step began, in bytes.
    begun_at: u64,
    running: Option<BoxFuture<'static, Result<(), AccessError>>>,
}

impl EarlySync {
    /// Takes note that `size` bytes have been written, and begins a step where it is time and none is under way.
    pub(crate) fn written(&mut self, file: &NamedTempFile, size: u64) -> Result<(), AccessError> {
        if size - self.begun_at < STEP {
            return Ok(());
        }
        if let Some(running) = &mut self.running {
            let Some(done) = running.now_or_never() else {
                return Ok(());
            };
            self.running = None;
            done?;
        }
        let path = file.path().to_owned();
        let file = file.as_file().try_clone();
        let file = file.map_err(cannot("write", &path))?;
        let step = begun(move || file.sync_data().map_err(cannot("write", &path)));
        self.running = Some(Box::pin(step));
        self.begun_at = size;
        Ok(())
    }

    /// Waits for the step that is under way.
    pub(crate) async fn finish(&mut self) -> Result<(), AccessError> {
        match self.running.take() {
            Some(step) => step.await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for EarlySync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EarlySync")
            .field("begun_at", &self.begun_at)
            .field("running", &self.running.is_some())
            .finish()
    }
}
