//! How a registry is reached.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eigenpack_oci::distribution::RetryPolicy;
use eigenpack_oci::{MAX_MANIFEST_SIZE, Observer, RegistryHost, Silent};

use crate::credentials::CredentialProvider;
use crate::proxy::{ProxyOptions, Route};
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
    /// Who is asked for credentials once the registry has demanded some; without anybody it is asked anonymously.
    pub credentials: Option<Arc<dyn CredentialProvider>>,
    /// Whom we trust over TLS, and what we show of ourselves. Its authorities are trusted at every host that the registry
    /// leads to, too.
    pub tls: TlsOptions,
    /// The proxies that lead to registries.
    pub proxy: ProxyOptions,
    /// What is different about single hosts, by their [canonical](RegistryHost::canonical) forms.
    pub(crate) hosts: BTreeMap<RegistryHost, HostOptions>,
    /// Who hears of the warnings that the registry sends.
    pub observer: Arc<dyn Observer>,
    /// The `User-Agent` of every request. What no header can hold is refused when the registry is made.
    pub user_agent: String,
    /// The most requests in flight at once, over all operations; at least two.
    ///
    /// Over HTTP/1.1 there are about as many connections. A blob's stream counts until it ends or is dropped. Blobs over
    /// 64 KiB leave two requests to what is smaller; of the others, those that are sent take one half at most, and those that
    /// are read the other. Requests to token services do not count. Default: 10.
    pub concurrency: usize,
    /// The longest time that a connection may take to stand.
    pub connect_timeout: Duration,
    /// The longest time in which nothing moves, in either direction. Waiting for content that is to be sent does not count.
    pub idle_timeout: Duration,
    /// The longest time from the last byte of a blob of more than 1 MiB to the answer: some registries hash and copy all of it
    /// before they say that they have it. Never less than [`idle_timeout`](Self::idle_timeout). Default: ten minutes.
    pub answer_timeout: Duration,
    /// The longest time that one operation may take, retries and their pauses included.
    pub operation_timeout: Duration,
    /// When a request that is safe to repeat is repeated.
    pub retry: RetryPolicy,
    /// The largest manifest read, in bytes.
    pub max_manifest_size: u64,
    /// The most redirects followed for one request.
    pub max_redirects: u32,
}

/// What is different about one host, whether it is the registry or the registry leads to it; the default is nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HostOptions {
    /// Reaches the registry over plain http, or lets a registry over plain http name it as its token service though that
    /// is not on loopback. Nothing leads from https to plain http.
    pub plain_http: bool,
    /// Whom we trust there besides those of [`RemoteOptions::tls`], and what we show of ourselves. But for the authorities,
    /// it counts only where the host is the registry: nobody else can make us show the certificate.
    pub tls: TlsOptions,
    /// Which way leads there, whatever [`RemoteOptions::proxy`] says.
    pub route: Option<Route>,
}

impl RemoteOptions {
    /// Returns what is different about a host, to be changed.
    ///
    /// ```
    /// use eigenpack_remote::{RemoteOptions, Route};
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut options = RemoteOptions::default();
    /// let host = options.host(&"registry.example.com:5000".parse()?);
    /// host.route = Some(Route::Through("http://proxy.example.com:3128".parse()?));
    /// # Ok(())
    /// # }
    /// ```
    pub fn host(&mut self, host: &RegistryHost) -> &mut HostOptions {
        self.hosts.entry(host.canonical()).or_default()
    }
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            plain_http: false,
            credentials: None,
            tls: TlsOptions::default(),
            proxy: ProxyOptions::default(),
            hosts: BTreeMap::new(),
            observer: Arc::new(Silent),
            user_agent: concat!("eigenpack/", env!("CARGO_PKG_VERSION")).to_owned(),
            concurrency: 10,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            answer_timeout: Duration::from_mins(10),
            operation_timeout: Duration::from_hours(1),
            retry: RetryPolicy::default(),
            max_manifest_size: MAX_MANIFEST_SIZE,
            max_redirects: 5,
        }
    }
}
