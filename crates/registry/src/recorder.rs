//! What a server was asked, and what it answered, for tests of clients.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::HeaderMap;
use hyper::{Method, Uri};

use crate::fault::Endpoint;

/// Keeps every request that a server is asked, in the order in which their heads came. Clones share everything.
///
/// It is for tests, which count what a client does: it keeps headers, credentials among them, and it grows until it is
/// cleared.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    entries: Vec<Arc<Entry>>,
    /// The trip of the latest request that was answered.
    answered: usize,
    /// How many connections were taken.
    accepted: usize,
}

/// A request under way.
pub(crate) struct Entry {
    connection: usize,
    trip: usize,
    endpoint: Endpoint,
    method: Method,
    target: Uri,
    headers: HeaderMap,
    /// 0 as long as there is none.
    status: AtomicU16,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// One request and its answer, as far as they had come when the recorder was asked.
#[derive(Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// The connection that it came on, from 0.
    pub connection: usize,
    /// One more than that of the latest request whose answer had begun before this one came: how many times the client
    /// had to wait for the network, this time included.
    pub trip: usize,
    /// What it is for.
    pub endpoint: Endpoint,
    /// The method.
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// The query as it came.
    pub query: Option<String>,
    /// The status of the answer; none where the connection broke before it.
    pub status: Option<u16>,
    /// How many bytes of the request's body have arrived.
    pub bytes_in: u64,
    /// How many bytes of the answer's body were sent.
    pub bytes_out: u64,
    headers: HeaderMap,
}

impl Recorder {
    /// Makes a recorder, to be set in [`ServerOptions::recorder`](crate::ServerOptions::recorder).
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was recorded so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let log = self.lock();
        log.entries.iter().map(|entry| entry.exchange()).collect()
    }

    /// Returns the [`summary`](Exchange::summary) of each request.
    pub fn summaries(&self) -> Vec<String> {
        self.exchanges().iter().map(Exchange::summary).collect()
    }

    /// Returns how many trips on the network all requests took.
    pub fn trips(&self) -> usize {
        let trips = self.exchanges().iter().map(|one| one.trip).max();
        trips.unwrap_or_default()
    }

    /// Returns on how many connections the requests came.
    pub fn connections(&self) -> usize {
        let exchanges = self.exchanges();
        let connections: BTreeSet<_> = exchanges.iter().map(|one| one.connection).collect();
        connections.len()
    }

    /// Returns how many connections were opened, those without any request included.
    pub fn accepted(&self) -> usize {
        self.lock().accepted
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.lock() = Log::default();
    }

    pub(crate) fn accepts(&self) {
        self.lock().accepted += 1;
    }

    pub(crate) fn came(
        &self,
        connection: usize,
        endpoint: Endpoint,
        request: &hyper::Request<impl Sized>,
    ) -> Arc<Entry> {
        let mut log = self.lock();
        let entry = Arc::new(Entry {
            connection,
            trip: log.answered + 1,
            endpoint,
            method: request.method().clone(),
            target: request.uri().clone(),
            headers: request.headers().clone(),
            status: AtomicU16::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
        });
        log.entries.push(entry.clone());
        entry
    }

    pub(crate) fn answered(&self, entry: &Entry, status: u16) {
        entry.status.store(status, Ordering::Relaxed);
        let mut log = self.lock();
        log.answered = log.answered.max(entry.trip);
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn exchange(&self) -> Exchange {
        let status = self.status.load(Ordering::Relaxed);
        Exchange {
            connection: self.connection,
            trip: self.trip,
            endpoint: self.endpoint,
            method: self.method.to_string(),
            path: self.target.path().to_owned(),
            query: self.target.query().map(str::to_owned),
            status: (status != 0).then_some(status),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            headers: self.headers.clone(),
        }
    }
}

impl Exchange {
    /// Returns a header of the request that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Renders the request as `POST upload-start ?mount&from`: the method, what it is for, and the names in its query.
    pub fn summary(&self) -> String {
        let (method, endpoint) = (&self.method, self.endpoint);
        let pairs = self.query.iter().flat_map(|query| query.split('&'));
        let names: Vec<_> = pairs.filter_map(|pair| pair.split('=').next()).collect();
        if names.is_empty() {
            format!("{method} {endpoint}")
        } else {
            format!("{method} {endpoint} ?{}", names.join("&"))
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.exchanges()).finish()
    }
}

/// Without the headers, which may hold credentials.
impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            connection, trip, ..
        } = self;
        write!(f, "{} -> {:?}", self.summary(), self.status)?;
        write!(f, " (connection {connection}, trip {trip}, ")?;
        write!(f, "{} in, {} out)", self.bytes_in, self.bytes_out)
    }
}
