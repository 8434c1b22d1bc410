//! A proxy before a registry that notes what a client asks for, and holds every request back.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::http::Head;
use super::trips::{self, Span};
use crate::Result;

/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// What Go's server answers to whoever speaks TLS to it; clients take it as: try HTTP.
const NO_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n";

/// Passes connections on to a registry, unchanged. Its threads end with the connections and the program.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    record: Arc<Mutex<Record>>,
}

/// What was noted since the last look at it.
#[derive(Default)]
struct Record {
    connections: usize,
    tls_probes: usize,
    requests: Vec<Request>,
    /// How many requests were taken away before these.
    taken: usize,
}

struct Request {
    line: String,
    span: Span,
}

/// What a client did.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Traffic {
    pub(super) connections: usize,
    /// Connections on which the client spoke TLS, for as long as it took to learn that there is none.
    pub(super) tls_probes: usize,
    pub(super) trips: usize,
    /// Method and target of each request, in the order of arrival.
    pub(super) requests: Vec<String>,
}

impl Proxy {
    /// Stands before a registry, and holds every request back before it passes it on.
    pub(super) fn before(upstream: SocketAddr, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let record = Arc::new(Mutex::new(Record::default()));
        let connection = Connection {
            upstream,
            delay,
            epoch: Instant::now(),
            record: Arc::clone(&record),
        };
        thread::spawn(move || {
            for client in listener.incoming().map_while(io::Result::ok) {
                let connection = connection.clone();
                // A connection that breaks is the two ends' business, and they find out.
                thread::spawn(move || connection.join(client));
            }
        });
        Ok(Self { address, record })
    }

    /// Returns what was done since the last call.
    pub(super) fn take_traffic(&self) -> Traffic {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = record.taken + record.requests.len();
        let empty = Record {
            taken,
            ..Record::default()
        };
        let Record {
            connections,
            tls_probes,
            requests,
            ..
        } = std::mem::replace(&mut *record, empty);
        let spans: Vec<Span> = requests.iter().map(|request| request.span).collect();
        Traffic {
            connections,
            tls_probes,
            trips: trips::count(&spans),
            requests: requests.into_iter().map(|request| request.line).collect(),
        }
    }
}

/// All that a connection needs.
#[derive(Clone)]
struct Connection {
    upstream: SocketAddr,
    delay: Duration,
    epoch: Instant,
    record: Arc<Mutex<Record>>,
}

impl Connection {
    fn join(&self, mut client: TcpStream) -> io::Result<()> {
        let mut first = [0];
        if client.peek(&mut first)? == 0 {
            // Opened in case it would be needed, which it was not.
            return Ok(());
        }
        if first[0] == TLS_HANDSHAKE {
            self.note(|record| record.tls_probes += 1);
            // What is left unread when a connection closes may cost the other end the answer.
            let _hello = client.read(&mut [0; 4096])?;
            return client.write_all(NO_TLS);
        }
        self.note(|record| record.connections += 1);
        let server = TcpStream::connect(self.upstream)?;
        // What is passed on in pieces must not wait for the acknowledgement of the piece before.
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let open = Arc::new(Mutex::new(None));
        let (answers, to_client) = (server.try_clone()?, client.try_clone()?);
        let (connection, answered) = (self.clone(), Arc::clone(&open));
        thread::spawn(move || connection.forward_answers(answers, &to_client, &answered));
        let forwarded = self.forward_requests(client, &server, &open);
        server.shutdown(Shutdown::Write)?;
        forwarded
    }

    /// Forwards request after request until the client closes the connection.
    fn forward_requests(
        &self,
        client: TcpStream,
        mut server: &TcpStream,
        open: &Mutex<Option<usize>>,
    ) -> io::Result<()> {
        let mut client = BufReader::new(client);
        while let Some(head) = Head::read(&mut client)? {
            let begin = self.now();
            let number = self.note(|record| {
                record.requests.push(Request {
                    line: head.request().to_owned(),
                    span: Span { begin, end: begin },
                });
                record.taken + record.requests.len() - 1
            });
            *open.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
            sleep(self.delay);
            server.write_all(head.as_bytes())?;
            head.forward_body(&mut client, &mut server)?;
        }
        Ok(())
    }

    /// Forwards what is answered, and notes with every piece that the open request has not ended before.
    fn forward_answers(
        &self,
        mut server: TcpStream,
        mut client: &TcpStream,
        open: &Mutex<Option<usize>>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = server.read(&mut buffer)?;
            if read == 0 {
                return client.shutdown(Shutdown::Both);
            }
            let end = self.now();
            let number = *open.lock().unwrap_or_else(PoisonError::into_inner);
            self.note(|record| {
                let index = number.and_then(|number: usize| number.checked_sub(record.taken));
                if let Some(request) = index.and_then(|index| record.requests.get_mut(index)) {
                    request.span.end = end;
                }
            });
            // Noted before the client sees it: what it then does comes later on this clock.
            client.write_all(&buffer[..read])?;
        }
    }

    fn now(&self) -> u128 {
        self.epoch.elapsed().as_nanos()
    }

    fn note<T>(&self, note: impl FnOnce(&mut Record) -> T) -> T {
        note(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

    /// Starts a server that answers whatever is asked.
    fn upstream() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                thread::spawn(move || {
                    let mut requests = BufReader::new(connection.try_clone().unwrap());
                    while let Ok(Some(_)) = Head::read(&mut requests) {
                        connection.write_all(ANSWER).unwrap();
                    }
                });
            }
        });
        address
    }

    /// Asks, and waits for the answer.
    fn ask(connection: &mut TcpStream, path: &str) {
        write!(connection, "GET {path} HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = [0; ANSWER.len()];
        connection.read_exact(&mut answer).unwrap();
        assert_eq!(answer, ANSWER);
    }

    #[test]
    fn notes_requests_connections_trips_and_probes() {
        let proxy = Proxy::before(upstream(), Duration::ZERO).unwrap();
        let connect = || TcpStream::connect(proxy.address).unwrap();

        let mut probe = connect();
        probe.write_all(&[TLS_HANDSHAKE, 3, 1]).unwrap();
        probe.read_to_end(&mut Vec::new()).unwrap();

        let (mut first, mut second, _unused) = (connect(), connect(), connect());
        ask(&mut first, "/first");
        ask(&mut second, "/second");
        ask(&mut second, "/again");
        let traffic = proxy.take_traffic();
        let asked = ["GET /first", "GET /second", "GET /again"];
        assert_eq!(traffic.requests, asked);
        assert_eq!(traffic.connections, 2);
        assert_eq!(traffic.tls_probes, 1);
        assert_eq!(traffic.trips, 3);

        ask(&mut first, "/later");
        assert_eq!(proxy.take_traffic().requests, ["GET /later"]);
    }
}
