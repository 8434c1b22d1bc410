use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::request_head::{Body, RequestHead};

/// Passes connections on to a registry, unchanged, and notes every request.
///
/// A registry's own log would do for counting, but each registry has another one, and a request that it refused early may
/// not be in it. Threads end with their connections, the listener with the test process.
pub(crate) struct RecordingProxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

/// A request that is held back for some time before it is passed on.
#[derive(Clone, Copy)]
pub(crate) struct Pause {
    /// How the request begins.
    pub(crate) request: &'static str,
    /// How many such requests pass before it.
    pub(crate) after: usize,
    pub(crate) time: Duration,
}

impl RecordingProxy {
    pub(crate) fn before(upstream: SocketAddr) -> Self {
        Self::start(upstream, None)
    }

    pub(crate) fn with_pause(upstream: SocketAddr, pause: Pause) -> Self {
        Self::start(upstream, Some(pause))
    }

    fn start(upstream: SocketAddr, pause: Option<Pause>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::new(Notes {
            requests: Arc::clone(&requests),
            pause,
        });
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let notes = Arc::clone(&notes);
                // A connection that breaks is the two ends' business, and they find out.
                thread::spawn(move || join(client, upstream, &notes));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the reference of something in the registry, reached through this proxy.
    pub(crate) fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// Returns the requests since the last call, each as its method and target, in order of arrival.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

/// What is done with a request before it is passed on.
struct Notes {
    requests: Arc<Mutex<Vec<String>>>,
    pause: Option<Pause>,
}

impl Notes {
    fn take(&self, request: String) {
        let mut requests = self.requests.lock().unwrap();
        let held = self.pause.filter(|pause| {
            let alike = |one: &&String| one.starts_with(pause.request);
            alike(&&request) && requests.iter().filter(alike).count() == pause.after
        });
        requests.push(request);
        drop(requests);
        if let Some(pause) = held {
            thread::sleep(pause.time);
        }
    }
}

fn join(client: TcpStream, upstream: SocketAddr, notes: &Notes) -> io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let copied = io::copy(&mut answers, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
        copied
    });
    let forwarded = forward_requests(BufReader::new(client), &server, notes);
    server.shutdown(Shutdown::Write)?;
    forwarded
}

/// Forwards request after request until the client closes the connection.
///
/// A request is noted before it is forwarded: once the client has its answer, the note is there.
fn forward_requests(
    mut client: BufReader<TcpStream>,
    mut server: &TcpStream,
    notes: &Notes,
) -> io::Result<()> {
    while let Some(head) = RequestHead::read(&mut client)? {
        notes.take(head.request());
        server.write_all(head.text.as_bytes())?;
        match head.body() {
            Body::Sized(length) => {
                io::copy(&mut client.by_ref().take(length), &mut server)?;
            }
            Body::Chunked => forward_chunks(&mut client, server)?,
        }
    }
    Ok(())
}

fn forward_chunks(client: &mut impl BufRead, mut server: impl Write) -> io::Result<()> {
    loop {
        let mut line = String::new();
        client.read_line(&mut line)?;
        server.write_all(line.as_bytes())?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        // The line end after the data; after the last chunk it ends the trailers, which no client of ours sends.
        io::copy(&mut client.by_ref().take(size + 2), &mut server)?;
        if size == 0 {
            return Ok(());
        }
    }
}
