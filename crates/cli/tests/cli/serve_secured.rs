//! `serve` with passwords and TLS.

use insta::assert_snapshot;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

use crate::harness::Place;

/// What `htpasswd -nbB -C 4 ann 'correct horse: battery'` printed.
const ANN: &str = "ann:$2y$04$GWAe.kIkupRxYG/AewrSPO8sVEhFxwcEYJy/TsPLoi.V8PsGFb9K6\n";

fn self_signed() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// A place with `users`, `cert.pem` and `key.pem`.
fn place(certified: &CertifiedKey<KeyPair>) -> Place {
    let place = Place::new();
    place.write("users", ANN);
    place.write("cert.pem", certified.cert.pem());
    place.write("key.pem", certified.signing_key.serialize_pem());
    place
}

#[test]
fn files_that_cannot_be_used_are_told_apart() {
    let place = place(&self_signed());
    place.write("plain", "# users\nann:secret\n");
    place.write("twice", format!("{ANN}{ANN}"));
    let other = self_signed().signing_key.serialize_pem();
    let encrypted = other.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    place.write("other.pem", other);
    place.write("encrypted.pem", encrypted);
    let mut runs = Vec::new();
    for (cert, key, users) in [
        ("cert.pem", "key.pem", "missing"),
        ("cert.pem", "key.pem", "plain"),
        ("cert.pem", "key.pem", "twice"),
        ("missing.pem", "key.pem", "users"),
        ("cert.pem", "missing.pem", "users"),
        ("key.pem", "key.pem", "users"),
        ("cert.pem", "cert.pem", "users"),
        ("cert.pem", "other.pem", "users"),
        ("cert.pem", "encrypted.pem", "users"),
    ] {
        let args = [
            "serve",
            "--tls-cert",
            cert,
            "--tls-key",
            key,
            "--htpasswd",
            users,
        ];
        let run = place.run(&args).failed_with(3);
        assert!(!run.stderr.contains("secret"), "{run}");
        runs.push(run.to_string());
    }
    assert_snapshot!(runs.join("\n"));
    for alone in ["--tls-cert=cert.pem", "--tls-key=key.pem"] {
        place.run(&["serve", alone]).failed_with(2);
    }
}

#[cfg(unix)]
mod running {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::Arc;
    use std::time::Duration;

    use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    use super::*;
    use crate::serve::Server;

    /// Asks whether this is a registry, and returns the answer.
    fn ask(config: &Arc<ClientConfig>, address: &str, headers: &str) -> String {
        let socket = TcpStream::connect(address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(config.clone(), name).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        let request =
            format!("GET /v2/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn asks_for_credentials_over_tls() {
        let certified = self_signed();
        let place = place(&certified);
        let args = [
            "--format=json",
            "--htpasswd=users",
            "--tls-cert=cert.pem",
            "--tls-key=key.pem",
            "--log=json",
        ];
        let mut server = Server::start(&place, &args);
        let ready = server.ready();
        let address = ready["address"].as_str().unwrap().to_owned();
        assert_eq!(ready["url"], format!("https://{address}"));
        let mut roots = RootCertStore::empty();
        roots.add(certified.cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        let refused = ask(&config, &address, "");
        assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
        assert!(refused.contains(r#"Basic realm="eigenpack""#), "{refused}");
        let ann = "Authorization: Basic YW5uOmNvcnJlY3QgaG9yc2U6IGJhdHRlcnk=\r\n";
        let answered = ask(&config, &address, ann);
        assert!(answered.starts_with("HTTP/1.1 200 "), "{answered}");
        let log = server.stop();
        assert_eq!(log.lines().count(), 2, "{log}");
        for secret in ["horse", "YW5u"] {
            assert!(!log.contains(secret), "{log}");
        }
    }

    #[test]
    fn says_what_to_paste() {
        let place = place(&self_signed());
        let tls = ["--tls-cert=cert.pem", "--tls-key=key.pem"];
        let both = [tls[0], tls[1], "--htpasswd=users", "--read-only"];
        let remote = [&both[..3], &["--listen=0.0.0.0:0"]].concat();
        let said = |args: &[&str], count| {
            let mut server = Server::start(&place, args);
            let text = server.lines(count);
            server.stop();
            let head = text.lines().next().unwrap();
            let port = head.rsplit(':').next().unwrap();
            let store = head.split(' ').nth(4).unwrap();
            text.replace(port, "PORT").replace(store, "STORE")
        };
        let texts = [
            said(&tls, 4),
            said(&both, 5),
            said(&["--htpasswd=users"], 8),
            said(&remote, 6),
        ];
        assert_snapshot!(texts.join("\n"));
    }
}
