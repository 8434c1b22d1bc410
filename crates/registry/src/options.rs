//! The limits of a server, and who is told of its answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use eigenpack_oci::MAX_MANIFEST_SIZE;

use crate::fault::Faults;
use crate::htpasswd::Htpasswd;
use crate::recorder::Recorder;
use crate::tls::TlsIdentity;

/// The longest time that counts; what is longer means this.
const MAX_TIME: Duration = Duration::from_hours(365 * 24);

/// What a server allows; the default suits one on loopback.
///
/// ```
/// use eigenpack_registry::ServerOptions;
/// let mut options = ServerOptions::default();
/// options.read_only = true;
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Refuses everything that would change the store. Default: no.
    pub read_only: bool,
    /// The largest manifest taken, in bytes; a larger one is answered with 413. Default: 4 MiB, which the specification
    /// asks for at least and which is the most that a local store keeps.
    pub max_manifest_size: u64,
    /// The largest blob taken, in bytes. Default: 64 GiB.
    pub max_upload_size: u64,
    /// The most uploads open at once; more are answered with 429. Default: 1024.
    pub max_open_uploads: usize,
    /// How long an upload may lie untouched before it is thrown away. Default: one hour.
    pub upload_expiry: Duration,
    /// The largest head of a request: its line and its headers, in bytes; at least 8192. Default: 32 KiB.
    pub max_header_size: usize,
    /// The longest path, as it stands in the request, in bytes; a longer one is answered with 414. Default: 8 KiB.
    pub max_path_size: usize,
    /// The longest query, likewise. Default: 8 KiB.
    pub max_query_size: usize,
    /// The most connections at once; more wait until one ends. Default: 1024.
    pub max_connections: usize,
    /// The longest time in which nothing moves on a connection, in either direction. Default: one minute.
    pub idle_timeout: Duration,
    /// The longest time that one request may take to arrive and be answered, and then the longest that a client may take
    /// to read the answer. Default: one hour.
    pub request_timeout: Duration,
    /// How long requests under way may go on after the server was told to stop. Default: ten seconds.
    pub stop_timeout: Duration,
    /// Who may use the server, by Basic authentication; everybody else is answered with 401. Default: everybody may.
    pub users: Option<Htpasswd>,
    /// Who the server is, for https. Default: it speaks http.
    pub tls: Option<TlsIdentity>,
    /// Who is told of each answer. Default: nobody.
    pub observer: Option<Observer>,
    /// What goes wrong on purpose. Default: nothing.
    pub faults: Option<Faults>,
    /// Who keeps what is asked, for tests. Default: nobody.
    pub recorder: Option<Recorder>,
}

/// Who is told of each answer; it is called while others wait, so it should not take long.
pub type Observer = Arc<dyn Fn(&Served) + Send + Sync>;

/// One request that was answered; a large content may still be on its way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Served {
    /// The method.
    pub method: String,
    /// The path and query as they came; nothing is removed from them, so they are not safe for a terminal.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// The time from the request's head to the answer's.
    pub elapsed: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            read_only: false,
            max_manifest_size: MAX_MANIFEST_SIZE,
            max_upload_size: 64 << 30,
            max_open_uploads: 1024,
            upload_expiry: Duration::from_hours(1),
            max_header_size: 32 * 1024,
            max_path_size: 8 * 1024,
            max_query_size: 8 * 1024,
            max_connections: 1024,
            idle_timeout: Duration::from_mins(1),
            request_timeout: Duration::from_hours(1),
            stop_timeout: Duration::from_secs(10),
            users: None,
            tls: None,
            observer: None,
            faults: None,
            recorder: None,
        }
    }
}

impl ServerOptions {
    /// Shortens the times that are too long to be added to the present one.
    pub(crate) fn bounded(mut self) -> Self {
        for time in [
            &mut self.upload_expiry,
            &mut self.idle_timeout,
            &mut self.request_timeout,
            &mut self.stop_timeout,
        ] {
            *time = MAX_TIME.min(*time);
        }
        self
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("read_only", &self.read_only)
            .field("max_manifest_size", &self.max_manifest_size)
            .field("max_upload_size", &self.max_upload_size)
            .field("max_open_uploads", &self.max_open_uploads)
            .field("max_connections", &self.max_connections)
            .field("users", &self.users)
            .field("tls", &self.tls)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
