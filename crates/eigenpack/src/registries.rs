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
    /// By the [canonical](RegistryHost::canonical) forms of hosts.
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

    /// Returns a registry: the same one however its host is spelled, since tokens and limits are the registry's.
    ///
    /// It goes by the spelling that came first, in messages too.
    pub(crate) fn get(&self, host: &RegistryHost) -> Result<RemoteRegistry, AccessError> {
        let mut known = self.known();
        let canonical = host.canonical();
        if let Some(registry) = known.get(&canonical) {
            return Ok(registry.clone());
        }
        let registry = RemoteRegistry::new(host.clone(), self.shared.options.clone())?;
        known.insert(canonical, registry.clone());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_one_however_its_host_is_spelled() {
        let registries = Registries::new(RemoteOptions::default());
        let get = |host: &str| registries.get(&host.parse().unwrap()).unwrap();
        for spellings in [
            ["GHCR.io", "ghcr.io", "Ghcr.IO"],
            ["docker.io", "index.docker.io", "Docker.io"],
            ["LOCALHOST:5000", "localhost:5000", "Localhost:5000"],
        ] {
            let registries = spellings.map(get);
            for registry in &registries {
                // There is one name of it for each connection pool.
                assert!(std::ptr::eq(registry.host(), registries[0].host()));
                assert_eq!(registry.host().as_str(), spellings[0]);
            }
        }
        assert_ne!(get("localhost:5000").host(), get("localhost").host());
    }
}
