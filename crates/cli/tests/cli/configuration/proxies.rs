//! Proxies of single registries.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{Registry, configure};
use crate::harness::Place;

/// Notes the heads of requests, and knows nobody: it answers 404 until the test process ends.
struct Proxy {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let notes = Arc::clone(&heads);
        thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                socket
                    .set_read_timeout(Some(Duration::from_secs(20)))
                    .unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && socket.read_exact(&mut byte).is_ok() {
                    head.extend(byte);
                }
                notes.lock().unwrap().push(String::from_utf8(head).unwrap());
                let answer = "HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = socket.write_all(answer.as_bytes());
            }
        });
        Self { address, heads }
    }

    /// Returns the requests since the last time, each as its method and target.
    fn requests(&self) -> Vec<String> {
        let heads = std::mem::take(&mut *self.heads.lock().unwrap());
        let lines = heads
            .iter()
            .filter_map(|head| head.rsplit_once(" HTTP/1.1"));
        lines
            .map(|(request, _)| request.lines().next().unwrap().to_owned())
            .collect()
    }
}

fn resolve(place: &Place, host: &str, code: i32) -> String {
    let reference = format!("{host}/a:v1");
    let run = place.run(&["resolve", &reference, "-vv"]);
    run.failed_with(code).to_string()
}

#[test]
fn a_registrys_own_proxy_counts_before_the_variables() {
    let (general, own) = (Proxy::start(), Proxy::start());
    let place = Place::new()
        .env("HTTP_PROXY", &general.address)
        .env("HTTPS_PROXY", &general.address)
        .env("NO_PROXY", "http.test,https.test");
    let address = &own.address;
    let text = format!(
        "[registry.\"http.test\"]\nplain-http = true\nproxy = \"http://{address}\"\n\
         [registry.\"https.test:5000\"]\nproxy = \"{address}\"\n\
         [registry.\"direct.invalid\"]\nproxy = \"none\"\n\
         [registry.\"other.test\"]\nplain-http = true\n"
    );
    configure(&place, &text);
    resolve(&place, "http.test", 4);
    assert_eq!(own.requests(), ["GET http://http.test/v2/a/manifests/v1"]);
    resolve(&place, "https.test:5000", 6);
    assert_eq!(own.requests()[0], "CONNECT https.test:5000");
    // Nobody has that name.
    resolve(&place, "direct.invalid", 6);
    assert_eq!(general.requests(), [""; 0]);
    resolve(&place, "other.test", 4);
    assert_eq!(
        general.requests(),
        ["GET http://other.test/v2/a/manifests/v1"]
    );
    assert_eq!(own.requests(), [""; 0]);
}

#[test]
fn loopback_has_a_proxy_only_where_one_is_said() {
    let (proxy, registry) = (Proxy::start(), Registry::plain());
    let place = Place::new().env("HTTP_PROXY", &proxy.address);
    resolve(&place, &registry.host, 4);
    assert_eq!(proxy.requests(), [""; 0]);
    let (host, address) = (&registry.host, &proxy.address);
    configure(
        &place,
        &format!("[registry.\"{host}\"]\nproxy = \"{address}\""),
    );
    resolve(&place, host, 4);
    assert_eq!(
        proxy.requests(),
        [format!("GET http://{host}/v2/a/manifests/v1")]
    );
}

#[test]
fn a_proxys_password_is_for_the_proxy_alone() {
    let proxy = Proxy::start();
    let place = Place::new();
    let address = &proxy.address;
    configure(
        &place,
        &format!(
            "[registry.\"http.test\"]\nplain-http = true\nproxy = \"http://ann:hunter2@{address}\"\n\
             [registry.\"gone.test\"]\nproxy = \"http://ann:hunter2@127.0.0.1:1\"\n"
        ),
    );
    let said = [
        resolve(&place, "http.test", 4),
        resolve(&place, "gone.test", 6),
    ];
    let head = proxy.heads.lock().unwrap()[0].to_ascii_lowercase();
    // ann:hunter2
    let secret = "YW5uOmh1bnRlcjI=";
    let header = format!("proxy-authorization: basic {}", secret.to_ascii_lowercase());
    assert!(head.contains(&header), "{head}");
    for said in said {
        assert!(
            !said.contains("hunter2") && !said.contains(secret),
            "{said}"
        );
    }
}
