//! How a registry is reached.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use eigenpack_oci::distribution::RetryPolicy;
use eigenpack_oci::{MAX_MANIFEST_SIZE, Observer, RegistryHost, Silent};

use crate::credentials::CredentialProvider;
use crate::proxy::ProxyOptions;
use crate::transport::TlsOptions;

/// How a registry is reached; the default suits a registry on the internet, and one on loopback.
///
/// ```
/// use eigenpack_remote::RemoteOptions;
/// let mut options = RemoteOptions::default();
/// options.plain_http = true;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// Reaches the registry over plain http, whatever its host. Loopback hosts are unless
    /// [`TlsOptions::on_loopback`] is set.
    pub plain_http: bool,
    /// Token services that a registry over plain http may name, though they too are reached over plain http. The registry
    /// itself may, and so may loopback where the registry is there.
    pub plain_http_hosts: BTreeSet<RegistryHost>,
    /// Who is asked for credentials once the registry has demanded some; without anybody it is asked anonymously.
    pub credentials: Option<Arc<dyn CredentialProvider>>,
    /// Whom we trust over TLS, and what we show of ourselves.
    pub tls: TlsOptions,
    /// The proxies that lead to registries.
    pub proxy: ProxyOptions,
    /// Who hears of the warnings that the registry sends.
    pub observer: Arc<dyn Observer>,
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// The longest time that a connection may take to stand.
    pub connect_timeout: Duration,
    /// The longest time in which nothing moves, in either direction.
    pub idle_timeout: Duration,
    /// The longest time that one operation may take, retries and their pauses included.
    pub operation_timeout: Duration,
    /// When a request that is safe to repeat is repeated.
    pub retry: RetryPolicy,
    /// The largest manifest read, in bytes.
    pub max_manifest_size: u64,
    /// The most redirects followed for one request.
    pub max_redirects: u32,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            plain_http: false,
            plain_http_hosts: BTreeSet::new(),
            credentials: None,
            tls: TlsOptions::default(),
            proxy: ProxyOptions::default(),
            observer: Arc::new(Silent),
            user_agent: concat!("eigenpack/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            operation_timeout: Duration::from_hours(1),
            retry: RetryPolicy::default(),
            max_manifest_size: MAX_MANIFEST_SIZE,
            max_redirects: 5,
        }
    }
}
