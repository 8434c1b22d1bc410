//! The upload sessions that are open at a registry, so that those that are given up can be cancelled there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::Url;

use crate::needs::Needs;

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

    /// Takes out the sessions that were abandoned, to be ended.
    pub(crate) fn take_abandoned(&self) -> Vec<(Url, Needs)> {
        std::mem::take(&mut lock(&self.0).abandoned)
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
    pub(crate) fn take(&self) -> Option<(Url, Needs)> {
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

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
