//! The registries that a client speaks to, each over one pool of connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eigenpack_oci::{AccessError, Observer, RegistryHost};
use eigenpack_remote::{RemoteOptions, RemoteRegistry};

/// How registries are spoken to, and those that were. Clones share all of it.
#[derive(Clone)]
pub(crate) struct Registries {
    shared: Arc<Shared>,
}

struct Shared {
    options: RemoteOptions,
    known: Mutex<HashMap<RegistryHost, RemoteRegistry>>,
}

impl Registries {
    pub(crate) fn new(options: RemoteOptions) -> Self {
        let known = Mutex::default();
        Self {
            shared: Arc::new(Shared { options, known }),
        }
    }

    /// Returns who hears of progress and of warnings.
    pub(crate) fn observer(&self) -> &Arc<dyn Observer> {
        &self.shared.options.observer
    }

    /// Returns a registry, each time the same one.
    pub(crate) fn get(&self, host: &RegistryHost) -> Result<RemoteRegistry, AccessError> {
        let mut known = self.known();
        if let Some(registry) = known.get(host) {
            return Ok(registry.clone());
        }
        let registry = RemoteRegistry::new(host.clone(), self.shared.options.clone())?;
        known.insert(host.clone(), registry.clone());
        Ok(registry)
    }

    /// Cancels what is open because it was dropped, at every registry.
    pub(crate) async fn cancel_uploads(&self) {
        let registries: Vec<_> = self.known().values().cloned().collect();
        for registry in registries {
            registry.cancel_uploads().await;
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<RegistryHost, RemoteRegistry>> {
        let known = self.shared.known.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }
}
