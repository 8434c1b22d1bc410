use super::*;
use crate::distribution::host_knowledge::CAREFUL_CHUNK;

const SMALL: u64 = MAX_SINGLE_POST;
const LARGE: u64 = MAX_SINGLE_POST + 1;

fn upload(size: u64, knowledge: HostKnowledge) -> BlobUpload {
    let repository = "a/b".parse().unwrap();
    BlobUpload::new(&repository, &Digest::sha256(b""), size, knowledge)
}

fn answer(
    upload: &mut BlobUpload,
    status: u16,
    location: Option<&str>,
) -> Result<UploadProgress, UploadError> {
    let url = Url::parse("https://r.test/v2/a/b/blobs/uploads/").unwrap();
    upload.answered(UploadAnswer {
        status,
        url: &url,
        location,
        range: None,
        chunk_min_length: None,
    })
}

fn kind(upload: &BlobUpload) -> &'static str {
    match upload.step() {
        UploadStep::Check => "head",
        UploadStep::Start(UploadStart::Mount { .. }) => "mount",
        UploadStep::Start(_) => "post",
        UploadStep::Single(_) => "single",
        UploadStep::Chunk { .. } => "patch",
        UploadStep::Close { .. } => "put",
        UploadStep::Status(_) => "status",
    }
}

#[test]
fn the_plan_depends_on_size_and_knowledge() {
    let single = HostKnowledge {
        refuses_single_post: true,
        ..HostKnowledge::default()
    };
    let mounts = HostKnowledge {
        refuses_mounts: true,
        ..HostKnowledge::default()
    };
    for (size, knowledge, first) in [
        (0, HostKnowledge::default(), "single"),
        (SMALL, HostKnowledge::default(), "single"),
        (SMALL, mounts, "single"),
        (SMALL, single, "post"),
        (LARGE, HostKnowledge::default(), "mount"),
        (LARGE, single, "mount"),
        (LARGE, mounts, "head"),
    ] {
        assert_eq!(
            kind(&upload(size, knowledge)),
            first,
            "{size} {knowledge:?}"
        );
    }
}

#[test]
fn a_single_post_that_is_not_taken_goes_on_as_a_session() {
    let mut plain = upload(1, HostKnowledge::default());
    assert_eq!(
        answer(&mut plain, 201, None),
        Ok(UploadProgress::Done(Pushed::Uploaded))
    );

    let mut accepted = upload(1, HostKnowledge::default());
    assert_eq!(
        answer(&mut accepted, 202, Some("s?x=1")),
        Ok(UploadProgress::Continue)
    );
    let UploadStep::Close { url, from: 0 } = accepted.step() else {
        panic!()
    };
    assert!(
        url.as_str()
            .starts_with("https://r.test/v2/a/b/blobs/uploads/s?x=1&digest=sha256")
    );
    assert!(accepted.knowledge().refuses_single_post);
    assert_eq!(
        answer(&mut accepted, 201, None),
        Ok(UploadProgress::Done(Pushed::Uploaded))
    );

    for status in [400, 405, 411, 413, 415] {
        let mut refused = upload(1, HostKnowledge::default());
        assert_eq!(
            answer(&mut refused, status, None),
            Ok(UploadProgress::Continue)
        );
        assert_eq!(kind(&refused), "post");
        assert!(refused.knowledge().refuses_single_post);
    }
    for status in [200, 401, 403, 404, 408, 429, 500, 503] {
        let mut failed = upload(1, HostKnowledge::default());
        assert_eq!(
            answer(&mut failed, status, None),
            Err(UploadError::Status(status))
        );
        assert_eq!(failed.knowledge(), HostKnowledge::default());
    }
}

#[test]
fn a_mount_tells_whether_the_blob_is_there() {
    let mut there = upload(LARGE, HostKnowledge::default());
    assert_eq!(
        answer(&mut there, 201, None),
        Ok(UploadProgress::Done(Pushed::Existed))
    );
    let mut absent = upload(LARGE, HostKnowledge::default());
    answer(&mut absent, 202, Some("/s")).unwrap();
    assert_eq!(kind(&absent), "put");
    for status in [400, 403, 404, 405, 501] {
        let mut refused = upload(LARGE, HostKnowledge::default());
        answer(&mut refused, status, None).unwrap();
        assert!(refused.knowledge().refuses_mounts);
        // It may be there all the same.
        assert_eq!(kind(&refused), "head");
        answer(&mut refused, 404, None).unwrap();
        // What the plain POST is answered counts.
        assert_eq!(kind(&refused), "post");
        assert_eq!(
            answer(&mut refused, 404, None),
            Err(UploadError::Status(404))
        );
    }
}

