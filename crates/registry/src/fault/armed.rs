//! A plan in force.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Barrier;

use super::plan::{Fault, FaultPlan};
use super::requests::{Requests, Seen};

/// A plan in force, with how many requests each rule has counted. Clones share everything.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Armed>>>);

/// A rule in force.
struct Armed {
    requests: Requests,
    /// How many requests it was for.
    count: u64,
    effect: Effect,
}

/// What a rule that is due does.
#[derive(Clone)]
pub(super) enum Effect {
    /// It waits for others.
    Gather(Arc<Barrier>),
    /// It is a fault.
    Fault(Arc<Fault>),
}

impl Faults {
    /// Puts a plan in force.
    pub fn new(plan: FaultPlan) -> Self {
        let faults = Self::default();
        faults.replace(plan);
        faults
    }

    /// Puts another plan in the place of this one; its rules count from the beginning.
    pub fn replace(&self, plan: FaultPlan) {
        let rules = plan.rules.into_iter().map(|rule| Armed {
            requests: rule.requests,
            count: 0,
            effect: match rule.fault {
                Fault::Gather(count) => Effect::Gather(Arc::new(Barrier::new(count.get()))),
                fault => Effect::Fault(Arc::new(fault)),
            },
        });
        *self.lock() = rules.collect();
    }

    /// Counts a request, and returns what is due for it.
    pub(super) fn due(&self, seen: &Seen) -> Vec<Effect> {
        let mut rules = self.lock();
        let matching = rules.iter_mut().filter(|rule| rule.requests.matches(seen));
        let due = matching.filter_map(|rule| {
            rule.count += 1;
            let is_due = rule.requests.which().is_due(rule.count);
            is_due.then(|| rule.effect.clone())
        });
        due.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<FaultPlan> for Faults {
    fn from(plan: FaultPlan) -> Self {
        Self::new(plan)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.lock();
        let rules = rules.iter().map(|rule| (&rule.requests, rule.count));
        f.debug_list().entries(rules).finish()
    }
}
