//! Faults: each does what the plan says, to the requests that it names and to no others.

use std::io;
use std::time::Duration;

use eigenpack_oci::Digest;
use eigenpack_registry::fault::{
    Endpoint, Fault, FaultPlan, Faults, Feature, Method, Moment, Requests,
};
use eigenpack_registry::{MemoryRegistry, Recorder, ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::{Running, manifest};

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

struct Faulty {
    server: Running,
    faults: Faults,
    recorder: Recorder,
}

impl Faulty {
    async fn start() -> Self {
        let (faults, recorder) = (Faults::default(), Recorder::new());
        let mut options = ServerOptions::default();
        options.faults = Some(faults.clone());
        options.recorder = Some(recorder.clone());
        let server = Running::start(MemoryRegistry::new(), options).await;
        Self {
            server,
            faults,
            recorder,
        }
    }

    /// Puts one rule in force.
    fn rule(&self, requests: Requests, fault: impl Into<Fault>) {
        self.faults.replace(FaultPlan::new().rule(requests, fault));
    }

    /// Sends a request and returns what came before the connection ended, and how it ended.
    async fn raw(&self, line: &str, body: &[u8]) -> (Vec<u8>, io::Result<usize>) {
        let length = body.len().to_string();
        let headers = [("Content-Length", length.as_str())];
        let request = self.server.request(line, &headers, body);
        let mut stream = TcpStream::connect(self.server.address).await.unwrap();
        // A server that breaks the connection may not read all of it.
        let _ = stream.write_all(&request).await;
        let mut answer = Vec::new();
        let end = timeout(PATIENCE, stream.read_to_end(&mut answer));
        let end = end.await.expect("the connection ends");
        (answer, end)
    }

    /// Sends a request, and returns what comes until nothing does for a while.
    async fn until_silence(&self, line: &str, body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.server.address).await.unwrap();
        let length = body.len().to_string();
        let headers = [("Content-Length", length.as_str())];
        let request = self.server.request(line, &headers, body);
        stream.write_all(&request).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let ended = timeout(Duration::from_millis(200), read).await;
        assert!(ended.is_err(), "{ended:?}");
        answer
    }
}

fn is_reset(end: &io::Result<usize>) -> bool {
    matches!(end, Err(error) if error.kind() == io::ErrorKind::ConnectionReset)
}

fn body_of(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    &answer[end.unwrap() + 4..]
}

#[tokio::test]
async fn an_answer_of_the_plan_keeps_the_request_from_the_registry() {
    let faulty = Faulty::start().await;
    let answer = Fault::answer(429).header("Retry-After", "7").body("slower");
    faulty.rule(Requests::to(Endpoint::Manifest).nth(1), answer);
    let refused = faulty.server.put("a/b", "v1", &manifest("1"), &[]).await;
    assert_eq!((refused.status, refused.text()), (429, "slower"));
    assert_eq!(refused.header("retry-after"), Some("7"));
    let absent = faulty.server.get("/v2/a/b/manifests/v1").await;
    assert_eq!(absent.status, 404);
    let put = faulty.server.put("a/b", "v1", &manifest("1"), &[]).await;
    assert_eq!(put.status, 201);
    faulty.rule(Requests::all(), Fault::answer(503));
    faulty.server.get("/v2/").await.refused(503, "UNKNOWN");

    let challenge = r#"Bearer realm="http://127.0.0.1/token",error="invalid_token""#;
    faulty.rule(Requests::all(), Fault::Unauthorized(challenge.to_owned()));
    let refused = faulty.server.get("/v2/a/b/manifests/v1").await;
    refused.refused(401, "UNAUTHORIZED");
    assert_eq!(refused.header("www-authenticate"), Some(challenge));

    faulty.rule(Requests::all(), Fault::redirect("http://else.test{path}"));
    let moved = faulty.server.get("/v2/a/b/tags/list?n=1").await;
    assert_eq!(moved.status, 307);
    let place = "http://else.test/v2/a/b/tags/list?n=1";
    assert_eq!(moved.header("location"), Some(place));
}

