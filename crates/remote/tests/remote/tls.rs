//! The client over real TLS: whom it trusts, whom it shows its certificate, and where credentials go.
//!
//! Every host is another port of loopback, which is another origin, with a certificate of an authority that the test made.

use std::sync::Arc;

use eigenpack_oci::{
    AccessError, FetchError, NetworkErrorKind, Precondition, RegistryHost, Source as _, Target as _,
};
use eigenpack_registry::{ServerOptions, TlsIdentity};
use eigenpack_remote::credentials::GivenCredentials;
use eigenpack_remote::{
    ClientIdentity, ProxyUrl, RemoteOptions, RemoteRegistry, RemoteRepository, Route,
};

use crate::authority::{Authority, Certificate, Demand, over_tls};
use crate::embedded::{Embedded, name};
use crate::fixture::{blob, large, manifest, options, read};
use crate::guarded::{alice, basic, which};
use crate::stage::{Reply, Seen, Stage};

fn as_alice(mut options: RemoteOptions) -> RemoteOptions {
    options.credentials = Some(Arc::new(GivenCredentials::new(alice())));
    options
}

fn repository(host: &str, options: RemoteOptions) -> RemoteRepository {
    let registry = RemoteRegistry::new(host.parse().unwrap(), options).unwrap();
    assert!(!registry.is_plain_http());
    registry.repository(name())
}

fn at(stage: &Stage, options: RemoteOptions) -> RemoteRepository {
    repository(&stage.address.to_string(), options)
}

/// Returns which host failed a read, and how its network did.
fn network(result: Result<Vec<u8>, FetchError>) -> (String, NetworkErrorKind) {
    match result {
        Err(FetchError::Access(AccessError::Network { host, kind, .. })) => (host, kind),
        other => panic!("{other:?}"),
    }
}

