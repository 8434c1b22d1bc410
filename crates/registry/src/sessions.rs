//! The uploads that are open.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eigenpack_oci::Repository;
use eigenpack_oci::distribution::{ErrorCode, SessionId};
use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::pulse::Pulse;
use crate::refusal::Refusal;
use crate::store::UploadSession;

/// How long a request may bring nothing when another one wants to go on with the same upload: longer than packets that
/// were lost take to come again.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the question how far an upload is waits for the request that adds to it: one that broke ends just then.
const MOMENT: Duration = Duration::from_millis(250);

/// The open uploads of a server, by the names in their URLs.
pub(crate) struct Sessions<U> {
    open: Mutex<HashMap<SessionId, Arc<Session<U>>>>,
    room: Arc<Semaphore>,
    expiry: Duration,
}

/// One upload.
pub(crate) struct Session<U> {
    repository: Repository,
    /// What has arrived; one request at a time adds to it. `None` once it was closed.
    pub(crate) upload: tokio::sync::Mutex<Option<U>>,
    /// How much of it had arrived when that was known last.
    arrived: AtomicU64,
    /// Beats when somebody asks for the session.
    asked: Pulse,
    /// Beats when content comes.
    content: Arc<Pulse>,
    superseded: Notify,
    cancelled: watch::Sender<bool>,
    _room: OwnedSemaphorePermit,
}

impl<U> Sessions<U> {
    pub(crate) fn new(most: usize, expiry: Duration) -> Self {
        Self {
            open: Mutex::default(),
            room: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            expiry,
        }
    }

    /// Makes room for one more upload.
    pub(crate) fn room(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        self.expire();
        self.room.clone().try_acquire_owned().map_err(|_| {
            let message = "too many uploads are open";
            let code = ErrorCode::TooManyRequests;
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, message).header(RETRY_AFTER, "1")
        })
    }

    /// Opens a session, and returns its name.
    pub(crate) fn open(
        &self,
        repository: &Repository,
        upload: U,
        room: OwnedSemaphorePermit,
    ) -> Result<SessionId, Refusal> {
        let id = unguessable()?;
        let session = Session {
            repository: repository.clone(),
            upload: tokio::sync::Mutex::new(Some(upload)),
            arrived: AtomicU64::new(0),
            asked: Pulse::default(),
            content: Arc::default(),
            superseded: Notify::new(),
            cancelled: watch::Sender::default(),
            _room: room,
        };
        self.lock().insert(id.clone(), Arc::new(session));
        Ok(id)
    }

    /// Finds a session of a repository.
    pub(crate) fn find(
        &self,
        repository: &Repository,
        id: &SessionId,
    ) -> Result<Arc<Session<U>>, Refusal> {
        let found = self.lock().get(id).cloned();
        let session = found
            .filter(|session| session.repository == *repository)
            .ok_or_else(unknown)?;
        session.asked.beat();
        Ok(session)
    }

    /// Forgets a session and ends what is being done with it.
    pub(crate) fn cancel(&self, id: &SessionId) {
        let removed = self.lock().remove(id);
        if let Some(session) = removed {
            session.cancelled.send_replace(true);
        }
    }

    /// Forgets a session, and tells whether there was one: who closes or cancels an upload is the one who forgot it.
    pub(crate) fn remove(&self, id: &SessionId) -> bool {
        // What has arrived is thrown away once others can go on.
        let removed = self.lock().remove(id);
        removed.is_some()
    }

    /// Throws away the uploads that nobody has touched for too long.
    pub(crate) fn expire(&self) {
        let expiry = self.expiry;
        // One whose content is just arriving is in use, however slowly.
        let is_over = |session: &mut Arc<Session<U>>| {
            Arc::strong_count(session) == 1 && session.idle() > expiry
        };
        // What has arrived is thrown away once others can go on.
        let expired: Vec<_> = self
            .lock()
            .extract_if(|_, session| is_over(session))
            .collect();
        drop(expired);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Session<U>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<U> Session<U> {
    /// Waits for the request that adds to the upload, and for no longer than it brings something: what is left of a broken
    /// connection can hold on for long, and its client is back already.
    pub(crate) async fn hold(&self) -> tokio::sync::MutexGuard<'_, Option<U>> {
        loop {
            let rest = PATIENCE.saturating_sub(self.content.silence());
            if let Ok(held) = timeout(rest.max(MOMENT), self.upload.lock()).await {
                self.content.beat();
                return held;
            }
            if self.content.silence() >= PATIENCE {
                self.superseded.notify_waiters();
            }
        }
    }

    /// Returns how much has arrived. A request that adds to the upload is waited for a moment only, and goes on.
    pub(crate) async fn size(&self) -> Result<u64, Refusal>
    where
        U: UploadSession,
    {
        match timeout(MOMENT, self.upload.lock()).await {
            Ok(held) => Ok(held.as_ref().ok_or_else(unknown)?.size().await?),
            Err(_) => Ok(self.arrived.load(Ordering::Relaxed)),
        }
    }

    /// Takes how much has arrived.
    pub(crate) fn has(&self, size: u64) {
        self.arrived.store(size, Ordering::Relaxed);
        self.content.beat();
    }

    /// Returns what is to beat when content comes.
    pub(crate) fn content(&self) -> &Arc<Pulse> {
        &self.content
    }

    /// Waits until another request wants to go on with the upload, and this one brings nothing.
    pub(crate) async fn superseded(&self) {
        self.superseded.notified().await;
    }

    /// Waits until the upload was cancelled.
    pub(crate) async fn cancelled(&self) {
        // The sender is part of this.
        drop(self.cancelled.subscribe().wait_for(|is| *is).await);
    }

    /// Returns for how long nobody used the session.
    fn idle(&self) -> Duration {
        self.asked.silence().min(self.content.silence())
    }
}

