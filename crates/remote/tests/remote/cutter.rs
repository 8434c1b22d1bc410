//! A network that cuts each connection once so many bytes have moved on it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use eigenpack_remote::{RemoteOptions, RemoteRegistry, RemoteRepository};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::embedded::name;

/// Runs as long as the test's runtime.
pub(crate) struct Cutter {
    address: SocketAddr,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    up: AtomicU64,
    down: AtomicU64,
    cuts: AtomicUsize,
}

/// How many bytes clients sent and were sent, heads and all.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) up: u64,
    pub(crate) down: u64,
}

impl Cutter {
    /// Leads to a host, over connections that each hold for `limit` bytes.
    pub(crate) async fn start(host: &str, limit: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::<Count>::default();
        let (host, of_task) = (host.to_owned(), Arc::clone(&count));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&host).await.unwrap();
                let count = Arc::clone(&of_task);
                tokio::spawn(async move { carry(client, server, limit, &count).await });
            }
        });
        Self { address, count }
    }

    /// Returns the tests' repository, on the way through here.
    pub(crate) fn repository(&self, options: RemoteOptions) -> RemoteRepository {
        let host = self.address.to_string().parse().unwrap();
        let registry = RemoteRegistry::new(host, options).unwrap();
        registry.repository(name())
    }

    /// Returns what moved since this was asked last.
    pub(crate) fn take_moved(&self) -> Moved {
        Moved {
            up: self.count.up.swap(0, Ordering::Relaxed),
            down: self.count.down.swap(0, Ordering::Relaxed),
        }
    }

    /// Returns how many connections were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.count.cuts.load(Ordering::Relaxed)
    }
}

async fn carry(client: TcpStream, server: TcpStream, limit: u64, count: &Count) {
    let left = AtomicU64::new(limit);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let was_cut = tokio::select! {
        was_cut = pump(from_client, to_server, &left, &count.up) => was_cut,
        was_cut = pump(from_server, to_client, &left, &count.down) => was_cut,
    };
    if was_cut {
        count.cuts.fetch_add(1, Ordering::Relaxed);
    }
}

/// Carries bytes one way until one side is done; tells whether it ended because none were left.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    left: &AtomicU64,
    moved: &AtomicU64,
) -> bool {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return false;
        };
        moved.fetch_add(read as u64, Ordering::Relaxed);
        let left_now = left.load(Ordering::Relaxed);
        let carried = read.min(usize::try_from(left_now).unwrap());
        left.store(left_now - carried as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..carried]).await.is_err() {
            return false;
        }
        if carried == usize::try_from(left_now).unwrap() {
            return true;
        }
    }
}
