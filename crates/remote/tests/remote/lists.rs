//! Lists: tags and referrers, page by page.

use eigenpack_oci::distribution::fallback_tag;
use eigenpack_oci::{AccessError, Descriptor, FetchError, MediaType, RawManifest, Source as _};

use eigenpack_registry::fault::{Answer, Endpoint, Fault, Requests};

use crate::embedded::Embedded;
use crate::fixture::{manifest, repository};
use crate::registry::{Behaviour, Running};
use crate::stage::{Reply, Stage};

fn tags(running: &Embedded, answer: Answer) {
    running.next(&Requests::to(Endpoint::Tags), [answer.into()]);
}

fn referrers(running: &Embedded, answers: impl IntoIterator<Item = Answer>) {
    let answers = answers.into_iter().map(Fault::from);
    running.next(&Requests::to(Endpoint::Referrers), answers);
}

#[tokio::test]
async fn tags_are_listed_to_the_last_page_in_byte_order() {
    // Our own registry gives all of them at once, unless it is asked for fewer.
    let running = Running::start(Behaviour {
        page_size: Some(2),
        ..Behaviour::default()
    })
    .await;
    for tag in ["v1", "_x", "V2", "a..b", "a-"] {
        running.add_manifest(tag, "x/y", b"{}");
    }
    let tags = repository(&running).tags().await.unwrap();
    let tags: Vec<_> = tags.iter().map(eigenpack_oci::Tag::as_str).collect();
    assert_eq!(tags, ["V2", "_x", "a-", "a..b", "v1"]);
    assert_eq!(
        running.server.summaries(),
        ["GET tags", "GET tags ?last", "GET tags ?last"]
    );
}

#[tokio::test]
async fn odd_lists_are_read_and_malformed_ones_refused() {
    let running = Embedded::start().await;
    let source = running.repository();
    for (body, count) in [
        (r#"{"name":"a/b","tags":null}"#, 0),
        (r#"{"name":"a/b"}"#, 0),
        (r#"{"tags":["b","a","b","not a tag","../x"]}"#, 2),
    ] {
        tags(&running, Fault::answer(200).body(body));
        assert_eq!(source.tags().await.unwrap().len(), count, "{body}");
    }
    tags(&running, Fault::answer(200).body("<html>"));
    let error = source.tags().await.unwrap_err();
    assert!(matches!(error, FetchError::Malformed(_)), "{error:?}");
    // An error quotes what the registry wrote, and of that no more than a line or two.
    let long = "x".repeat(1 << 20);
    let body = format!(r#"{{"tags":"\u001b[2J{long}"}}"#);
    tags(&running, Fault::answer(200).body(body));
    let said = source.tags().await.unwrap_err().to_string();
    assert!(said.contains("xxx") && said.len() < 1000, "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
    tags(&running, Fault::answer(404));
    let error = source.tags().await.unwrap_err();
    assert!(matches!(error, FetchError::RepositoryNotFound), "{error:?}");
}

#[tokio::test]
async fn pages_do_not_lead_in_circles_or_elsewhere() {
    let running = Embedded::start().await;
    for link in [
        "</v2/a/b/tags/list>; rel=next",
        "<http://127.0.0.1:1/v2/a/b/tags/list?x>; rel=next",
    ] {
        running.recorder.clear();
        tags(&running, Fault::answer(200).header("link", link).body("{}"));
        let error = running.repository().tags().await.unwrap_err();
        assert!(
            matches!(error, FetchError::Access(AccessError::Refused { .. })),
            "{error:?}"
        );
        assert_eq!(running.recorder.exchanges().len(), 1);
    }
}

fn index(kinds: &[&str]) -> String {
    let manifests: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let mut descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, kind.as_bytes());
            descriptor.artifact_type = Some(kind.parse().unwrap());
            descriptor
        })
        .collect();
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::IMAGE_INDEX,
        "manifests": manifests,
    })
    .to_string()
}

