//! Clients that are slow on purpose: each is cut off, and nobody else waits for it.

use std::time::Duration;

use bytes::Bytes;
use eigenpack_layout::LocalStore;
use eigenpack_oci::{Content, Descriptor, MediaType, Target as _};
use eigenpack_registry::ServerOptions;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::fixture::Running;

/// How long a test waits for what must happen: much longer than every limit that is set here.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a server waits here. The test's own requests are under the same limit, and a busy machine may let one of
/// them stand still for a while.
const LIMIT: Duration = Duration::from_secs(2);

/// A server that does not wait long for what does not move.
async fn impatient() -> Running {
    Running::with(|options| options.idle_timeout = LIMIT).await
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Waits until the server has ended a connection, and returns what it said before.
async fn until_cut_off(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    // The end may come as a reset.
    let _ = ended.expect("the connection was not ended");
    String::from_utf8_lossy(&said).into_owned()
}

/// Sends a byte now and then until the connection is ended.
fn trickle(mut stream: TcpStream, bytes: &'static [u8]) -> JoinHandle<String> {
    tokio::spawn(async move {
        let (mut reader, mut writer) = stream.split();
        let writing = async {
            for byte in bytes.iter().cycle() {
                if writer.write_all(&[*byte]).await.is_err() {
                    break;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let mut said = Vec::new();
        let reading = timeout(PATIENCE, reader.read_to_end(&mut said));
        tokio::select! {
            () = writing => {}
            ended = reading => drop(ended.expect("the connection was not ended")),
        }
        String::from_utf8_lossy(&said).into_owned()
    })
}

#[tokio::test]
async fn a_client_that_says_nothing() {
    let server = impatient().await;
    let mut silent = server.connect().await;
    assert_eq!(server.get("/v2/").await.status, 200);
    assert_eq!(until_cut_off(&mut silent).await, "");
}

#[tokio::test]
async fn a_client_that_sends_its_head_byte_by_byte() {
    let server = impatient().await;
    let slow = trickle(server.connect().await, b"GET /v2/ HTTP/1.1\r\nX: x");
    assert_eq!(server.get("/v2/").await.status, 200);
    let said = slow.await.unwrap();
    assert!(!said.contains("200 OK"), "{said}");
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_of_a_body() {
    let server = impatient().await;
    let location = server.open("a/b").await;
    let mut stalled = server.connect().await;
    let head = format!(
        "PATCH {location} HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000\r\n\r\n0123456789",
        server.address
    );
    stalled.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(server.get("/v2/").await.status, 200);
    let said = until_cut_off(&mut stalled).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    // What arrived is kept, so that the client can go on.
    let status = server.get(&location).await;
    assert_eq!(status.header("range"), Some("0-9"));
}

#[tokio::test]
async fn a_client_whose_request_takes_too_long_in_all() {
    let server = Running::with(|options| options.request_timeout = LIMIT).await;
    let location = server.open("a/b").await;
    let mut slow = server.connect().await;
    let head = format!(
        "PATCH {location} HTTP/1.1\r\nHost: {}\r\nContent-Length: 100000\r\n\r\n",
        server.address
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let slow = trickle(slow, b"x");
    assert_eq!(server.get("/v2/").await.status, 200);
    let said = slow.await.unwrap();
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
}

/// A server that takes one connection, and a client that asks it for more than all buffers between two ends hold.
///
/// The content does not come through the server, whose limits it would have to keep.
async fn asked_for_much(change: impl FnOnce(&mut ServerOptions)) -> (TempDir, Running, TcpStream) {
    let directory = TempDir::new().unwrap();
    let store = LocalStore::open(directory.path().join("store"))
        .await
        .unwrap();
    let content = Bytes::from(vec![b'x'; 32 << 20]);
    let descriptor = Descriptor::of(MediaType::OCTET_STREAM, &content);
    let digest = descriptor.digest.clone();
    let repository = store.repository(&"a/b".parse().unwrap());
    let pushed = repository.push_blob(descriptor, Content::Bytes(content));
    pushed.await.unwrap();
    let mut options = ServerOptions::default();
    options.max_connections = 1;
    change(&mut options);
    let server = Running::start(store, options).await;
    let request = server.request(&format!("GET /v2/a/b/blobs/{digest}"), &[], b"");
    let mut stream = server.connect().await;
    stream.write_all(&request).await.unwrap();
    (directory, server, stream)
}

#[tokio::test]
async fn a_client_that_never_reads_the_answer() {
    let (_directory, server, deaf) = asked_for_much(|options| options.idle_timeout = LIMIT).await;
    // There is room for one connection: this one is answered once the other was given up.
    let next = timeout(PATIENCE, server.get("/v2/")).await;
    assert_eq!(next.expect("the connection was not ended").status, 200);
    drop(deaf);
}

#[tokio::test]
async fn a_client_that_reads_the_answer_bit_by_bit() {
    let (_directory, server, mut slow) =
        asked_for_much(|options| options.request_timeout = LIMIT).await;
    let reading = tokio::spawn(async move {
        let mut some = vec![0; 64 * 1024];
        // A read now and then lets a write go on each time; it would take minutes until the end.
        while slow.read(&mut some).await.is_ok_and(|size| size > 0) {
            sleep(Duration::from_millis(200)).await;
        }
    });
    let next = timeout(PATIENCE, server.get("/v2/")).await;
    assert_eq!(next.expect("the connection was not ended").status, 200);
    reading.abort();
}