/// Makes a name that cannot be guessed: a random UUID (RFC 9562, section 5.4).
fn unguessable() -> Result<SessionId, Refusal> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    let random = u128::from_be_bytes(random);
    let name = format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        random >> 96,
        random >> 80 & 0xffff,
        random >> 64 & 0xfff,
        random >> 48 & 0x3fff | 0x8000,
        random & 0xffff_ffff_ffff
    );
    Ok(name.parse()?)
}

/// The answer where there is no such upload, or none any more.
pub(crate) fn unknown() -> Refusal {
    Refusal::missing(ErrorCode::BlobUploadUnknown, "there is no such upload")
}

#[cfg(test)]
mod tests {
    use std::sync::{Weak, mpsc};

    use super::*;

    #[test]
    fn names_differ_and_sessions_end() {
        let sessions = Sessions::new(2, Duration::ZERO);
        let repository: Repository = "a/b".parse().unwrap();
        let open = || {
            let room = sessions.room().unwrap();
            sessions.open(&repository, (), room).unwrap()
        };
        let (one, two) = (open(), unguessable().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 36);
        let other = "other".parse().unwrap();
        assert!(sessions.find(&other, &one).is_err());
        let in_use = sessions.find(&repository, &one).unwrap();
        sessions.expire();
        assert!(sessions.find(&repository, &one).is_ok());
        let rest = sessions.room().unwrap();
        assert!(sessions.room().is_err(), "there is room for two");
        drop((in_use, rest));
        std::thread::sleep(Duration::from_millis(1));
        sessions.expire();
        assert!(sessions.find(&repository, &one).is_err());
    }

    /// An upload that says whether others had to wait while it was thrown away.
    struct Watched {
        sessions: Weak<Sessions<Watched>>,
        was_locked: mpsc::Sender<bool>,
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            let sessions = self.sessions.upgrade().unwrap();
            let was_locked = sessions.open.try_lock().is_err();
            self.was_locked.send(was_locked).unwrap();
        }
    }

    #[test]
    fn nobody_waits_for_uploads_to_be_thrown_away() {
        let sessions = Arc::new(Sessions::new(2, Duration::ZERO));
        let repository: Repository = "a/b".parse().unwrap();
        let (was_locked, seen) = mpsc::channel();
        let open = || {
            let upload = Watched {
                sessions: Arc::downgrade(&sessions),
                was_locked: was_locked.clone(),
            };
            let room = sessions.room().unwrap();
            sessions.open(&repository, upload, room).unwrap()
        };
        assert!(sessions.remove(&open()));
        assert!(!seen.try_recv().unwrap());
        open();
        std::thread::sleep(Duration::from_millis(1));
        sessions.expire();
        assert!(!seen.try_recv().unwrap());
    }
}
