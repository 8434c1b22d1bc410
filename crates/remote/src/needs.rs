//! What a request needs to be allowed to do.

use eigenpack_oci::distribution::{Scope, ScopeSet};
use eigenpack_oci::{Action, Repository};

/// What a request does to which repository, and what else its operation will do.
#[derive(Clone, Debug)]
pub(crate) struct Needs {
    /// The repository; none for the registry itself.
    pub(crate) repository: Option<Repository>,
    pub(crate) action: Action,
    /// What a token must allow for the whole operation.
    pub(crate) scopes: ScopeSet,
    /// Other repositories of the same registry that the operation uses, and what it does there.
    pub(crate) beside: Vec<(Repository, ScopeSet)>,
}

impl Needs {
    /// Makes the needs of a request to the registry itself.
    pub(crate) fn registry() -> Self {
        Self {
            repository: None,
            action: Action::Pull,
            scopes: ScopeSet::default(),
            beside: Vec::new(),
        }
    }

    /// Returns what of a scope that a token lacks is needed here: registries demand more than one request takes.
    pub(crate) fn lacking(&self, demanded: &ScopeSet) -> String {
        let own = self.repository.as_ref().map(|repository| {
            let action = self.action.as_str();
            ScopeSet::from(Scope::parse(&format!("repository:{repository}:{action}")))
        });
        match own {
            Some(own) if demanded.covers(&own) => own.to_string(),
            _ => demanded.to_string(),
        }
    }
}
