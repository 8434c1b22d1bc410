use super::*;

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
    for status in [400, 403, 404, 405] {
        let mut refused = upload(LARGE, HostKnowledge::default());
        answer(&mut refused, status, None).unwrap();
        assert_eq!(kind(&refused), "post");
        assert!(refused.knowledge().refuses_mounts);
        // What the plain POST is answered counts.
        assert_eq!(
            answer(&mut refused, 404, None),
            Err(UploadError::Status(404))
        );
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
