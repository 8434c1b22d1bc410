//! Networks and servers that fail: what is tried again, what is not, and that it ends.

use std::time::Duration;

use eigenpack_oci::{
    AccessError, FetchError, NetworkErrorKind, Precondition, PushError, Pushed, Source as _,
    TagOrDigest, Target as _,
};

use crate::fixture::{blob, large, manifest, options, pieces, read, repository, repository_with};
use crate::registry::{Behaviour, Mount, Running, SinglePost};
use crate::server::{Reply, ReplyFault};

fn reset() -> Reply {
    Reply::new(0).broken(ReplyFault::Reset)
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let running = Running::start(Behaviour::default()).await;
    let target = repository(&running);
    let raw = manifest("1");
    for fault in [408, 429, 500, 502, 503, 504]
        .map(Reply::new)
        .into_iter()
        .chain([reset()])
    {
        running.server.forget();
        for (method, path) in [
            ("POST", "/uploads/"),
            ("PUT", "/manifests/"),
            ("GET", "/manifests/"),
        ] {
            running.script(method, path, fault.clone().header("retry-after", "0"));
        }
        let (descriptor, content) = blob(b"{}");
        target.push_blob(descriptor, content).await.unwrap();
        let tags = vec!["v1".parse().unwrap()];
        target
            .push_manifest(raw.clone(), tags, Precondition::Any)
            .await
            .unwrap();
        target
            .manifest(TagOrDigest::Tag("v1".parse().unwrap()))
            .await
            .unwrap();
        assert_eq!(running.server.requests().len(), 6, "{fault:?}");
    }
}

#[tokio::test]
async fn an_upload_that_breaks_starts_afresh() {
    for fault in [reset(), Reply::new(503), Reply::new(404), Reply::new(416)] {
        let behaviour = Behaviour {
            single_post: SinglePost::Accepted,
            mount: Mount::AlwaysAccepted,
            ..Behaviour::default()
        };
        let running = Running::start(behaviour).await;
        running.script("PUT", "/uploads/s1", fault);
        let (descriptor, _) = blob(&large());
        let target = repository(&running);
        let pushed = target.push_blob(descriptor, pieces(&large(), 50_000));
        assert_eq!(pushed.await.unwrap(), Pushed::Uploaded);
        assert!(running.has_blob(&large()));
        let paths: Vec<_> = running
            .server
            .requests()
            .into_iter()
            .map(|r| (r.method, r.path))
            .collect();
        let path = |end: &str| format!("/v2/a/b/blobs/uploads/{end}");
        assert_eq!(
            paths,
            [("POST", ""), ("PUT", "s1"), ("POST", ""), ("PUT", "s2")]
                .map(|(method, end)| (method.to_owned(), path(end)))
        );
    }
}

#[tokio::test]
async fn a_download_that_breaks_goes_on_where_it_was() {
    for ranges in [true, false] {
        let running = Running::start(Behaviour {
            ranges,
            ..Behaviour::default()
        })
        .await;
        running.add_blob(&large());
        let cut = Reply::new(200)
            .body(large())
            .broken(ReplyFault::CutAfter(100_000));
        running.script("GET", "/blobs/", cut);
        let (descriptor, _) = blob(&large());
        let content = read(&repository(&running), &descriptor, 0).await.unwrap();
        assert_eq!(content, large());
        let requests = running.server.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[1].header("range"), Some("bytes=100000-"));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_last_byte_does_no_harm() {
    let running = Running::start(Behaviour::default()).await;
    let announced = Reply::new(200).body("good").broken(ReplyFault::Announce(5));
    running.script("GET", "/blobs/", announced);
    let (descriptor, _) = blob(b"good");
    let content = read(&repository(&running), &descriptor, 0).await.unwrap();
    assert_eq!(content, b"good");
    assert_eq!(running.server.requests().len(), 1);
}

#[tokio::test]
async fn a_manifest_that_is_cut_is_asked_for_again() {
    let running = Running::start(Behaviour::default()).await;
    let raw = manifest("1");
    running.add_manifest("v1", raw.media_type().as_str(), raw.bytes());
    let cut = Reply::new(200)
        .body(raw.bytes().to_vec())
        .broken(ReplyFault::CutAfter(10));
    running.script("GET", "/manifests/", cut);
    let which = TagOrDigest::Tag("v1".parse().unwrap());
    assert_eq!(repository(&running).manifest(which).await.unwrap(), raw);
}

#[tokio::test]
async fn trying_again_ends() {
    let running = Running::start(Behaviour::default()).await;
    let source = repository(&running);
    let which = || TagOrDigest::Tag("v1".parse().unwrap());
    for _ in 0..5 {
        running.script(
            "GET",
            "/manifests/",
            Reply::new(429).header("retry-after", "999999"),
        );
    }
    let error = source.manifest(which()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::RateLimited(_))),
        "{error:?}"
    );
    assert_eq!(running.server.requests().len(), 5);
    for _ in 0..5 {
        running.script("GET", "/manifests/", reset());
    }
    let error = source.manifest(which()).await.unwrap_err();
    assert!(
        matches!(
            error,
            FetchError::Access(AccessError::Network {
                kind: NetworkErrorKind::Broken,
                ..
            })
        ),
        "{error:?}"
    );
    assert_eq!(running.server.requests().len(), 10);
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_not_begun() {
    let running = Running::start(Behaviour::default()).await;
    let mut options = options();
    options.operation_timeout = Duration::from_secs(30);
    options.retry.max_retry_after = Duration::from_hours(1);
    running.script(
        "GET",
        "/manifests/",
        Reply::new(503).header("retry-after", "3600"),
    );
    let which = TagOrDigest::Tag("v1".parse().unwrap());
    let error = repository_with(&running, options)
        .manifest(which)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, FetchError::Access(AccessError::Registry(answer)) if answer.status == 503),
        "{error:?}"
    );
}

#[tokio::test]
async fn silence_ends() {
    let running = Running::start(Behaviour::default()).await;
    let idle = || {
        let mut options = options();
        options.idle_timeout = Duration::from_millis(50);
        options
    };
    let deadline = || {
        let mut options = options();
        options.operation_timeout = Duration::from_millis(50);
        options
    };
    for options in [idle(), deadline()] {
        running.script(
            "GET",
            "/manifests/",
            Reply::new(200).broken(ReplyFault::Silence),
        );
        let which = TagOrDigest::Tag("v1".parse().unwrap());
        let error = repository_with(&running, options)
            .manifest(which)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                FetchError::Access(AccessError::Network {
                    kind: NetworkErrorKind::Timeout,
                    ..
                })
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn an_upload_is_not_led_astray() {
    let running = Running::start(Behaviour::default()).await;
    for location in ["ftp://127.0.0.1/x", "http://user:pw@127.0.0.1/x"] {
        running.server.forget();
        running.script(
            "POST",
            "/uploads/",
            Reply::new(202).header("location", location),
        );
        let (descriptor, content) = blob(b"{}");
        let error = repository(&running)
            .push_blob(descriptor, content)
            .await
            .unwrap_err();
        assert!(
            matches!(error, PushError::Access(AccessError::Refused { .. })),
            "{error:?}"
        );
        assert_eq!(running.server.requests().len(), 1);
    }
}
