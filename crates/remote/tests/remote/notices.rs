//! What a registry says beside its answers.

use std::io;
use std::sync::{Arc, Mutex};

use eigenpack_oci::{Event, Observer, Source as _, Target as _};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Requests};

use crate::embedded::Embedded;
use crate::fixture::{blob, options};
use crate::logged::Log;

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn event(&self, event: Event<'_>) {
        if let Event::Warning { host, text } = event {
            self.0.lock().unwrap().push(format!("{host}: {text}"));
        }
    }
}

#[tokio::test]
async fn each_warning_is_told_once_by_whichever_answer_it_comes() {
    let registry = Embedded::start().await;
    let plan = FaultPlan::new()
        .rule(
            Requests::to(Endpoint::Tags),
            Fault::header("Warning", r#"299 - "The end is near.""#),
        )
        .rule(
            Requests::to(Endpoint::Blob),
            Fault::answer(404).header("Warning", "299 - \"No \u{e9}clair.\", 110 - \"stale\""),
        );
    registry.faults.replace(plan);
    let heard = Arc::new(Heard::default());
    let mut options = options();
    options.observer = heard.clone();
    let repository = registry.repository_with(options);
    for _ in 0..2 {
        // The first time there is no repository yet.
        drop(repository.tags().await);
        let (descriptor, content) = blob(b"content");
        let pushed = repository.push_blob(descriptor.clone(), content).await;
        pushed.unwrap();
        assert!(!repository.has_blob(descriptor).await.unwrap());
    }
    let host = &registry.host;
    let expected = [
        format!("{host}: The end is near."),
        format!("{host}: No \u{e9}clair."),
    ];
    assert_eq!(*heard.0.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_registry_that_always_warns_of_something_else_is_not_listened_to_for_ever() {
    let registry = Embedded::start().await;
    let heard = Arc::new(Heard::default());
    let mut options = options();
    options.observer = heard.clone();
    let repository = registry.repository_with(options);
    for n in 0..10 {
        let text = format!("299 - \"{n}{}\"", "x".repeat(1000));
        let plan = FaultPlan::new().rule(Requests::all(), Fault::header("Warning", &text));
        registry.faults.replace(plan);
        repository.tags().await.unwrap_err();
    }
    let heard = heard.0.lock().unwrap();
    assert!((1..10).contains(&heard.len()), "{heard:?}");
    assert!(heard.iter().map(String::len).sum::<usize>() < 5000);
}

#[tokio::test]
async fn a_limit_of_requests_is_logged_once() {
    let log = Log::default();
    let of_subscriber = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(move || -> Box<dyn io::Write> { Box::new(of_subscriber.clone()) })
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let registry = Embedded::start().await;
    let plan = FaultPlan::new()
        .rule(
            Requests::all(),
            Fault::header("RateLimit-Limit", "100;w=21600"),
        )
        .rule(
            Requests::all(),
            Fault::header("RateLimit-Remaining", "76;w=21600"),
        );
    registry.faults.replace(plan);
    let repository = registry.repository();
    for _ in 0..2 {
        repository.tags().await.unwrap_err();
    }
    let said = log.text();
    let line = "the registry limits requests: 76 of 100 requests are left in 6 h";
    assert_eq!(said.matches(line).count(), 1, "{said}");
}
