//! Who a registry's repositories are used as, asked for once each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eigenpack_oci::{RegistryHost, Repository};
use tokio::sync::OnceCell;

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
    all: Mutex<Vec<Arc<Account>>>,
}

type Slot = Arc<OnceCell<Arc<Account>>>;

impl Accounts {
    pub(crate) fn new(provider: Option<Arc<dyn CredentialProvider>>) -> Self {
        Self {
            provider,
            ..Self::default()
        }
    }

    /// Tells whether the registry has demanded credentials before.
    pub(crate) fn any(&self) -> bool {
        !lock(&self.all).is_empty()
    }

    /// Returns the account of a repository. Those who ask for the same together wait for one search.
    pub(crate) async fn find(
        &self,
        host: &RegistryHost,
        repository: Option<&Repository>,
    ) -> Result<Arc<Account>, CredentialError> {
        let slot = Arc::clone(
            lock(&self.by_repository)
                .entry(repository.cloned())
                .or_default(),
        );
        let account = slot.get_or_try_init(|| self.look_up(host, repository));
        Ok(Arc::clone(account.await?))
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
        let same = all.iter().find(|a| *a.found() == found.credential);
        if let Some(account) = same {
            return Ok(Arc::clone(account));
        }
        let account = Arc::new(Account::new(found));
        all.push(Arc::clone(&account));
        Ok(account)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