#[tokio::test]
async fn an_answer_of_the_plan_is_changed_and_broken_too() {
    let faulty = Faulty::start().await;
    let body = || Fault::answer(200).body("0123456789");
    for (fault, left) in [
        (Fault::Corrupt(3), "0122456789"),
        (Fault::Cut(4), "0123"),
        (Fault::Reset(Moment::BodyBytes(4)), "0123"),
        (Fault::Reset(Moment::BeforeHead), ""),
        (Fault::Reset(Moment::RequestBytes(1)), ""),
    ] {
        let is_reset_then = matches!(fault, Fault::Reset(_));
        let plan = FaultPlan::new().rule(Requests::all(), fault);
        faulty.faults.replace(plan.rule(Requests::all(), body()));
        let (answer, end) = faulty.raw("POST /token", b"abc").await;
        assert_eq!(is_reset(&end), is_reset_then, "{end:?}");
        let found = if answer.is_empty() {
            &answer
        } else {
            body_of(&answer)
        };
        assert_eq!(found, left.as_bytes());
    }
    // What comes after the answer is not looked at any more.
    let plan = FaultPlan::new().rule(Requests::all(), body());
    let plan = plan.rule(Requests::all(), Fault::Reset(Moment::AtOnce));
    faulty.faults.replace(plan);
    assert_eq!(faulty.server.get("/token").await.text(), "0123456789");
}

#[tokio::test]
async fn a_token_can_be_demanded() {
    let faulty = Faulty::start().await;
    let requests = Requests::to(Endpoint::Ping).authorization_other_than("Bearer abc");
    faulty.rule(requests, Fault::Unauthorized("Bearer".to_owned()));
    for (authorization, status) in [
        (None, 401),
        (Some("Bearer abcd"), 401),
        (Some("Bearer abc"), 200),
    ] {
        let headers: Vec<_> = authorization
            .map(|value| ("Authorization", value))
            .into_iter()
            .collect();
        let answer = faulty.server.ask("GET /v2/", &headers, b"").await;
        assert_eq!(answer.status, status, "{authorization:?}");
    }
}

#[tokio::test]
async fn connections_are_reset_and_cut() {
    let faulty = Faulty::start().await;
    let blob = vec![b'x'; 100_000];
    let digest = faulty.server.push_blob("a/b", &blob).await;
    let get = format!("GET /v2/a/b/blobs/{digest}");
    let reads = || Requests::to(Endpoint::Blob);
    for moment in [Moment::AtOnce, Moment::BeforeHead] {
        faulty.rule(reads(), Fault::Reset(moment));
        let (answer, end) = faulty.raw(&get, b"").await;
        assert!(answer.is_empty() && is_reset(&end), "{end:?}");
    }
    faulty.rule(reads(), Fault::Reset(Moment::BodyBytes(70_001)));
    let (answer, end) = faulty.raw(&get, b"").await;
    assert!(is_reset(&end), "{end:?}");
    assert_eq!(body_of(&answer), &blob[..70_001]);
    faulty.rule(reads(), Fault::Cut(70_001));
    let (answer, end) = faulty.raw(&get, b"").await;
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(body_of(&answer), &blob[..70_001]);
    let head = String::from_utf8_lossy(&answer);
    assert!(head.contains("content-length: 100000\r\n"), "{head}");
    // Beyond the end nothing happens.
    faulty.rule(reads(), Fault::Cut(100_000));
    assert_eq!(faulty.server.get(&get[4..]).await.body, blob);
}

#[tokio::test]
async fn what_came_of_a_request_before_a_reset_is_kept() {
    let faulty = Faulty::start().await;
    let location = faulty.server.open("a/b").await;
    let reset = Fault::Reset(Moment::RequestBytes(40_000));
    faulty.rule(Requests::to(Endpoint::UploadChunk), reset);
    let patch = format!("PATCH {location}");
    let (answer, end) = faulty.raw(&patch, &vec![b'x'; 90_000]).await;
    assert!(answer.is_empty(), "{answer:?}");
    assert!(is_reset(&end), "{end:?}");
    let status = faulty.server.get(&location).await;
    assert_eq!(status.header("range"), Some("0-39999"));
    // Before the head, everything was carried out.
    faulty.rule(
        Requests::to(Endpoint::UploadChunk),
        Fault::Reset(Moment::BeforeHead),
    );
    assert!(is_reset(&faulty.raw(&patch, b"01234").await.1));
    let status = faulty.server.get(&location).await;
    assert_eq!(status.header("range"), Some("0-40004"));
    assert_eq!(faulty.recorder.exchanges()[1].status, None);
}

#[tokio::test]
async fn nothing_moves_where_it_stalls() {
    let faulty = Faulty::start().await;
    let digest = faulty.server.push_blob("a/b", b"0123456789").await;
    let get = format!("GET /v2/a/b/blobs/{digest}");
    for moment in [Moment::AtOnce, Moment::BeforeHead] {
        faulty.rule(Requests::all(), Fault::stall(moment));
        assert_eq!(faulty.until_silence(&get, b"").await, b"");
    }
    faulty.rule(Requests::all(), Fault::stall(Moment::BodyBytes(4)));
    assert_eq!(body_of(&faulty.until_silence(&get, b"").await), b"0123");
    let pause = Fault::Stall {
        at: Moment::BodyBytes(4),
        time: Some(Duration::from_millis(1)),
    };
    faulty.rule(Requests::all(), pause);
    assert_eq!(faulty.server.get(&get[4..]).await.body, b"0123456789");
    faulty.recorder.clear();
    faulty.rule(Requests::all(), Fault::stall(Moment::RequestBytes(2)));
    let post = format!("POST /v2/a/b/blobs/uploads/?digest={digest}");
    assert_eq!(faulty.until_silence(&post, b"0123456789").await, b"");
    let stalled = &faulty.recorder.exchanges()[0];
    assert_eq!((stalled.status, stalled.bytes_in), (None, 10));
}

