//! How a registry is reached: over http or https, through a proxy or not.

use eigenpack_oci::{AccessError, FetchError, NetworkErrorKind, Source as _, TagOrDigest};
use eigenpack_registry::fault::{Fault, Requests};
use eigenpack_remote::{RemoteOptions, RemoteRegistry};

use crate::embedded::Embedded;
use crate::fixture::{blob, manifest, options, read};
use crate::registry::{Behaviour, Running};
use crate::server::Reply;

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    // A port that was free a moment ago.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let registry = RemoteRegistry::new(host.parse().unwrap(), options()).unwrap();
    let error = registry
        .repository("a".parse().unwrap())
        .tags()
        .await
        .unwrap_err();
    let FetchError::Access(AccessError::Network {
        host: named, kind, ..
    }) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((named, kind), (host, NetworkErrorKind::Connect));
}

/// Linux drops who wants to connect where too many already wait to be let in.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connecting_takes_no_longer_than_allowed() {
    use std::time::Duration;
    use tokio::net::{TcpSocket, TcpStream};
    use tokio::time::timeout;

    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    loop {
        let connection = timeout(Duration::from_millis(500), TcpStream::connect(address)).await;
        let Ok(connection) = connection else { break };
        waiting.push(connection.unwrap());
        assert!(waiting.len() < 100, "all are let in");
    }
    let mut options = options();
    options.connect_timeout = Duration::from_millis(200);
    let registry = RemoteRegistry::new(address.to_string().parse().unwrap(), options).unwrap();
    let repository = registry.repository("a".parse().unwrap());
    let ended = timeout(Duration::from_secs(15), repository.tags()).await;
    let error = ended.expect("it ends before the idle timeout").unwrap_err();
    let FetchError::Access(AccessError::Network {
        host, kind, source, ..
    }) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (host, kind),
        (address.to_string(), NetworkErrorKind::Timeout)
    );
    let said = source.unwrap().to_string();
    assert_eq!(said, "no connection stood after 200ms");
}

#[test]
fn plain_http_is_for_loopback_or_on_demand() {
    let plain = |host: &str, plain_http| {
        let mut options = RemoteOptions::default();
        options.plain_http = plain_http;
        RemoteRegistry::new(host.parse().unwrap(), options)
            .unwrap()
            .is_plain_http()
    };
    for host in ["localhost:5000", "127.0.0.2", "[::1]:5000"] {
        assert!(plain(host, false), "{host}");
    }
    for host in ["ghcr.io", "localhost.test", "10.0.0.1", "docker.io"] {
        assert!(!plain(host, false), "{host}");
        assert!(plain(host, true), "{host}");
    }
    let no_address = "1.2.3.999".parse().unwrap();
    assert!(RemoteRegistry::new(no_address, RemoteOptions::default()).is_err());
}

#[tokio::test]
async fn a_handshake_that_fails_is_told_from_a_host_that_is_not_there() {
    // Nobody there speaks TLS.
    let elsewhere = Embedded::start().await;
    let redirect = Fault::redirect(format!("https://{}/", elsewhere.host));
    let running = Embedded::with(Requests::all(), redirect).await;
    let error = read(&running.repository(), &blob(b"{}").0, 0)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            FetchError::Access(AccessError::Network {
                kind: NetworkErrorKind::Tls,
                ..
            })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_proxy_is_used_for_all_but_loopback() {
    let proxy = Running::start(Behaviour::default()).await;
    let raw = manifest("1");
    let reply = Reply::new(200).body(raw.bytes().to_vec());
    proxy.script("GET", "/manifests/", reply);
    let mut options = options();
    options.plain_http = true;
    let url = format!("http://{}", proxy.server.address);
    options.proxy.http = Some(url.parse().unwrap());
    let which = || TagOrDigest::Tag("v1".parse().unwrap());
    let manifest_of = |host: &str| {
        let registry = RemoteRegistry::new(host.parse().unwrap(), options.clone()).unwrap();
        let repository = registry.repository("a".parse().unwrap());
        async move { repository.manifest(which()).await }
    };
    assert_eq!(manifest_of("registry.test").await.unwrap(), raw);
    assert_eq!(
        proxy.server.requests()[0].path,
        "http://registry.test/v2/a/manifests/v1"
    );

    let direct = Running::start(Behaviour::default()).await;
    manifest_of(&direct.server.address.to_string())
        .await
        .unwrap_err();
    assert_eq!(direct.server.requests().len(), 1);
}