#[test]
fn a_registry_that_may_ignore_mounts_is_asked_before_much_is_sent() {
    let mounts = HostKnowledge {
        mounts: true,
        ..HostKnowledge::default()
    };
    for (size, knowledge, next) in [
        (MAX_UNASKED, HostKnowledge::default(), "put"),
        (MAX_UNASKED + 1, HostKnowledge::default(), "head"),
        (MAX_UNASKED + 1, mounts, "put"),
    ] {
        let mut upload = upload(size, knowledge);
        answer(&mut upload, 202, Some("/s")).unwrap();
        assert_eq!(kind(&upload), next, "{size} {knowledge:?}");
    }
    let mut there = upload(HUGE, HostKnowledge::default());
    answer(&mut there, 202, Some("/s")).unwrap();
    let answered = answer(&mut there, 200, None);
    assert_eq!(answered, Ok(UploadProgress::Done(Pushed::Existed)));
    assert!(there.session().is_some(), "it is open, and nobody wants it");
    assert!(there.knowledge().refuses_mounts);

    let mut absent = upload(HUGE, HostKnowledge::default());
    answer(&mut absent, 202, Some("/s")).unwrap();
    answer(&mut absent, 404, None).unwrap();
    assert_eq!(bytes(&absent), (0, HUGE, "/s"));
    assert_eq!(absent.knowledge(), HostKnowledge::default());
}

#[test]
fn what_a_mount_did_says_how_the_next_one_is_understood() {
    let mut mounted = from("c/d", SMALL, HostKnowledge::default());
    answer(&mut mounted, 201, None).unwrap();
    let known = mounted.knowledge();
    assert!(known.mounts);
    // Not from there, but it may be here.
    let mut elsewhere = from("c/d", HUGE, known);
    answer(&mut elsewhere, 202, Some("/s")).unwrap();
    assert_eq!(kind(&elsewhere), "head");
    let answered = answer(&mut elsewhere, 200, None);
    assert_eq!(answered, Ok(UploadProgress::Done(Pushed::Existed)));
    assert_eq!(elsewhere.knowledge(), known);
}

#[test]
fn a_source_that_must_not_be_read_says_nothing_of_others() {
    for status in [403, 404] {
        for (size, next) in [(SMALL, "single"), (LARGE, "mount")] {
            let mut refused = from("c/d", size, HostKnowledge::default());
            answer(&mut refused, status, None).unwrap();
            assert_eq!(kind(&refused), next);
            assert!(!refused.mounts_from_elsewhere());
            assert_eq!(refused.knowledge(), HostKnowledge::default());
        }
    }
    let mut refused = from("c/d", SMALL, HostKnowledge::default());
    refused.source_refused();
    assert_eq!(kind(&refused), "single");
    assert_eq!(refused.knowledge(), HostKnowledge::default());
}

/// Plans the upload of what another repository of the registry, or the very same, has.
fn from(source: &str, size: u64, knowledge: HostKnowledge) -> BlobUpload {
    upload(size, knowledge).mounting_from(source.parse().unwrap())
}

#[test]
fn a_blob_that_is_in_the_registry_is_mounted_whatever_its_size() {
    for size in [0, SMALL, LARGE] {
        for (source, done) in [("c/d", Pushed::Mounted), ("a/b", Pushed::Existed)] {
            let mut there = from(source, size, HostKnowledge::default());
            let UploadStep::Start(UploadStart::Mount { from, .. }) = there.step() else {
                panic!("{size} {source}: {:?}", there.step())
            };
            assert_eq!(*from, Some(source.parse().unwrap()));
            let answered = answer(&mut there, 201, None);
            assert_eq!(answered, Ok(UploadProgress::Done(done)));
        }
        let mut ignored = from("c/d", size, HostKnowledge::default());
        answer(&mut ignored, 202, Some("/s")).unwrap();
        assert_eq!(kind(&ignored), "put");
        for status in [400, 405, 415, 501] {
            let mut refused = from("c/d", size, HostKnowledge::default());
            answer(&mut refused, status, None).unwrap();
            let next = if size == LARGE { "head" } else { "single" };
            assert_eq!(kind(&refused), next);
            assert_eq!(kind(&from("c/d", size, refused.knowledge())), next);
        }
        for status in [401, 408, 429, 503] {
            let mut put_off = from("c/d", size, HostKnowledge::default());
            let answered = answer(&mut put_off, status, None);
            assert_eq!(answered, Err(UploadError::Status(status)));
            assert_eq!(put_off.knowledge(), HostKnowledge::default());
            put_off.interrupted();
            assert_eq!(kind(&put_off), "mount");
        }
    }
}

