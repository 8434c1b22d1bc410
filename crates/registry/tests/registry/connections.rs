//! How many connections there may be, and how they end when the server does.

use std::time::Duration;

use eigenpack_oci::Digest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::Running;

const PATIENCE: Duration = Duration::from_secs(20);

/// Sends a request whose connection stays open, and reads the head of its answer.
async fn ask_and_stay(server: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET /v2/ HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 15];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200 OK");
    stream
}

#[tokio::test]
async fn one_too_many_waits_until_another_ends() {
    let server = Running::with(|options| options.max_connections = 2).await;
    let first = ask_and_stay(&server).await;
    let second = ask_and_stay(&server).await;
    let mut third = TcpStream::connect(server.address).await.unwrap();
    let request = server.request("GET /v2/", &[], b"");
    third.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    let waited = timeout(Duration::from_millis(300), third.read_to_end(&mut answer));
    assert!(waited.await.is_err(), "answered: {answer:?}");
    drop(first);
    let answered = timeout(PATIENCE, third.read_to_end(&mut answer)).await;
    answered.expect("nobody took the connection").unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{answer:?}");
    drop(second);
}

#[tokio::test]
async fn connections_without_a_request_do_not_hold_up_the_end() {
    let server = Running::with(|options| options.stop_timeout = Duration::from_hours(1)).await;
    let silent = TcpStream::connect(server.address).await.unwrap();
    let idle = ask_and_stay(&server).await;
    // Once this is answered, those before it were certainly taken.
    assert_eq!(server.get("/v2/").await.status, 200);
    let stopped = timeout(PATIENCE, server.stop()).await;
    stopped.expect("the server waits for nobody's requests");
    drop((silent, idle));
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off() {
    let server = Running::with(|options| options.stop_timeout = Duration::from_millis(200)).await;
    let mut stalled = TcpStream::connect(server.address).await.unwrap();
    let target = format!("/v2/a/b/blobs/uploads/?digest={}", Digest::sha256(b"0123"));
    let host = server.address;
    let head = format!("POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n\r\n01");
    stalled.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(server.get("/v2/").await.status, 200);
    let stopped = timeout(PATIENCE, server.stop()).await;
    stopped.expect("the server waits for ever");
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stalled.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(said.is_empty(), "{said:?}");
}
