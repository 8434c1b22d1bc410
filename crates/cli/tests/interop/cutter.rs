use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Passes connections on to a registry, and cuts each one once so many bytes have moved on it.
///
/// Threads end with their connections, the listener with the test process.
pub(crate) struct Cutter {
    address: SocketAddr,
    moved: Arc<AtomicU64>,
}

impl Cutter {
    pub(crate) fn before(upstream: SocketAddr, limit: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let moved = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&moved);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let counted = Arc::clone(&counted);
                // A connection that breaks is what this is for.
                thread::spawn(move || join(&client, upstream, limit, &counted));
            }
        });
        Self { address, moved }
    }

    /// Returns the reference of something in the registry, reached through here.
    pub(crate) fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// Returns how many bytes came since the last call, both ways, heads and all.
    pub(crate) fn take_moved(&self) -> u64 {
        self.moved.swap(0, Ordering::Relaxed)
    }
}

fn join(client: &TcpStream, upstream: SocketAddr, limit: u64, moved: &AtomicU64) -> io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    let left = AtomicU64::new(limit);
    thread::scope(|scope| {
        scope.spawn(|| carry(&server, client, &left, moved));
        carry(client, &server, &left, moved)
    })
}

/// Carries bytes one way until either end is gone or none are left, which ends both ways.
fn carry(
    mut from: &TcpStream,
    mut to: &TcpStream,
    left: &AtomicU64,
    moved: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let result = loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(read) => read,
            Err(error) => break Err(error),
        };
        moved.fetch_add(read as u64, Ordering::Relaxed);
        let now = left.load(Ordering::Relaxed);
        let carried = read.min(usize::try_from(now).unwrap_or(read));
        left.store(now - carried as u64, Ordering::Relaxed);
        if let Err(error) = to.write_all(&buffer[..carried]) {
            break Err(error);
        }
        if carried as u64 == now {
            break Ok(());
        }
    };
    for end in [from, to] {
        // It may be gone already.
        let _ = end.shutdown(Shutdown::Both);
    }
    result
}
