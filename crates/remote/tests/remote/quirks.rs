//! What only some registries do, where no other test is about it: it breaks nothing.

use eigenpack_oci::distribution::fallback_tag;
use eigenpack_oci::{
    AccessError, Descriptor, FetchError, MediaType, Precondition, PushError, Pushed, RawManifest,
    Source as _, Tag, TagOrDigest, Target as _,
};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Feature, Moment, Requests};

use crate::embedded::Embedded;
use crate::fixture::{blob, large, manifest, pieces, read};
use crate::guarded::{Guarded, Rules, alice, basic, for_alice, password, which};
use crate::stage::{Reply, Stage};

fn tag() -> Tag {
    "v1".parse().unwrap()
}

/// An index with one referrer, of this type where one is given.
fn index(artifact_type: Option<&str>) -> String {
    let mut descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, b"{}");
    descriptor.artifact_type = artifact_type.map(|kind| kind.parse().unwrap());
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::IMAGE_INDEX,
        "manifests": [descriptor],
    })
    .to_string()
}

/// Lists the referrers of one type, where this is wrong with the API and the fallback tag lists one.
async fn listed(running: &Embedded, fault: impl Into<Fault>) -> Vec<Descriptor> {
    let subject = manifest("1").digest().clone();
    let tag = fallback_tag(&subject).unwrap();
    let fallback = index(Some("a/fallback"));
    let fallback = RawManifest::new(MediaType::IMAGE_INDEX, fallback.into());
    running.add_manifest(tag.as_str(), &fallback).await;
    running.next(&Requests::to(Endpoint::Referrers), [fault.into()]);
    let listed = running.repository().referrers(subject, None).await;
    listed.unwrap()
}

fn kinds(listed: &[Descriptor]) -> Vec<&str> {
    let kinds = listed.iter().filter_map(|one| one.artifact_type.as_ref());
    kinds.map(MediaType::as_str).collect()
}

#[tokio::test]
async fn a_registry_without_referrers_says_so_in_many_ways() {
    let running = Embedded::start().await;
    let page = "<html>Sign in</html>";
    for answer in [
        Fault::answer(404).body(page),
        Fault::answer(405),
        Fault::answer(501),
        Fault::answer(200)
            .header("content-type", "text/html")
            .body(page),
    ] {
        assert_eq!(kinds(&listed(&running, answer).await), ["a/fallback"]);
    }
}

#[tokio::test]
async fn referrers_that_are_on_a_page_of_another_host_are_not_asked_for() {
    // GHCR leads to a page that limits requests, others to a login.
    let elsewhere = Stage::plain(|_| Reply::new(429)).await;
    let running = Embedded::start().await;
    for status in [301, 302, 303, 307] {
        let redirect = Fault::Redirect {
            to: format!("http://{}/login", elsewhere.address),
            status,
        };
        assert_eq!(kinds(&listed(&running, redirect).await), ["a/fallback"]);
    }
    assert_eq!(elsewhere.requests().len(), 0);
    // Within the registry it is another address of the list.
    let redirect = Fault::redirect("{path}?again");
    assert_eq!(listed(&running, redirect).await, []);
}

#[tokio::test]
async fn a_list_of_referrers_may_go_by_another_type() {
    let running = Embedded::start().await;
    let answer = Fault::answer(200).header("content-type", "application/json");
    let answer = answer.body(index(Some("a/x")));
    assert_eq!(kinds(&listed(&running, answer).await), ["a/x"]);
}

#[tokio::test]
async fn referrers_may_be_filtered_and_have_no_type() {
    let running = Embedded::start().await;
    let source = running.repository();
    let list = async |answer: eigenpack_registry::fault::Answer| {
        running.next(&Requests::to(Endpoint::Referrers), [answer.into()]);
        let subject = manifest("1").digest().clone();
        let wanted = Some("a/x".parse().unwrap());
        source.referrers(subject, wanted).await.unwrap().len()
    };
    let answer = |kind| Fault::answer(200).body(index(kind));
    let filtered = |kind| answer(kind).header("OCI-Filters-Applied", "artifactType");
    assert_eq!(list(filtered(None)).await, 1);
    assert_eq!(list(filtered(Some("a/y"))).await, 0);
    assert_eq!(list(answer(None)).await, 0);
}

