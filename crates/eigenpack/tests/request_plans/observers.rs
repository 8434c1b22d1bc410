//! Whoever was to hear of progress and of warnings hears of both, however the client was told of them.

use std::sync::{Arc, Mutex};

use eigenpack::oci::{Event, Observer};
use eigenpack::{Client, RemoteOptions};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Requests};

use crate::place::{Demand, Place, spec};

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn event(&self, event: Event<'_>) {
        let said = match event {
            Event::Warning { text, .. } => text.to_owned(),
            Event::BlobFetched(_) => "a blob".to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(said);
    }
}

#[tokio::test]
async fn an_observer_hears_of_warnings_and_of_progress() {
    let mut place = Place::start().await;
    place.push(spec(), false).await.unwrap();
    let warning = Fault::header("Warning", r#"299 - "The end is near.""#);
    let plan = FaultPlan::new().rule(Requests::to(Endpoint::Manifest), warning);
    place.meets(Demand::Nothing, plan);

    let heard = Arc::new(Heard::default());
    let mut options = RemoteOptions::default();
    options.observer = heard.clone();
    let host = place.host().parse().unwrap();
    for client in [
        Client::builder_with(options).plain_http(&host).build(),
        Client::builder().observer(heard.clone()).build(),
    ] {
        client.pull(&place.reference).await.unwrap();
        let heard = std::mem::take(&mut *heard.0.lock().unwrap());
        assert_eq!(heard, ["The end is near.", "a blob", "a blob"]);
    }
}
