//! `serve` where a write fails half-way, as on a disk that is full.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::harness::Place;
use crate::serve::Server;

/// How large a file of the server may become: so many blocks, of half a kilobyte or one.
const BLOCKS: u32 = 2048;

#[test]
fn an_upload_that_could_not_be_written_is_not_gone_on_with() {
    let place = Place::new();
    let serve = place.command(&[
        "serve",
        "--listen=127.0.0.1:0",
        "--format=json",
        "--log=text",
    ]);
    let mut limited = Command::new("/bin/sh");
    limited
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\""
        ))
        .arg(serve.get_program())
        .args(serve.get_args())
        .env_clear()
        .env("EIGENPACK_STORE", place.directory().join("store"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut server = Server::of(limited.spawn().unwrap());
    let host = server.ready()["host"].as_str().unwrap().to_owned();

    let opened = ask(&host, "POST /v2/a/b/blobs/uploads/", b"");
    let (_, location) = opened.split_once("location: ").unwrap();
    let location = location.lines().next().unwrap();
    // The size is no multiple of what is written at once, so that a part of a piece is written.
    let content = vec![7; 5_000_003];
    let refused = ask(&host, &format!("PATCH {location}"), &content);
    assert!(refused.starts_with("HTTP/1.1 500 "), "{refused}");
    let status = ask(&host, &format!("GET {location}"), b"");
    assert!(status.starts_with("HTTP/1.1 404 "), "{status}");
    // Nothing is left of it, and what is small enough is taken.
    let pushed = format!("{host}/a/b:v1");
    place.run(&["push", "spec.yaml", &pushed]).succeeded();
    let log = server.stop();
    assert!(
        log.contains("500 PATCH ") && log.contains("cannot write "),
        "{log}"
    );
}

/// Sends a request on a connection of its own, and returns the answer.
fn ask(host: &str, line: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses may not read all of it.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