#[tokio::test]
async fn content_always_goes_as_octets() {
    // The reference registry fails on chunks of another type, and others on blobs without one.
    let limit = Requests::to(Endpoint::UploadClose).content_over(5 << 20);
    let running = Embedded::with(limit, Fault::answer(413)).await;
    let target = running.repository();
    let very_large = vec![7; 6 << 20];
    for content in [b"{}".to_vec(), large(), very_large] {
        let (descriptor, content) = blob(&content);
        target.push_blob(descriptor, content).await.unwrap();
    }
    let exchanges = running.recorder.exchanges();
    let with_content: Vec<_> = exchanges.iter().filter(|one| one.bytes_in > 0).collect();
    for endpoint in [
        Endpoint::UploadStart,
        Endpoint::UploadChunk,
        Endpoint::UploadClose,
    ] {
        assert!(with_content.iter().any(|one| one.endpoint == endpoint));
    }
    for one in with_content {
        assert_eq!(one.header("content-type"), Some("application/octet-stream"));
    }
}

#[tokio::test]
async fn a_registry_without_chunks_gets_all_at_once() {
    // Google's refuses PATCH. Chunks are tried where it forgot what broke off.
    let content = vec![7; 17 << 20];
    let running = Embedded::start().await;
    let closes = Requests::to(Endpoint::UploadClose);
    let plan = FaultPlan::new()
        .rule(closes.nth(1), Fault::Reset(Moment::RequestBytes(1 << 20)))
        .rule(Requests::to(Endpoint::UploadStatus), Fault::answer(404))
        .rule(Requests::to(Endpoint::UploadChunk), Fault::answer(405));
    running.faults.replace(plan);
    let (descriptor, _) = blob(&content);
    let target = running.repository();
    let pushed = target.push_blob(descriptor, pieces(&content, 1_000_000));
    assert_eq!(pushed.await.unwrap(), Pushed::Uploaded);
    assert!(running.has_blob(&content).await);
    let exchanges = running.recorder.exchanges();
    let last = exchanges.last().unwrap();
    assert_eq!(last.summary(), "PUT upload-close ?digest");
    assert_eq!(last.bytes_in, content.len() as u64);
}

#[tokio::test]
async fn a_mount_may_be_refused_or_not_known() {
    let starts = Requests::to(Endpoint::UploadStart);
    for fault in [
        Fault::answer(400).into(),
        Fault::answer(403).into(),
        Fault::answer(404).into(),
        Fault::answer(405).into(),
        Fault::answer(415).into(),
        Fault::Ignore(Feature::Mount),
    ] {
        let running = Embedded::start().await;
        running.next(&starts, [Fault::clone(&fault)]);
        let (descriptor, content) = blob(&large());
        let pushed = running.repository().push_blob(descriptor, content).await;
        assert_eq!(pushed.unwrap(), Pushed::Uploaded, "{fault:?}");
        assert!(running.has_blob(&large()).await);
    }
}

#[tokio::test]
async fn a_project_that_is_not_there_is_a_repository_that_is_not_there() {
    // Harbor's code is none of the specification.
    let running = Embedded::start().await;
    let body = r#"{"errors":[{"code":"NOT_FOUND","message":"project org not found"}]}"#;
    let starts = Requests::to(Endpoint::UploadStart);
    running.next(&starts, [Fault::answer(404).body(body).into()]);
    let (descriptor, content) = blob(b"{}");
    let error = running.repository().push_blob(descriptor, content).await;
    let error = error.unwrap_err();
    assert!(matches!(error, PushError::RepositoryNotFound), "{error:?}");
}

#[tokio::test]
async fn a_type_that_a_registry_does_not_take_is_told_in_its_words() {
    let running = Embedded::start().await;
    for (status, code) in [(415, "MANIFEST_INVALID"), (400, "MANIFEST_INVALID")] {
        let message = "unsupported config media type";
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
        let puts = Requests::to(Endpoint::Manifest);
        running.next(&puts, [Fault::answer(status).body(body).into()]);
        let target = running.repository();
        let error = target.push_manifest(manifest("1"), vec![tag()], Precondition::Any);
        let error = error.await.unwrap_err();
        let PushError::Access(AccessError::Registry(answer)) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(
            (answer.status, answer.message.as_deref()),
            (status, Some(message))
        );
    }
}

