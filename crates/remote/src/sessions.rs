//! The upload sessions that are open at a registry, so that those that are given up can be cancelled there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use url::Url;

use crate::deadline::Deadline;
use crate::exchange::Request;
use crate::needs::Needs;
use crate::registry::Connection;
use crate::transport::Method;

/// The longest time that cancelling an upload may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most uploads that are kept to be cancelled; registries forget the rest in time.
const MOST_ABANDONED: usize = 256;

/// Where the sessions are, and what it needs to be allowed to end them.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    named: u64,
    under_way: HashMap<u64, (Url, Needs)>,
    abandoned: Vec<(Url, Needs)>,
}

/// The session of one upload. Dropped while there is one, it is abandoned.
#[derive(Debug)]
pub(crate) struct OpenSession {
    sessions: Arc<Mutex<Open>>,
    name: u64,
    needs: Needs,
}

impl Sessions {
    /// Makes room for the session of an upload.
    pub(crate) fn track(&self, needs: Needs) -> OpenSession {
        let mut open = lock(&self.0);
        open.named += 1;
        OpenSession {
            sessions: Arc::clone(&self.0),
            name: open.named,
            needs,
        }
    }
}

impl OpenSession {
    /// Takes where the session is now, if there is one.
    pub(crate) fn is_at(&self, url: Option<&Url>) {
        let mut open = lock(&self.sessions);
        match url {
            Some(url) => {
                let session = (url.clone(), self.needs.clone());
                open.under_way.insert(self.name, session);
            }
            None => drop(open.under_way.remove(&self.name)),
        }
    }

    /// Takes the session out, to be ended.
    fn take(&self) -> Option<(Url, Needs)> {
        lock(&self.sessions).under_way.remove(&self.name)
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        let mut open = lock(&self.sessions);
        let session = open.under_way.remove(&self.name);
        if open.abandoned.len() < MOST_ABANDONED {
            open.abandoned.extend(session);
        }
    }
}

impl Connection {
    /// Cancels an upload where one is open.
    pub(crate) async fn cancel(&self, session: &OpenSession) {
        if let Some((url, needs)) = session.take() {
            self.cancel_at(url, needs).await;
        }
    }

    /// Cancels the uploads that nobody goes on with.
    pub(crate) async fn cancel_abandoned(&self) {
        let abandoned = std::mem::take(&mut lock(&self.sessions.0).abandoned);
        let cancels = abandoned
            .into_iter()
            .map(|(url, needs)| self.cancel_at(url, needs));
        futures_util::future::join_all(cancels).await;
    }

    async fn cancel_at(&self, url: Url, needs: Needs) {
        let request = Request::new(Method::DELETE, url, needs).sent_once();
        let answer = self.exchange(&request, Deadline::after(PATIENCE)).await;
        tracing::debug!(
            status = answer.ok().map(|answer| answer.status),
            "cancelled an upload"
        );
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
