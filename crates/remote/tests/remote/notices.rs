//! What a registry says beside its answers.

use std::sync::{Arc, Mutex};

use eigenpack_oci::{Event, Observer, Source as _, Target as _};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Requests};

use crate::embedded::Embedded;
use crate::fixture::{blob, options};

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