#[tokio::test]
async fn the_type_of_a_manifest_may_have_parameters() {
    let running = Embedded::start().await;
    let raw = manifest("1");
    running.add_manifest("v1", &raw).await;
    let with_parameters = format!("{}; charset=utf-8", raw.media_type());
    let fault = Fault::header("content-type", &with_parameters);
    running.next(&Requests::all(), [fault]);
    assert_eq!(
        running.repository().manifest(tag().into()).await.unwrap(),
        raw
    );
}

#[tokio::test]
async fn all_types_of_manifests_are_accepted() {
    // Version 3 of the reference registry denies that it has what is not accepted.
    let running = Embedded::start().await;
    running.add_manifest("v1", &manifest("1")).await;
    running.repository().manifest(tag().into()).await.unwrap();
    let asked = &running.recorder.exchanges()[0];
    let accepted = asked.header("accept").unwrap();
    for kind in MediaType::MANIFESTS {
        assert!(accepted.contains(kind.as_str()), "{accepted}");
    }
}

#[tokio::test]
async fn of_a_token_and_a_password_the_token_is_got() {
    // Gitea demands both, in two headers, names no service, and does not say how long a token is good.
    let stage = Stage::plain(|seen| match (seen.path(), seen.header("authorization")) {
        ("/v2/token", Some(who)) if who == basic("alice", "pw") => {
            Reply::new(200).body(r#"{"token":"t"}"#)
        }
        (_, Some("Bearer t")) => Reply::new(404),
        _ => Reply::challenge("Basic realm=\"Gitea\"").header(
            "www-authenticate",
            format!("Bearer realm=\"http://{}/v2/token?account=1\"", seen.host),
        ),
    })
    .await;
    let provider = eigenpack_remote::credentials::GivenCredentials::new(alice());
    let registry = stage.registry(Some(std::sync::Arc::new(provider)));
    let source = registry.repository("a/b".parse().unwrap());
    for _ in 0..2 {
        let error = source.manifest(which()).await.unwrap_err();
        assert!(
            matches!(error, FetchError::ManifestNotFound(_)),
            "{error:?}"
        );
    }
    let requests = stage.requests();
    let targets: Vec<_> = requests.iter().map(|seen| seen.target.as_str()).collect();
    let manifest = "/v2/a/b/manifests/v1";
    let token = "/v2/token?account=1&scope=repository%3Aa%2Fb%3Apull";
    assert_eq!(targets, [manifest, token, manifest, manifest]);
}

#[tokio::test]
async fn a_password_may_be_a_whole_key_file() {
    // Google's is JSON, with line breaks and colons; Amazon's and Azure's are tokens of many characters.
    let key =
        "{\n  \"type\": \"service_account\",\n  \"id\": \"a:b\",\n  \"text\": \"\u{e4}\"\n}\n";
    let token = "x".repeat(4000);
    for (user, secret) in [
        ("_json_key", key),
        ("AWS", &token),
        ("00000000-0000-0000-0000-000000000000", &token),
    ] {
        for rules in [
            Rules {
                basic: Some(basic(user, secret)),
                ..Rules::default()
            },
            Rules {
                accounts: vec![basic(user, secret)],
                ..for_alice()
            },
        ] {
            let guarded = Guarded::start(rules).await;
            let target = guarded.repository(password(user, secret));
            let (descriptor, content) = blob(b"{}");
            target.push_blob(descriptor.clone(), content).await.unwrap();
            assert_eq!(read(&target, &descriptor, 0).await.unwrap(), b"{}");
        }
    }
}

#[tokio::test]
async fn a_registry_that_deletes_nothing_says_so_in_two_ways() {
    let running = Embedded::start().await;
    let raw = manifest("1");
    let unsupported = r#"{"errors":[{"code":"UNSUPPORTED"}]}"#;
    for status in [400, 405] {
        let answer = Fault::answer(status).body(unsupported);
        for which in [tag().into(), TagOrDigest::Digest(raw.digest().clone())] {
            running.next(&Requests::all(), [answer.clone().into()]);
            let error = running.repository().delete(which).await.unwrap_err();
            assert!(matches!(error, PushError::Unsupported(_)), "{error:?}");
        }
    }
}
