//! What a registry says beside its answers: warnings, and how often it may still be asked.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use eigenpack_oci::distribution::{MAX_WARNING_SIZE, RateLimit, parse_warnings};
use eigenpack_oci::{Event, Observer, RegistryHost};

use crate::transport::Response;

/// What a registry has said already: each thing is told once.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    warnings: BTreeSet<String>,
    /// The size of all warnings, in bytes: a registry that always has another one is not listened to for ever.
    size: usize,
    rate_limit: bool,
}

impl Notices {
    /// Passes on what is new in an answer.
    pub(crate) fn hear(&self, host: &RegistryHost, response: &Response, observer: &dyn Observer) {
        let headers = response.text_of("warning");
        let warnings = parse_warnings(headers.iter().map(AsRef::as_ref));
        for text in warnings {
            let text = &*response.mask().hide(&text);
            if self.is_new(text) {
                observer.event(Event::Warning { host, text });
            }
        }
        let [limit, remaining] = ["ratelimit-limit", "ratelimit-remaining"]
            .map(|name| response.text_of(name).into_iter().next());
        if let Some(limit) = limit.and_then(|limit| RateLimit::read(&limit, remaining.as_deref()))
            && !std::mem::replace(&mut self.told().rate_limit, true)
        {
            tracing::debug!(%host, "the registry limits requests: {limit}");
        }
    }

    fn is_new(&self, warning: &str) -> bool {
        let mut told = self.told();
        let size = told.size + warning.len();
        if size > MAX_WARNING_SIZE || !told.warnings.insert(warning.to_owned()) {
            return false;
        }
        told.size = size;
        true
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
