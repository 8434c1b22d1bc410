//! Who a registry's repositories are used as: asked for once each, and again where that is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use eigenpack_oci::{RegistryHost, Repository};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::account::Account;
use crate::credentials::{CredentialError, CredentialProvider, Found};

/// Who a registry's repositories are used as, asked for once each.
///
/// Repositories may have credentials of their own, so tokens belong to an account and not to the registry: what one account
/// got is never sent for another.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    provider: Option<Arc<dyn CredentialProvider>>,
    by_repository: Mutex<HashMap<Option<Repository>, Slot>>,
    /// Those that are in use.
    all: Mutex<Vec<Weak<Account>>>,
}

/// Who was found, or why nobody was, and when.
type Slot = Arc<OnceCell<Result<Arc<Account>, (Instant, CredentialError)>>>;

impl Accounts {
    pub(crate) fn new(provider: Option<Arc<dyn CredentialProvider>>) -> Self {
        Self {
            provider,
            ..Self::default()
        }
    }

    /// Tells whether the registry has demanded credentials before.
    pub(crate) fn any(&self) -> bool {
        lock(&self.all).iter().any(|one| one.strong_count() > 0)
    }

    /// Returns the account of a repository. Those who ask for the same together wait for one search, and share its error with
    /// whoever wanted the account before that: later ones start another search.
    pub(crate) async fn find(
        &self,
        host: &RegistryHost,
        repository: Option<&Repository>,
        asked_for: Instant,
    ) -> Result<Arc<Account>, CredentialError> {
        let slot = {
            let mut slots = lock(&self.by_repository);
            let slot = slots.entry(repository.cloned()).or_default();
            if matches!(slot.get(), Some(Err((at, _))) if *at < asked_for) {
                *slot = Slot::default();
            }
            Arc::clone(slot)
        };
        let search = || async {
            let found = self.look_up(host, repository).await;
            found.map_err(|error| (Instant::now(), error))
        };
        let found = slot.get_or_init(search).await.clone();
        found.map_err(|(_, error)| error)
    }

    /// Returns the account of a repository after `refused` was refused, or `None` where that is still all there is.
    ///
    /// Passwords end: those of some clouds' registries within hours. So the provider is asked once more, one request at a
    /// time; its answer is for all who asked before it.
    pub(crate) async fn find_other(
        &self,
        host: &RegistryHost,
        repository: Option<&Repository>,
        refused: &Arc<Account>,
        asked_for: Instant,
    ) -> Result<Option<Arc<Account>>, CredentialError> {
        let Some(provider) = &self.provider else {
            return Ok(None);
        };
        let mut still_the_same = refused.still_the_same.lock().await;
        if still_the_same.is_some_and(|at| at >= asked_for) {
            return Ok(None);
        }
        let is_refused = |slot: &Slot| match slot.get() {
            Some(Ok(account)) => Arc::ptr_eq(account, refused),
            _ => false,
        };
        let is_news = {
            let mut slots = lock(&self.by_repository);
            let before = slots.len();
            slots.retain(|_, slot| !is_refused(slot));
            slots.len() < before
        };
        if is_news {
            provider.refused(host, refused.found());
        }
        let found = self.find(host, repository, asked_for).await?;
        let is_other = !Arc::ptr_eq(&found, refused);
        if !is_other {
            *still_the_same = Some(Instant::now());
        }
        Ok(is_other.then_some(found))
    }

    async fn look_up(
        &self,
        host: &RegistryHost,
        repository: Option<&Repository>,
    ) -> Result<Arc<Account>, CredentialError> {
        let found = match &self.provider {
            Some(provider) => provider.find(host, repository).await?,
            None => Found::nothing(),
        };
        tracing::debug!(%host, source = %found.source, "credentials");
        let mut all = lock(&self.all);
        // The same credential is the same account, for whichever repository it was found.
        let mut known = all.iter().filter_map(Weak::upgrade);
        if let Some(account) = known.find(|one| *one.found() == found.credential) {
            return Ok(account);
        }
        let account = Arc::new(Account::new(found));
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(&account));
        Ok(account)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
