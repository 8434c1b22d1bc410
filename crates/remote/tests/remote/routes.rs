//! Which way leads to which host.

use eigenpack_oci::RegistryHost;
use eigenpack_remote::{RemoteOptions, RemoteRegistry, Route};

use crate::fixture::{blob, read};
use crate::stage::{Reply, Seen, Stage};

fn content(_: &Seen) -> Reply {
    Reply::new(200).body("{}")
}

/// Returns the way through a stage.
fn through(proxy: &Stage) -> Route {
    let url = format!("http://{}", proxy.address);
    Route::Through(url.parse().unwrap())
}

/// Reads the blob that every stage has.
async fn fetch(host: &RegistryHost, options: &RemoteOptions) {
    let registry = RemoteRegistry::new(host.clone(), options.clone()).unwrap();
    let repository = registry.repository("a".parse().unwrap());
    assert_eq!(read(&repository, &blob(b"{}").0, 0).await.unwrap(), b"{}");
}

/// Returns the hosts that a proxy was asked for since the last time.
fn asked_for(proxy: &Stage) -> Vec<String> {
    let requests = proxy.requests();
    proxy.forget();
    requests.into_iter().map(|seen| seen.host).collect()
}

#[tokio::test]
async fn a_host_has_a_way_of_its_own() {
    let (general, own) = (Stage::plain(content).await, Stage::plain(content).await);
    let mut options = general.as_proxy();
    options.proxy.no_proxy = "named.test".to_owned();
    let named = "named.test".parse().unwrap();
    options.host(&named).route = Some(through(&own));
    fetch(&named, &options).await;
    fetch(&"other.test".parse().unwrap(), &options).await;
    assert_eq!(asked_for(&own), ["named.test"]);
    assert_eq!(asked_for(&general), ["other.test"]);
}

#[tokio::test]
async fn loopback_is_reached_through_a_proxy_if_that_is_said_of_it() {
    let (registry, proxy) = (Stage::plain(content).await, Stage::plain(content).await);
    let mut options = proxy.as_proxy();
    fetch(&registry.host(), &options).await;
    assert_eq!(asked_for(&proxy), [""; 0]);
    options.host(&registry.host()).route = Some(through(&proxy));
    fetch(&registry.host(), &options).await;
    assert_eq!(asked_for(&proxy), [registry.host().as_str()]);
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn a_way_is_for_a_host_and_not_for_whom_it_leads_to() {
    let elsewhere = Stage::plain(content).await;
    let to = format!("http://{}/blob", elsewhere.address);
    let registry = Stage::plain(move |_| Reply::new(307).header("location", &to)).await;
    let (general, own) = (Stage::plain(content).await, Stage::plain(content).await);
    let mut options = general.as_proxy();
    options.host(&registry.host()).route = Some(Route::Direct);
    fetch(&registry.host(), &options).await;
    assert_eq!(elsewhere.requests().len(), 1);
    options.host(&elsewhere.host()).route = Some(through(&own));
    fetch(&registry.host(), &options).await;
    assert_eq!(asked_for(&own), [elsewhere.host().as_str()]);
    assert_eq!(
        (elsewhere.requests().len(), registry.requests().len()),
        (1, 2)
    );
    assert_eq!(asked_for(&general), [""; 0]);
}

#[tokio::test]
async fn docker_hub_is_one_host() {
    let (general, own) = (Stage::plain(content).await, Stage::plain(content).await);
    let mut options = general.as_proxy();
    options.host(&"docker.io".parse().unwrap()).route = Some(through(&own));
    fetch(&"index.docker.io".parse().unwrap(), &options).await;
    assert_eq!(asked_for(&own), ["registry-1.docker.io"]);
}
