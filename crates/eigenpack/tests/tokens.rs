//! The tokens that the client's operations ask for: one for all that an operation does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use eigenpack::credentials::GivenCredentials;
use eigenpack::oci::Secret;
use eigenpack::oci::distribution::Credential;
use eigenpack::{Client, Reference};

/// A registry that gives Alice tokens and has nothing.
struct Registry {
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let of_thread = Arc::clone(&lines);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), address, &of_thread);
            }
        });
        Self { address, lines }
    }

    fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.address).parse().unwrap()
    }

    /// Returns the requests' first lines, and forgets them.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

/// Makes Alice's client.
fn client() -> Client {
    let alice = Credential::Basic {
        username: "alice".into(),
        password: Secret::new("pw".into()),
    };
    let credentials = Arc::new(GivenCredentials::new(alice));
    Client::builder().credentials(credentials).build()
}

fn answer(stream: TcpStream, address: SocketAddr, lines: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let Some(first) = head.first() else { return };
    lines.lock().unwrap().push(first.clone());
    let authorization = head.iter().find_map(|l| l.strip_prefix("authorization: "));
    let (status, header, body) = match authorization {
        Some("Basic YWxpY2U6cHc=") if first.contains("/token") => {
            ("200 OK", String::new(), r#"{"token":"t"}"#)
        }
        Some("Bearer t") => ("404 Not Found", String::new(), ""),
        _ => (
            "401 Unauthorized",
            format!("www-authenticate: Bearer realm=\"http://{address}/token\"\r\n"),
            "",
        ),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\n{header}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
}

#[tokio::test]
async fn tagging_asks_for_push_from_the_start() {
    let registry = Registry::start();
    let tags = ["v2".parse().unwrap()];
    let tagged = client();
    let reference = registry.reference("a/b:v1");
    tagged.tag(&reference, &tags, false).await.unwrap_err();
    assert_eq!(
        registry.requests(),
        [
            "GET /v2/a/b/manifests/v1 HTTP/1.1",
            "GET /token?scope=repository%3Aa%2Fb%3Apull%2Cpush HTTP/1.1",
            "GET /v2/a/b/manifests/v1 HTTP/1.1"
        ]
    );
}

#[tokio::test]
async fn a_copy_within_a_registry_asks_once_for_both_sides() {
    let registry = Registry::start();
    for (target, scopes) in [
        (
            "c/d:v1",
            "scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%2Fd%3Apull%2Cpush",
        ),
        ("a/b:v2", "scope=repository%3Aa%2Fb%3Apull%2Cpush"),
    ] {
        let client = client();
        let (from, to) = (registry.reference("a/b:v1"), registry.reference(target));
        client.copy(&from, &to, false).await.unwrap_err();
        let token = format!("GET /token?{scopes} HTTP/1.1");
        assert_eq!(registry.requests()[1], token);
    }
}
