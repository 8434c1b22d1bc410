//! The end of an operation, and the pauses between its attempts.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eigenpack_oci::distribution::{Failure, RetryPolicy};
use tokio::time::Instant;

/// The moment at which an operation must have ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        let now = Instant::now();
        // A timeout beyond what the clock can hold is a day: nothing here takes longer.
        let day = Duration::from_hours(24);
        Self(now.checked_add(timeout).unwrap_or_else(|| now + day))
    }

    pub(crate) fn instant(self) -> Instant {
        self.0
    }

    fn leaves(self, pause: Duration) -> bool {
        self.0.saturating_duration_since(Instant::now()) > pause
    }
}

/// The retries of one request or of one transfer.
#[derive(Debug)]
pub(crate) struct Retries {
    policy: RetryPolicy,
    deadline: Deadline,
    made: u32,
    /// How far the transfer had come when its breaks began to be counted.
    position: u64,
    /// Whether there was a silence since.
    silent: bool,
}

impl Retries {
    pub(crate) fn new(policy: &RetryPolicy, deadline: Deadline) -> Self {
        Self {
            policy: policy.clone(),
            deadline,
            made: 0,
            position: 0,
            silent: false,
        }
    }

    /// Takes how far the transfer is. Enough progress is a fresh start: a network that breaks now and then is no dead one.
    pub(crate) fn reached(&mut self, position: u64) {
        if position.saturating_sub(self.position) >= self.policy.min_progress {
            self.position = position;
            self.made = 0;
            self.silent = false;
        }
    }

    /// Waits before another attempt, or returns `false` where there is to be none.
    ///
    /// A pause that would outlast the deadline is not begun: the failure at hand says more than a timeout would. A second
    /// silence without progress is the last, because each is long.
    pub(crate) async fn again(&mut self, failure: Failure<'_>) -> bool {
        if failure == Failure::Silent && std::mem::replace(&mut self.silent, true) {
            return false;
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        match self.policy.pause(self.made, failure, now, random()) {
            Some(pause) if self.deadline.leaves(pause) => {
                self.made += 1;
                let status = match failure {
                    Failure::Status { status, .. } => Some(status),
                    Failure::Broken | Failure::Silent => None,
                };
                tracing::debug!(status, ?pause, "trying again");
                tokio::time::sleep(pause).await;
                true
            }
            _ => false,
        }
    }
}

/// Returns a random number: jitter needs no better source than the seeds of the standard library's maps.
fn random() -> u32 {
    let hash = RandomState::new().build_hasher().finish();
    u32::try_from(hash >> 32).unwrap_or_default()
}