#[test]
fn a_mount_that_is_only_put_off_is_not_refused() {
    for status in [401, 408, 429, 503] {
        let mut put_off = upload(LARGE, HostKnowledge::default());
        assert_eq!(
            answer(&mut put_off, status, None),
            Err(UploadError::Status(status))
        );
        assert_eq!(put_off.knowledge(), HostKnowledge::default());
    }
}

#[test]
fn a_head_decides_where_mounts_are_refused() {
    let known = HostKnowledge {
        refuses_mounts: true,
        ..HostKnowledge::default()
    };
    let mut there = upload(LARGE, known);
    assert_eq!(
        answer(&mut there, 200, None),
        Ok(UploadProgress::Done(Pushed::Existed))
    );
    let mut absent = upload(LARGE, known);
    answer(&mut absent, 404, None).unwrap();
    assert_eq!(kind(&absent), "post");
}

#[test]
fn a_bad_location_ends_it() {
    for (location, error) in [
        (None, LocationError::Missing),
        (
            Some("http://r.test/x"),
            LocationError::Downgrade {
                host: "r.test".into(),
            },
        ),
    ] {
        let mut upload = upload(1, HostKnowledge::default());
        assert_eq!(
            answer(&mut upload, 202, location),
            Err(UploadError::Location(error))
        );
    }
}

const HUGE: u64 = CAREFUL_CHUNK + SMALL_CHUNK;

/// Answers with a status and what an upload's session says of itself.
fn says(
    upload: &mut BlobUpload,
    status: u16,
    (location, range): (Option<&str>, Option<&str>),
) -> Result<UploadProgress, UploadError> {
    let url = Url::parse("https://r.test/v2/a/b/blobs/uploads/s").unwrap();
    upload.answered(UploadAnswer {
        status,
        url: &url,
        location,
        range,
        chunk_min_length: Some("5242880"),
    })
}

/// Starts an upload of so many bytes, up to its content.
fn started(size: u64, knowledge: HostKnowledge) -> BlobUpload {
    let mut started = upload(size, knowledge);
    answer(&mut started, 202, Some("/s")).unwrap();
    if kind(&started) == "head" {
        answer(&mut started, 404, None).unwrap();
    }
    started
}

/// Returns which bytes are sent next, and where to.
fn bytes(upload: &BlobUpload) -> (u64, u64, &str) {
    match upload.step() {
        UploadStep::Chunk { url, from, to } => (*from, *to, url.path()),
        UploadStep::Close { url, from } => (*from, upload.size, url.path()),
        step => panic!("{step:?}"),
    }
}

fn careful() -> HostKnowledge {
    HostKnowledge {
        forgets_broken_uploads: true,
        ..HostKnowledge::default()
    }
}

fn demanding() -> HostKnowledge {
    HostKnowledge {
        demands_chunks: true,
        ..HostKnowledge::default()
    }
}

#[test]
fn what_has_arrived_is_not_sent_again() {
    for (range, from) in [
        (Some("0-99999"), 100_000),
        (Some("0-0"), 0),
        (None, 0),
        (Some("bytes=0-1048575"), 1_048_576),
    ] {
        let mut broken = started(HUGE, HostKnowledge::default());
        assert_eq!(bytes(&broken), (0, HUGE, "/s"));
        broken.interrupted();
        assert_eq!(kind(&broken), "status");
        says(&mut broken, 204, (Some("/t"), range)).unwrap();
        assert_eq!(bytes(&broken), (from, HUGE, "/t"), "{range:?}");
        assert_eq!(kind(&broken), "put");
        assert_eq!(broken.acknowledged(), from);
    }
}

#[test]
fn all_may_have_arrived_already() {
    let mut broken = started(10 * MAX_SINGLE_POST, HostKnowledge::default());
    let range = format!("0-{}", 10 * MAX_SINGLE_POST - 1);
    broken.interrupted();
    says(&mut broken, 204, (None, Some(&range))).unwrap();
    let size = broken.size;
    assert_eq!(bytes(&broken), (size, size, "/s"));
    assert_eq!(kind(&broken), "put");
}

#[test]
fn more_than_there_is_cannot_have_arrived() {
    let mut broken = started(LARGE, HostKnowledge::default());
    broken.interrupted();
    says(&mut broken, 204, (None, Some("0-9999999999"))).unwrap();
    assert_eq!(kind(&broken), "post");
    assert_eq!(broken.session(), None);
}

