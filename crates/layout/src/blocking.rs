//! The way from the runtime to threads that may block: every system call of this crate takes it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eigenpack_oci::AccessError;
use tokio::task::JoinError;

/// Runs `work` on a thread that may block.
///
/// Dropping the future does not stop the work: a step that has begun is finished.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<AccessError> + Send + 'static,
{
    begun(work).await
}

/// The same, but the work begins at once and not when somebody waits for it.
pub(crate) fn begun<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> impl Future<Output = Result<T, E>> + Send + 'static
where
    T: Send + 'static,
    E: From<AccessError> + Send + 'static,
{
    let work = tokio::task::spawn_blocking(work);
    async move { outcome(work.await) }
}

/// Runs several steps to their end, even if the future is dropped.
pub(crate) async fn to_the_end<T, E>(
    steps: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<AccessError> + Send + 'static,
{
    outcome(tokio::spawn(steps).await)
}

/// Tells work that may take long whether anybody waits for it still.
#[derive(Clone, Debug, Default)]
pub(crate) struct Abandoned(Arc<AtomicBool>);

impl Abandoned {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Ends the work where nobody waits for it, with an error that nobody sees.
    pub(crate) fn check(&self) -> Result<(), AccessError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        Ok(())
    }
}

/// Runs `work` on a thread that may block, and tells it when the future is dropped.
pub(crate) async fn while_wanted<T, E>(
    work: impl FnOnce(&Abandoned) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<AccessError> + Send + 'static,
{
    struct Waiter(Abandoned);
    impl Drop for Waiter {
        fn drop(&mut self) {
            self.0.set();
        }
    }
    let waiter = Waiter(Abandoned::default());
    let abandoned = waiter.0.clone();
    blocking(move || work(&abandoned)).await
}

/// Lets go of something whose end may block, such as a large file that is deleted: not on a thread of the runtime.
pub(crate) fn let_go<T: Send + 'static>(value: T) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(value))),
        Err(_) => drop(value),
    }
}

fn outcome<T, E: From<AccessError>>(joined: Result<Result<T, E>, JoinError>) -> Result<T, E> {
    match joined {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(stopped().into()),
        },
    }
}

/// What is said when the runtime shuts down under an operation.
pub(crate) fn stopped() -> AccessError {
    let reason = io::Error::new(io::ErrorKind::Interrupted, "the program is shutting down");
    cannot("finish the work on", Path::new("the store"))(reason)
}

/// Makes the error that says what was tried on which path.
pub(crate) fn cannot(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AccessError {
    move |source| AccessError::Io {
        action,
        path: path.display().to_string(),
        source,
    }
}

/// Makes the error that says why what is on disk cannot be used.
pub(crate) fn unusable(path: &Path, reason: impl Into<String>) -> AccessError {
    AccessError::Store {
        path: path.display().to_string(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn work_ends_when_nobody_waits_for_it() {
        let (sender, ended) = tokio::sync::oneshot::channel();
        let work = while_wanted(move |abandoned| -> Result<(), AccessError> {
            while abandoned.check().is_ok() {
                std::thread::yield_now();
            }
            sender.send(()).unwrap();
            Ok(())
        });
        let mut work = Box::pin(work);
        assert!((&mut work).now_or_never().is_none());
        drop(work);
        ended.await.unwrap();
    }
}