#[tokio::test]
async fn referrers_come_from_the_api_and_are_filtered_here_too() {
    let running = Embedded::start().await;
    let source = running.repository();
    let subject = manifest("1").digest().clone();
    let page = |kinds| Fault::answer(200).body(index(kinds));
    let first = page(&["a/x", "a/y"]).header("link", "<?p=2>; rel=next");
    referrers(&running, [first, page(&["a/x"])]);
    let wanted: MediaType = "a/x".parse().unwrap();
    let found = source
        .referrers(subject.clone(), Some(wanted))
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        running.recorder.summaries(),
        ["GET referrers ?artifactType", "GET referrers ?p"]
    );
    referrers(&running, [page(&["a/x", "a/y"])]);
    assert_eq!(source.referrers(subject, None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_goes_wrong_after_the_first_page_is_not_the_absence_of_the_api() {
    let running = Embedded::start().await;
    let source = running.repository();
    let subject = manifest("1").digest().clone();
    let first = || {
        let page = Fault::answer(200).body(index(&["a/x"]));
        page.header("link", "<?p=2>; rel=next")
    };
    let elsewhere = Fault::answer(302).header("location", "http://127.0.0.1:1/");
    for second in [
        Fault::answer(404),
        Fault::answer(405),
        Fault::answer(501),
        elsewhere,
    ] {
        running.recorder.clear();
        referrers(&running, [first(), second]);
        let error = source.referrers(subject.clone(), None).await.unwrap_err();
        assert!(
            matches!(error, FetchError::Access(AccessError::Registry(_))),
            "{error:?}"
        );
        assert_eq!(
            running.recorder.summaries(),
            ["GET referrers", "GET referrers ?p"]
        );
    }
    referrers(&running, [first(), Fault::answer(200).body("<html>")]);
    let error = source.referrers(subject, None).await.unwrap_err();
    assert!(matches!(error, FetchError::Malformed(_)), "{error:?}");
}

#[tokio::test]
async fn all_pages_of_referrers_have_a_limit_together() {
    let mut descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, b"1");
    let note = "x".repeat(4 * 1024 * 1024 - 1000);
    descriptor.annotations.insert("note".to_owned(), note);
    let page = serde_json::json!({"schemaVersion": 2, "manifests": [descriptor]}).to_string();
    let stage = Stage::plain(move |seen| {
        let number = seen
            .target
            .split_once("p=")
            .map_or(1, |(_, n)| n.parse().unwrap());
        assert!(number < 100, "there is no end");
        let next = format!("<?p={}>; rel=next", number + 1);
        Reply::new(200).header("link", next).body(page.clone())
    })
    .await;
    let source = stage.registry(None).repository("a/b".parse().unwrap());
    let subject = manifest("1").digest().clone();
    let error = source.referrers(subject, None).await.unwrap_err();
    assert!(
        matches!(
            error,
            FetchError::TooLarge {
                limit: 67_108_864,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(stage.requests().len(), 17);
}

#[tokio::test]
async fn without_the_api_the_fallback_tag_is_read() {
    let running = Embedded::start().await;
    let source = running.repository();
    let subject = manifest("1").digest().clone();
    running.add_manifest("v1", &manifest("1")).await;
    // No API and no tag: nothing refers to it.
    let without_api = || Fault::answer(404).body("404 page not found");
    referrers(&running, [without_api(), without_api()]);
    assert_eq!(source.referrers(subject.clone(), None).await.unwrap(), []);
    let tag = fallback_tag(&subject).unwrap();
    let listed = index(&["a/x", "a/y"]);
    let listed = RawManifest::new(MediaType::IMAGE_INDEX, listed.into());
    running.add_manifest(tag.as_str(), &listed).await;
    let wanted: MediaType = "a/y".parse().unwrap();
    let found = source
        .referrers(subject.clone(), Some(wanted.clone()))
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    // A page for people is no API either.
    referrers(&running, [Fault::answer(200).body("<html>")]);
    assert_eq!(
        source
            .referrers(subject.clone(), Some(wanted))
            .await
            .unwrap()
            .len(),
        1
    );
    // What is under the tag may be something else.
    let raw = manifest("2");
    running.add_manifest(tag.as_str(), &raw).await;
    referrers(&running, [without_api()]);
    assert_eq!(source.referrers(subject.clone(), None).await.unwrap(), []);
    // A denial is not an absence.
    referrers(&running, [Fault::answer(403)]);
    let error = source.referrers(subject, None).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::Denied(_))),
        "{error:?}"
    );
}