#[tokio::test]
async fn bodies_and_heads_are_not_what_they_should_be() {
    let faulty = Faulty::start().await;
    let digest = faulty.server.push_blob("a/b", b"0123456789").await;
    let get = format!("GET /v2/a/b/blobs/{digest}");
    faulty.rule(Requests::all(), Fault::Corrupt(3));
    assert_eq!(faulty.server.get(&get[4..]).await.body, b"0122456789");
    let post = format!(
        "POST /v2/a/b/blobs/uploads/?digest={}",
        Digest::sha256(b"0122")
    );
    faulty.rule(Requests::all(), Fault::CorruptRequest(3));
    let taken = faulty.server.ask(&post, &[], b"0123");
    assert_eq!(taken.await.status, 201);
    faulty.rule(Requests::all(), Fault::Length(4));
    let (answer, end) = faulty.raw(&get, b"").await;
    assert_eq!((body_of(&answer), end.is_ok()), (b"0123".as_slice(), true));
    faulty.rule(Requests::all(), Fault::Length(40));
    let (answer, end) = faulty.raw(&get, b"").await;
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(body_of(&answer), b"0123456789");
    assert!(String::from_utf8_lossy(&answer).contains("content-length: 40\r\n"));
    let drip = Fault::Drip {
        bytes: 3.try_into().unwrap(),
        pause: Duration::from_millis(1),
    };
    faulty.rule(Requests::all(), drip);
    assert_eq!(faulty.server.get(&get[4..]).await.body, b"0123456789");

    let wrong = Digest::sha256(b"else");
    faulty.rule(Requests::all(), Fault::Digest(wrong.clone()));
    let stated = |name: &str| format!("docker-content-digest: {name}\r\n");
    let (answer, _) = faulty.raw(&get, b"").await;
    let head = String::from_utf8(answer).unwrap();
    assert!(head.contains(&stated(wrong.as_str())) && !head.contains(&stated(digest.as_str())));
    faulty.rule(
        Requests::all(),
        Fault::without_header("docker-content-digest"),
    );
    let bare = faulty.server.get(&get[4..]).await;
    assert_eq!(bare.header("docker-content-digest"), None);
    faulty.rule(Requests::all(), Fault::header("Warning", "299 - \"soon\""));
    let warned = faulty.server.get(&get[4..]).await;
    assert_eq!(warned.header("warning"), Some("299 - \"soon\""));
    let location = faulty.server.open("a/b").await;
    faulty.rule(Requests::to(Endpoint::UploadChunk), Fault::Status(201));
    let patch = format!("PATCH {location}");
    let patched = faulty.server.ask(&patch, &[], b"01").await;
    assert_eq!(
        (patched.status, patched.header("range")),
        (201, Some("0-1"))
    );
}

