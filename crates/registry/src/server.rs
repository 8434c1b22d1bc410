//! The socket: connections come in, and end when they are told to.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::authentication::Authenticator;
use crate::fault::{Breakable, Tap, Watch};
use crate::guard::Site;
use crate::idle::IdleStream;
use crate::options::ServerOptions;
use crate::router::Registry;
use crate::sessions::Sessions;
use crate::store::RegistryStore;

/// How long to wait when no connection can be taken: there are no more file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The shortest time between two looks for uploads that have expired.
const MIN_SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// The smallest buffer that a head can be read into, in bytes.
const MIN_HEADER_SIZE: usize = 8192;

/// A registry that listens. It answers once [`serve`](Self::serve) is called.
///
/// It needs a Tokio runtime. It refuses what browsers send on behalf of other sites: a foreign `Origin`, a
/// `Sec-Fetch-Site` that says so, and on loopback a foreign `Host`.
pub struct Server<S: RegistryStore> {
    listener: TcpListener,
    address: SocketAddr,
    registry: Arc<Registry<S>>,
}

impl<S: RegistryStore> Server<S> {
    /// Listens on an address; port 0 takes any that is free.
    pub async fn bind(address: SocketAddr, store: S, options: ServerOptions) -> io::Result<Self> {
        let options = options.bounded();
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let site = Site {
            is_on_loopback: address.ip().is_loopback(),
            speaks_tls: options.tls.is_some(),
        };
        let registry = Registry {
            store,
            sessions: Sessions::new(options.max_open_uploads, options.upload_expiry),
            authenticator: options.users.as_ref().map(Authenticator::new).transpose()?,
            watch: Watch::new(&options),
            options,
            site,
        };
        Ok(Self {
            listener,
            address,
            registry: Arc::new(registry),
        })
    }

    /// Returns the address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready; then takes no more requests, finishes those under way and returns.
    ///
    /// Those that take longer than the options allow are cut off. Dropping the future cuts off all of them.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let (running, ending) = watch::channel(());
        let options = &self.registry.options;
        let most = options.max_connections.min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(most));
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        let mut sweeps = interval(options.upload_expiry.max(MIN_SWEEP_PAUSE));
        loop {
            let accepted = async {
                // The semaphore is never closed.
                let permit = room.clone().acquire_owned().await.ok();
                (self.listener.accept().await, permit)
            };
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                _ = sweeps.tick() => self.registry.sessions.expire(),
                (accepted, permit) = accepted => match accepted {
                    Ok((stream, _)) => {
                        let registry = self.registry.clone();
                        let (watcher, ending) = (graceful.watcher(), ending.clone());
                        connections.spawn(async move {
                            connection(stream, registry, watcher, ending).await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot take a connection");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        drop(running);
        if timeout(options.stop_timeout, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("requests under way were cut off");
        }
    }
}

/// Answers the requests of one connection. One that is only shaking hands ends when the server does.
async fn connection<S: RegistryStore>(
    stream: TcpStream,
    registry: Arc<Registry<S>>,
    watcher: Watcher,
    mut ending: watch::Receiver<()>,
) {
    let options = &registry.options;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small packets are sent late");
    }
    let tap = registry.watch.as_ref().map(Watch::connection).map(Arc::new);
    let stream = Breakable::new(stream, tap.as_ref().map(|tap| tap.link.clone()));
    let stream = IdleStream::new(stream, options.idle_timeout, options.request_timeout);
    let Some(identity) = &options.tls else {
        return requests(stream, registry, tap, watcher).await;
    };
    let handshake = timeout(options.idle_timeout, identity.acceptor().accept(stream));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        _ = ending.changed() => return,
    };
    match shaken.map_err(io::Error::from).flatten() {
        Ok(stream) => requests(stream, registry, tap, watcher).await,
        // The client went away or is none of TLS, or does not trust the certificate.
        Err(error) => tracing::debug!(%error, "no TLS was agreed on"),
    }
}

/// Answers requests until the client has no more, or must not have.
async fn requests<S: RegistryStore>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    registry: Arc<Registry<S>>,
    tap: Option<Arc<Tap>>,
    watcher: Watcher,
) {
    let options = &registry.options;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.idle_timeout)
        .max_buf_size(options.max_header_size.max(MIN_HEADER_SIZE));
    let connection = http.serve_connection(
        TokioIo::new(stream),
        service_fn(move |request| {
            let (registry, tap) = (registry.clone(), tap.clone());
            async move {
                match tap {
                    Some(tap) => tap.answer(&registry, request).await,
                    None => Ok(registry.answer(request).await),
                }
            }
        }),
    );
    if let Err(error) = watcher.watch(connection).await {
        // The client went away, or sent what is no HTTP.
        tracing::debug!(%error, "a connection broke");
    }
}