#[test]
fn a_registry_that_forgets_gets_chunks_on_connections_of_their_own() {
    let mut forgotten = started(HUGE, HostKnowledge::default());
    assert!(!forgotten.wants_own_connections());
    forgotten.interrupted();
    says(&mut forgotten, 404, (None, None)).unwrap();
    assert_eq!(kind(&forgotten), "mount");
    answer(&mut forgotten, 202, Some("/t")).unwrap();
    // Only that the blob is not there shows that it was forgotten.
    assert_eq!(forgotten.knowledge(), HostKnowledge::default());
    answer(&mut forgotten, 404, None).unwrap();
    assert_eq!(forgotten.knowledge(), careful());
    assert!(forgotten.wants_own_connections());
    assert_eq!(bytes(&forgotten), (0, CAREFUL_CHUNK, "/t"));
    assert_eq!(kind(&forgotten), "patch");
    says(&mut forgotten, 202, (Some("/u"), Some("0-16777215"))).unwrap();
    assert_eq!(bytes(&forgotten), (CAREFUL_CHUNK, HUGE, "/u"));
    assert_eq!(kind(&forgotten), "put");
}

#[test]
fn a_blob_that_is_there_after_all_was_not_forgotten() {
    let mut answered = started(HUGE, HostKnowledge::default());
    answered.interrupted();
    says(&mut answered, 404, (None, None)).unwrap();
    let done = Ok(UploadProgress::Done(Pushed::Existed));
    assert_eq!(answer(&mut answered, 201, None), done);
    assert!(!answered.knowledge().forgets_broken_uploads);

    // The same where mounts are ignored, and only a HEAD tells.
    let mut ignoring = started(HUGE, HostKnowledge::default());
    ignoring.interrupted();
    says(&mut ignoring, 404, (None, None)).unwrap();
    answer(&mut ignoring, 202, Some("/t")).unwrap();
    assert_eq!(answer(&mut ignoring, 200, None), done);
    assert!(!ignoring.knowledge().forgets_broken_uploads);
}

#[test]
fn content_that_is_too_large_for_one_request_goes_in_chunks() {
    for status in [413, 416] {
        let mut refused = started(HUGE, HostKnowledge::default());
        says(&mut refused, status, (None, None)).unwrap();
        assert_eq!(kind(&refused), "post");
        assert_eq!(refused.knowledge(), demanding());
        assert!(!refused.wants_own_connections());
        // No chunk is smaller than the registry wants, but the last may be.
        says(&mut refused, 202, (Some("/t"), None)).unwrap();
        assert_eq!(bytes(&refused), (0, 5_242_880, "/t"));
        // Some answer 201 to a PATCH, with a range that stays behind, or no location.
        says(&mut refused, 201, (None, Some("0-1023"))).unwrap();
        assert_eq!(bytes(&refused), (5_242_880, 10_485_760, "/t"));
    }
    for (size, knowledge) in [(SMALL_CHUNK, HostKnowledge::default()), (HUGE, demanding())] {
        let mut hopeless = started(size, knowledge);
        let refusal = says(&mut hopeless, 413, (None, None));
        assert_eq!(refusal, Err(UploadError::Status(413)));
    }
}

#[test]
fn a_registry_that_takes_no_chunks_gets_all_at_once() {
    for status in [400, 405, 411, 415, 501] {
        let mut refused = started(HUGE, careful());
        assert_eq!(kind(&refused), "patch");
        says(&mut refused, status, (None, None)).unwrap();
        assert_eq!(kind(&refused), "post");
        says(&mut refused, 202, (Some("/t"), None)).unwrap();
        assert_eq!(bytes(&refused), (0, HUGE, "/t"));
        assert!(!refused.wants_own_connections());
        // There is no other way.
        let end = says(&mut refused, status, (None, None));
        assert_eq!(end, Err(UploadError::Status(status)));
    }
}

#[test]
fn a_rest_that_is_refused_is_followed_by_all_of_it_once() {
    let mut refused = started(HUGE, HostKnowledge::default());
    refused.interrupted();
    says(&mut refused, 204, (None, Some("0-99999"))).unwrap();
    says(&mut refused, 400, (None, None)).unwrap();
    assert_eq!(kind(&refused), "post");
    says(&mut refused, 202, (Some("/t"), None)).unwrap();
    assert_eq!(bytes(&refused), (0, HUGE, "/t"));
    refused.interrupted();
    assert_eq!(kind(&refused), "mount");
    says(&mut refused, 202, (Some("/u"), None)).unwrap();
    says(&mut refused, 404, (None, None)).unwrap();
    let end = says(&mut refused, 400, (None, None));
    assert_eq!(end, Err(UploadError::Status(400)));
}