fn refusal(result: Result<Vec<u8>, FetchError>) -> String {
    match result {
        Err(FetchError::Access(error @ AccessError::Refused { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Reads the blob that every stage has.
async fn fetch(repository: &RemoteRepository) -> Result<Vec<u8>, FetchError> {
    read(repository, &blob(b"{}").0, 0).await
}

fn content(_: &Seen) -> Reply {
    Reply::new(200).body("{}")
}

/// Leads whoever reads a blob to another host.
fn redirect(to: String) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |_| Reply::new(307).header("location", to.clone())
}

/// Demands a token of this service.
fn demanding(realm: String) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| match seen.header("authorization") {
        Some("Bearer t0ken") => content(seen),
        _ => Reply::challenge(format!(r#"Bearer realm="{realm}",service="s""#)),
    }
}

/// Gives a token to Alice.
fn token(seen: &Seen) -> Reply {
    if seen.header("authorization") == Some(&basic("alice", "pw")) {
        Reply::new(200).body(r#"{"token":"t0ken"}"#)
    } else {
        Reply::new(401)
    }
}

fn https(stage: &Stage, path: &str) -> String {
    format!("https://{}/{path}", stage.address)
}

/// Starts our own registry with a certificate for a name.
async fn embedded(authority: &Authority, name: &str) -> Embedded {
    let Certificate { chain, key } = authority.certificate(name);
    let mut options = ServerOptions::default();
    options.tls = Some(TlsIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap());
    Embedded::start_with(options).await
}

#[tokio::test]
async fn an_authority_that_is_given_is_trusted() {
    let authority = Authority::new();
    let running = embedded(&authority, "127.0.0.1").await;
    let repository = repository(&running.host, authority.options());
    for bytes in [b"{}".to_vec(), large()] {
        let (descriptor, content) = blob(&bytes);
        let pushed = repository.push_blob(descriptor.clone(), content);
        pushed.await.unwrap();
        assert_eq!(read(&repository, &descriptor, 0).await.unwrap(), bytes);
    }
    let pushed = repository.push_manifest(
        manifest("1"),
        vec!["v1".parse().unwrap()],
        Precondition::Any,
    );
    pushed.await.unwrap();
    assert_eq!(running.tagged("v1").await, Some(manifest("1")));
    assert_eq!(repository.manifest(which()).await.unwrap(), manifest("1"));
}

#[tokio::test]
async fn nobody_else_is_trusted() {
    let authority = Authority::new();
    let running = embedded(&authority, "127.0.0.1").await;
    running.add_blob(b"{}").await;
    let other = Authority::new().options();
    for options in [over_tls(), other] {
        let (host, kind) = network(fetch(&repository(&running.host, options)).await);
        assert_eq!((&host, kind), (&running.host, NetworkErrorKind::Tls));
    }

    // The authority is known, but whom it vouches for is another.
    let misnamed = embedded(&authority, "registry.test").await;
    let (_, kind) = network(fetch(&repository(&misnamed.host, authority.options())).await);
    assert_eq!(kind, NetworkErrorKind::Tls);
    for untouched in [&running, &misnamed] {
        assert_eq!(untouched.recorder.summaries(), [""; 0]);
    }
}

#[tokio::test]
async fn insecure_is_for_the_registry_alone() {
    let (authority, unknown) = (Authority::new(), Authority::new());
    let mut insecure = as_alice(authority.options());
    insecure.tls.insecure = true;
    let running = embedded(&unknown, "registry.test").await;
    running.add_blob(b"{}").await;
    let itself = repository(&running.host, insecure.clone());
    assert_eq!(fetch(&itself).await.unwrap(), b"{}");

    // Who vouches for the other host, and whether it is believed.
    for (vouching, believed) in [(&authority, true), (&unknown, false)] {
        let elsewhere = vouching.stage(Demand::Nothing, content).await;
        let play = redirect(https(&elsewhere, "blob"));
        let registry = unknown.stage(Demand::Nothing, play).await;
        let outcome = fetch(&at(&registry, insecure.clone())).await;
        assert_outcome(outcome, &elsewhere, believed);

        let service = vouching.stage(Demand::Nothing, token).await;
        let play = demanding(https(&service, "token"));
        let registry = unknown.stage(Demand::Nothing, play).await;
        let outcome = fetch(&at(&registry, insecure.clone())).await;
        assert_outcome(outcome, &service, believed);
    }
}

#[track_caller]
fn assert_outcome(outcome: Result<Vec<u8>, FetchError>, elsewhere: &Stage, believed: bool) {
    if believed {
        assert_eq!(outcome.unwrap(), b"{}");
        assert_eq!(elsewhere.requests().len(), 1);
    } else {
        let there = elsewhere.address.to_string();
        assert_eq!(network(outcome), (there, NetworkErrorKind::Tls));
        assert_eq!(elsewhere.requests().len(), 0);
    }
}

#[tokio::test]
async fn a_certificate_is_shown_to_the_registry_alone() {
    let authority = Authority::new();
    let Certificate { chain, key } = authority.certificate("alice");
    let mut options = as_alice(authority.options());
    options.tls.identity =
        Some(ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap());

    let elsewhere = authority.stage(Demand::Certificate, content).await;
    let service = authority.stage(Demand::Certificate, token).await;
    let (to, realm) = (https(&elsewhere, "blob"), https(&service, "token"));
    let demand = demanding(realm);
    let play = move |seen: &Seen| match demand(seen) {
        Reply::Made { status: 200, .. } => Reply::new(307).header("location", to.clone()),
        other => other,
    };
    let registry = authority.stage(Demand::CertificateOrNothing, play).await;
    assert_eq!(fetch(&at(&registry, options)).await.unwrap(), b"{}");

    for (stage, certified, count) in [
        (&registry, true, 2),
        (&service, false, 1),
        (&elsewhere, false, 1),
    ] {
        let requests = stage.requests();
        assert_eq!(requests.len(), count);
        for seen in requests {
            assert_eq!(seen.certified, certified, "{} {}", seen.method, seen.target);
        }
    }
    assert_eq!(elsewhere.requests()[0].header("authorization"), None);

    let without = fetch(&at(&registry, as_alice(authority.options()))).await;
    let (host, kind) = network(without);
    assert_eq!(
        (host, kind),
        (registry.address.to_string(), NetworkErrorKind::Tls)
    );
    assert_eq!(registry.requests().len(), 2);
}

/// Returns the options of a client that trusts an authority at a host, and shows it a certificate there.
fn trusting_at(host: &Stage, authority: &Authority) -> RemoteOptions {
    let mut options = as_alice(options());
    extend(&mut options, host, authority);
    options
}

fn extend(options: &mut RemoteOptions, host: &Stage, authority: &Authority) {
    let Certificate { chain, key } = authority.certificate("alice");
    let tls = &mut options.host(&host.host()).tls;
    tls.authorities = authority.trusted();
    tls.identity = Some(ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap());
    tls.on_loopback = true;
}

#[tokio::test]
async fn what_is_said_of_a_host_is_for_that_host() {
    let (authority, unknown) = (Authority::new(), Authority::new());
    let registry = authority.stage(Demand::CertificateOrNothing, content).await;
    let mut options = trusting_at(&registry, &authority);
    assert_eq!(fetch(&at(&registry, options.clone())).await.unwrap(), b"{}");

    // Another registry of the same authority is not believed, nor shown a certificate.
    let other = authority.stage(Demand::Certificate, content).await;
    options.host(&other.host()).tls.on_loopback = true;
    let (_, kind) = network(fetch(&at(&other, options.clone())).await);
    assert_eq!((kind, other.requests().len()), (NetworkErrorKind::Tls, 0));
    options.host(&other.host()).tls.authorities = authority.trusted();
    assert_eq!(fetch(&at(&other, options.clone())).await.unwrap(), b"{}");
    assert!(!other.requests()[0].certified);

    // What is said of a host counts before what is said of all.
    options.tls.identity = {
        let Certificate { chain, key } = unknown.certificate("alice");
        Some(ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap())
    };
    assert_eq!(fetch(&at(&registry, options)).await.unwrap(), b"{}");
}

#[tokio::test]
async fn whom_a_registry_leads_to_is_believed_by_what_is_said_of_them() {
    let (authority, private) = (Authority::new(), Authority::new());
    let service = private.stage(Demand::Certificate, token).await;
    let elsewhere = private.stage(Demand::Certificate, content).await;
    let demand = demanding(https(&service, "token"));
    let to = https(&elsewhere, "blob");
    let play = move |seen: &Seen| match demand(seen) {
        Reply::Made { status: 200, .. } => Reply::new(307).header("location", to.clone()),
        other => other,
    };
    let registry = authority.stage(Demand::CertificateOrNothing, play).await;
    let mut options = trusting_at(&registry, &authority);

    // That they are not to be believed blindly holds for them as for all whom the user did not name.
    for unproven in [&service, &elsewhere] {
        options.host(&unproven.host()).tls.insecure = true;
    }
    for unknown in [&service, &elsewhere] {
        let (host, kind) = network(fetch(&at(&registry, options.clone())).await);
        assert_eq!(
            (host, kind),
            (unknown.address.to_string(), NetworkErrorKind::Tls)
        );
        assert_eq!(unknown.requests().len(), 0);
        extend(&mut options, unknown, &private);
    }
    assert_eq!(fetch(&at(&registry, options)).await.unwrap(), b"{}");
    for led_to in [&service, &elsewhere] {
        let requests = led_to.requests();
        assert!(requests.iter().all(|seen| !seen.certified), "{requests:?}");
    }
}

/// Returns how to get to a stage that is a proxy and speaks TLS itself.
fn proxy_over_tls(stage: &Stage) -> ProxyUrl {
    https(stage, "").parse().unwrap()
}

#[tokio::test]
async fn a_proxy_over_tls_is_verified() {
    let authority = Authority::new();
    let proxy = authority.stage(Demand::Certificate, content).await;
    let mut options = options();
    options.plain_http = true;
    options.proxy.http = Some(proxy_over_tls(&proxy));
    let registry = |options: &RemoteOptions| {
        let registry = RemoteRegistry::new("registry.test".parse().unwrap(), options.clone());
        registry.unwrap().repository(name())
    };
    let (_, kind) = network(fetch(&registry(&options)).await);
    assert_eq!((kind, proxy.requests().len()), (NetworkErrorKind::Tls, 0));
    options.tls.authorities = authority.trusted();
    assert_eq!(fetch(&registry(&options)).await.unwrap(), b"{}");
    assert_eq!(proxy.requests()[0].host, "registry.test");
}

/// The library below tells a proxy and what is behind it apart by nothing.
#[tokio::test]
async fn what_is_for_the_registry_alone_needs_a_proxy_that_cannot_take_it() {
    let authority = Authority::new();
    let proxy = authority.stage(Demand::Certificate, content).await;
    let host: RegistryHost = "registry.test".parse().unwrap();
    let Certificate { chain, key } = authority.certificate("alice");
    let identity = ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let mut insecure = authority.options();
    insecure.host(&host).tls.insecure = true;
    let mut certified = authority.options();
    certified.tls.identity = Some(identity);
    for mut options in [insecure, certified] {
        options.proxy.https = Some(proxy_over_tls(&proxy));
        let outcome = |options: &RemoteOptions| RemoteRegistry::new(host.clone(), options.clone());
        let refused = outcome(&options).unwrap_err();
        assert!(matches!(refused, AccessError::Refused { .. }), "{refused}");
        options.proxy.no_proxy = "registry.test".to_owned();
        assert!(outcome(&options).is_ok());
        options.host(&host).route = Some(Route::Through(proxy_over_tls(&proxy)));
        outcome(&options).unwrap_err();
        options.plain_http = true;
        assert!(outcome(&options).is_ok());
        options.plain_http = false;
        options.host(&host).route = Some(Route::Through("http://proxy.test".parse().unwrap()));
        assert!(outcome(&options).is_ok());
    }
}

/// The rows of `eigenpack_oci::distribution::may_send_credentials` on a token service, with a registry over https and one
/// over http.
#[tokio::test]
async fn a_token_service_over_tls_gets_the_password() {
    let authority = Authority::new();
    let service = authority.stage(Demand::Nothing, token).await;
    let demand = || demanding(https(&service, "token"));
    let over_https = authority.stage(Demand::Nothing, demand()).await;
    let over_http = Stage::plain(demand()).await;
    let mut to_plain = as_alice(authority.options());
    to_plain.tls.on_loopback = false;
    let plain = RemoteRegistry::new(over_http.host(), to_plain).unwrap();
    assert!(plain.is_plain_http());

    let secure = at(&over_https, as_alice(authority.options()));
    for (repository, registry) in [
        (secure, &over_https),
        (plain.repository(name()), &over_http),
    ] {
        service.forget();
        assert_eq!(fetch(&repository).await.unwrap(), b"{}");
        let asked = service.requests();
        assert_eq!(asked.len(), 1);
        let password = basic("alice", "pw");
        assert_eq!(asked[0].header("authorization"), Some(&*password));
        let sent = registry.requests();
        let sent: Vec<_> = sent
            .iter()
            .map(|seen| seen.header("authorization"))
            .collect();
        assert_eq!(sent, [None, Some("Bearer t0ken")]);
    }
}

#[tokio::test]
async fn a_registry_over_tls_names_no_token_service_in_the_clear() {
    let authority = Authority::new();
    let service = Stage::plain(token).await;
    let realm = format!("http://{}/token", service.address);
    let registry = authority.stage(Demand::Nothing, demanding(realm)).await;
    let mut named = as_alice(authority.options());
    named.host(&service.host()).plain_http = true;
    for options in [as_alice(authority.options()), named] {
        let reason = refusal(fetch(&at(&registry, options)).await);
        assert!(reason.contains("over plain http"), "{reason}");
        assert!(reason.contains(&service.address.to_string()), "{reason}");
    }
    assert_eq!(service.requests().len(), 0);
    for seen in registry.requests() {
        assert_eq!(seen.header("authorization"), None);
    }
}

#[tokio::test]
async fn nothing_leads_out_of_tls() {
    let authority = Authority::new();
    let elsewhere = Stage::plain(content).await;
    let there = format!("http://{}/there", elsewhere.address);
    let to = there.clone();
    let play = move |seen: &Seen| match (seen.method.as_str(), seen.header("authorization")) {
        (_, None) => Reply::challenge("Basic realm=\"r\""),
        ("POST", _) => Reply::new(202).header("location", &to),
        _ if seen.path().ends_with("/tags/list") => Reply::new(200)
            .header("link", format!("<{to}>; rel=\"next\""))
            .body(r#"{"name":"a/b","tags":["v1"]}"#),
        _ => Reply::new(307).header("location", &to),
    };
    let registry = authority.stage(Demand::Nothing, play).await;
    let repository = at(&registry, as_alice(authority.options()));

    let reason = refusal(fetch(&repository).await);
    assert!(reason.contains("from https to plain http"), "{reason}");
    let manifest_error = repository.manifest(which()).await.unwrap_err().to_string();
    assert!(
        manifest_error.contains("from https to plain http"),
        "{manifest_error}"
    );
    for bytes in [b"{}".to_vec(), large()] {
        let (descriptor, content) = blob(&bytes);
        let pushed = repository.push_blob(descriptor, content).await;
        let error = pushed.unwrap_err().to_string();
        assert!(error.contains("from https to plain http"), "{error}");
    }
    let error = repository.tags().await.unwrap_err().to_string();
    assert!(error.contains("from https to plain http"), "{error}");
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn who_is_reached_by_a_redirect_gets_no_credentials() {
    let authority = Authority::new();
    let service = authority.stage(Demand::Nothing, token).await;
    let realm = https(&service, "token");
    let greedy = move |_: &Seen| {
        Reply::challenge("Basic realm=\"r\"").header(
            "www-authenticate",
            format!(r#"Bearer realm="{realm}",service="s""#),
        )
    };
    let elsewhere = authority.stage(Demand::Nothing, greedy).await;
    let to = https(&elsewhere, "blob");
    let play = move |seen: &Seen| match seen.header("authorization") {
        None => Reply::challenge("Basic realm=\"r\""),
        Some(_) => Reply::new(307).header("location", &to),
    };
    let registry = authority.stage(Demand::Nothing, play).await;

    let outcome = fetch(&at(&registry, as_alice(authority.options()))).await;

    assert!(matches!(outcome, Err(FetchError::Access(_))), "{outcome:?}");
    let sent = registry.requests();
    assert_eq!(
        sent[1].header("authorization"),
        Some(&*basic("alice", "pw"))
    );
    let reached = elsewhere.requests();
    assert_eq!(reached.len(), 1);
    assert_eq!(reached[0].header("authorization"), None);
    assert_eq!(service.requests().len(), 0);
}