#[tokio::test]
async fn a_registry_may_know_less_than_others() {
    let faulty = Faulty::start().await;
    let digest = faulty.server.push_blob("a/b", b"0123456789").await;
    let start = "POST /v2/c/d/blobs/uploads/";
    let post = format!("{start}?digest={digest}");
    faulty.rule(Requests::all(), Fault::Ignore(Feature::SinglePost));
    let started = faulty.server.ask(&post, &[], b"0123456789").await;
    assert_eq!(started.status, 202);
    let mount = format!("{start}?mount={digest}&from=a/b");
    assert_eq!(faulty.server.ask(&mount, &[], b"").await.status, 201);
    faulty.rule(Requests::all(), Fault::Ignore(Feature::Mount));
    assert_eq!(faulty.server.ask(&mount, &[], b"").await.status, 202);
    assert_eq!(
        faulty.server.ask(&post, &[], b"0123456789").await.status,
        201
    );
    faulty.rule(Requests::all(), Fault::Ignore(Feature::Range));
    let get = format!("GET /v2/a/b/blobs/{digest}");
    let whole = faulty.server.ask(&get, &[("Range", "bytes=5-")], b"").await;
    assert_eq!((whole.status, whole.body.len()), (200, 10));
    faulty.rule(Requests::all(), Fault::Ignore(Feature::Precondition));
    for note in ["1", "2"] {
        let absent = [("If-None-Match", "*")];
        let put = faulty
            .server
            .put("a/b", "v1", &manifest(note), &absent)
            .await;
        assert_eq!(put.status, 201);
    }
    let limit = Requests::to(Endpoint::UploadClose).content_over(4);
    faulty.rule(limit, Fault::answer(413));
    let location = faulty.server.open("a/b").await;
    let put = format!("PUT {location}?digest={digest}");
    assert_eq!(
        faulty.server.ask(&put, &[], b"0123456789").await.status,
        413
    );
    let patch = format!("PATCH {location}");
    assert_eq!(
        faulty.server.ask(&patch, &[], b"0123456789").await.status,
        202
    );
    assert_eq!(faulty.server.ask(&put, &[], b"").await.status, 201);
    let challenge = Fault::Unauthorized("Basic realm=\"x\"".to_owned());
    faulty.rule(Requests::all().authorized(false), challenge);
    for (headers, status) in [(vec![], 401), (vec![("Authorization", "Basic x")], 200)] {
        let answer = faulty.server.ask("GET /v2/", &headers, b"").await;
        assert_eq!(answer.status, status);
    }
    faulty.rule(Requests::all().authorized(true), Fault::answer(403));
    let headers = [("Authorization", "Basic x")];
    assert_eq!(
        faulty.server.ask("GET /v2/", &headers, b"").await.status,
        403
    );
    assert_eq!(faulty.server.ask("GET /v2/", &[], b"").await.status, 200);
}

#[tokio::test]
async fn rules_count_the_requests_that_they_are_for() {
    let faulty = Faulty::start().await;
    let teapot = || Fault::answer(418);
    let plan = FaultPlan::new()
        .rule(Requests::to(Endpoint::Tags).nth(2), teapot())
        .rule(Requests::to(Endpoint::Ping).first(2), teapot())
        .rule(Requests::to(Endpoint::Catalog).after(1), teapot())
        .rule(
            Requests::to(Endpoint::Manifest)
                .method(Method::Head)
                .repository("a/b".parse().unwrap())
                .reference(eigenpack_oci::TagOrDigest::Tag("v1".parse().unwrap())),
            teapot(),
        );
    faulty.faults.replace(plan);
    let statuses = async |target: &str, count: usize| {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(faulty.server.get(target).await.status);
        }
        statuses
    };
    assert_eq!(statuses("/v2/a/b/tags/list", 3).await, [404, 418, 404]);
    assert_eq!(statuses("/v2/", 3).await, [418, 418, 200]);
    assert_eq!(statuses("/v2/_catalog", 3).await, [200, 418, 418]);
    for (line, status) in [
        ("HEAD /v2/a/b/manifests/v1", 418),
        ("GET /v2/a/b/manifests/v1", 404),
        ("HEAD /v2/a/b/manifests/v2", 404),
        ("HEAD /v2/a/c/manifests/v1", 404),
    ] {
        assert_eq!(faulty.server.ask(line, &[], b"").await.status, status);
    }
}

#[tokio::test]
async fn the_recorder_keeps_what_was_asked() {
    let faulty = Faulty::start().await;
    let digest = faulty.server.push_blob("a/b", b"0123456789").await;
    faulty.server.get(&format!("/v2/a/b/blobs/{digest}")).await;
    let location = faulty.server.open("a/b").await;
    let patch = format!("PATCH {location}");
    faulty.server.ask(&patch, &[], b"01").await;
    faulty.server.get("/elsewhere?x=1&y").await;
    assert_eq!(
        faulty.recorder.summaries(),
        [
            "POST upload-start ?digest",
            "GET blob",
            "POST upload-start",
            "PATCH upload-chunk",
            "GET other ?x&y"
        ]
    );
    let all = faulty.recorder.exchanges();
    let traffic: Vec<_> = (all.iter())
        .map(|one| (one.status, one.bytes_in, one.bytes_out))
        .collect();
    assert_eq!(traffic[..2], [(Some(201), 10, 0), (Some(200), 0, 10)]);
    assert_eq!(traffic[3], (Some(202), 2, 0));
    let places: Vec<_> = all.iter().map(|one| (one.connection, one.trip)).collect();
    assert_eq!(places, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
    assert_eq!(all[0].header("Content-Length"), Some("10"));
    faulty.recorder.clear();
    faulty.rule(Requests::all(), Fault::Gather(2.try_into().unwrap()));
    let both = tokio::join!(faulty.server.get("/v2/"), faulty.server.get("/v2/"));
    assert_eq!((both.0.status, both.1.status), (200, 200));
    assert_eq!(
        (faulty.recorder.trips(), faulty.recorder.connections()),
        (1, 2)
    );
}
