//! Many artifacts side by side, by one client: few connections, and one token.

use eigenpack::{Client, PushOptions, Reference, RemoteOptions, TagStatus};
use futures_util::future::join_all;

use crate::place::{Demand, Place, Uploads, spec_with};

const MANY: usize = 100;

/// Returns the most connections that there may be: besides one for each request that may be in flight, one for the token
/// service, which is at the same address, and one that may be opened while another one is about to be free.
fn most_connections() -> usize {
    RemoteOptions::default().concurrency + 2
}

fn references(place: &Place) -> Vec<(usize, Reference)> {
    let reference = |n| (n, place.reference(&format!("org/my-avs:v{n}")));
    (0..MANY).map(reference).collect()
}

async fn push(client: Client, n: usize, reference: Reference) {
    let spec = spec_with(&n.to_string());
    let pushed = client.push(spec, &reference, PushOptions::default()).await;
    assert_eq!(pushed.unwrap().status, TagStatus::Created);
}

async fn pull(client: Client, n: usize, reference: Reference) {
    let pulled = client.pull(&reference).await.unwrap();
    assert_eq!(pulled.spec(), &spec_with(&n.to_string()));
}

/// Does it for each artifact at once.
async fn with_each<F>(place: &Place, work: fn(Client, usize, Reference) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let references = references(place).into_iter();
    let tasks = references.map(|(n, reference)| {
        let client = place.client.clone();
        tokio::spawn(work(client, n, reference))
    });
    for result in join_all(tasks).await {
        result.unwrap();
    }
}

/// Checks what was asked, where each artifact takes so many requests of a registry that demands nothing.
fn check(place: &Place, demand: Demand, requests: usize) {
    let accepted = place.recorder.accepted();
    assert!(accepted <= most_connections(), "{demand:?}: {accepted}");
    let exchanges = place.recorder.exchanges();
    let refused = exchanges.iter().filter(|one| one.status == Some(401));
    let refused = refused.count();
    // No more than were sent before the first answer.
    let most_refused = match demand {
        Demand::Nothing => 0,
        _ => RemoteOptions::default().concurrency,
    };
    assert!(refused <= most_refused, "{demand:?}: {refused}");
    let tokens = place.scopes().len();
    let expected = usize::from(matches!(demand, Demand::AnyToken | Demand::Token));
    assert_eq!(tokens, expected, "{demand:?}");
    assert_eq!(exchanges.len(), MANY * requests + refused + tokens);
}

#[tokio::test]
async fn a_hundred_artifacts_take_few_connections_and_one_token() {
    for demand in Demand::ALL {
        let mut place = Place::start().await;
        place.becomes(demand, Uploads::Single, &[]);
        with_each(&place, push).await;
        check(&place, demand, 4);
        place.becomes(demand, Uploads::Single, &[]);
        with_each(&place, pull).await;
        check(&place, demand, 3);
    }
}
