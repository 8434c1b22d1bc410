use super::*;
use proptest::prelude::*;

const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn parse(url: &str) -> Result<Endpoint, EndpointError> {
    match url.split_once('?') {
        Some((path, query)) => Endpoint::parse(path, Some(query)),
        None => Endpoint::parse(url, None),
    }
}

#[test]
fn renders_what_registries_know() {
    let repository: Repository = "org/my-avs".parse().unwrap();
    let digest: Digest = DIGEST.parse().unwrap();
    let encoded = DIGEST.replace(':', "%3A");
    let cases = [
        (Endpoint::Ping, "/v2/".to_owned()),
        (
            Endpoint::manifest(&repository, TagOrDigest::Tag("v1".parse().unwrap())),
            "/v2/org/my-avs/manifests/v1".to_owned(),
        ),
        (
            Endpoint::StartUpload {
                repository: repository.clone(),
                start: UploadStart::Mount {
                    digest: digest.clone(),
                    from: Some(repository.clone()),
                },
            },
            format!("/v2/org/my-avs/blobs/uploads/?mount={encoded}&from=org%2Fmy-avs"),
        ),
        (
            Endpoint::Referrers {
                repository,
                digest,
                artifact_type: Some("application/a+json".parse().unwrap()),
                last: None,
            },
            format!("/v2/org/my-avs/referrers/{DIGEST}?artifactType=application%2Fa%2Bjson"),
        ),
    ];
    for (endpoint, url) in cases {
        assert_eq!(endpoint.to_path_and_query(), url);
        assert_eq!(parse(&url), Ok(endpoint));
    }
}

#[test]
fn a_repository_may_be_named_like_an_endpoint() {
    let name_of = |url: &str| match parse(url).unwrap() {
        Endpoint::Manifest { repository, .. }
        | Endpoint::Blob { repository, .. }
        | Endpoint::StartUpload { repository, .. }
        | Endpoint::UploadSession { repository, .. }
        | Endpoint::Tags { repository, .. } => repository.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(name_of("/v2/manifests/manifests/x"), "manifests");
    assert_eq!(
        name_of("/v2/a/blobs/uploads/manifests/x"),
        "a/blobs/uploads"
    );
    assert_eq!(name_of("/v2/a/blobs/uploads/tags/list"), "a/blobs/uploads");
    assert_eq!(name_of("/v2/a/tags/list/tags/list"), "a/tags/list");
    assert_eq!(name_of("/v2/blobs/blobs/uploads/"), "blobs");
    assert_eq!(name_of("/v2/a/blobs/uploads"), "a");
    assert_eq!(name_of("/v2/a/blobs/uploads/1f-2_x"), "a");
    assert_eq!(
        name_of(&format!(
            "/v2/blobs/uploads/blobs/{}",
            DIGEST.replace(':', "%3a")
        )),
        "blobs/uploads"
    );
}

#[test]
fn refuses_paths_that_mislead() {
    use EndpointError::{Malformed, Unknown};
    for (url, error) in [
        ("/v2/a/../b/manifests/x", Malformed),
        ("/v2/%2e%2e/manifests/x", Malformed),
        ("/v2/a/%2E./manifests/x", Malformed),
        ("/v2/a//manifests/x", Malformed),
        ("/v2//manifests/x", Malformed),
        ("/v2/a%2fb/manifests/x", Malformed),
        ("/v2/a%5cb/manifests/x", Malformed),
        ("/v2/a%00/manifests/x", Malformed),
        ("/v2/a/manifests/x%", Malformed),
        ("/v2/a/manifests/x?tag=%f", Malformed),
        ("/v2/a/manifests/x?tag=%00", Malformed),
        ("/v1/a", Unknown),
        ("/v2x", Unknown),
        ("", Unknown),
        ("/v2/a", Unknown),
        ("/v2/a/", Unknown),
        ("/v2/a/tags", Unknown),
        ("/v2/a/tags/list/", Unknown),
    ] {
        assert_eq!(parse(url), Err(error), "{url}");
    }
}

#[test]
fn says_which_part_is_malformed() {
    use EndpointError as E;
    assert!(matches!(parse("/v2/A/manifests/x"), Err(E::Repository(_))));
    assert!(matches!(parse("/v2/manifests/x"), Err(E::Repository(_))));
    assert!(matches!(parse("/v2/a/manifests/"), Err(E::Tag(_))));
    assert!(matches!(parse("/v2/a/manifests/.x"), Err(E::Tag(_))));
    assert!(matches!(
        parse("/v2/a/manifests/sha256:1"),
        Err(E::Digest(_))
    ));
    assert!(matches!(parse("/v2/a/blobs/x"), Err(E::Digest(_))));
    assert!(matches!(parse("/v2/a/blobs/uploads/x.y"), Err(E::Session)));
    assert!(matches!(parse("/v2/a/tags/list?n=-1"), Err(E::Page)));
    assert!(matches!(parse("/v2/a/tags/list?n=%2B1"), Err(E::Page)));
    let upload = parse("/v2/a/blobs/uploads/?digest-algorithm=SHA");
    assert!(matches!(upload, Err(E::Algorithm)));
    let referrers = parse(&format!("/v2/a/referrers/{DIGEST}?artifactType=x"));
    assert!(matches!(referrers, Err(E::ArtifactType(_))));
}

#[test]
fn a_page_of_referrers_starts_after_a_digest() {
    let starts_after = |last: &str| match parse(&format!("/v2/a/referrers/{DIGEST}?last={last}")) {
        Ok(Endpoint::Referrers { last, .. }) => Ok(last.map(|last| last.to_string())),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let expected = Ok(Some(DIGEST.to_owned()));
    for same in [
        DIGEST.to_owned(),
        DIGEST.replace(':', "%3A"),
        DIGEST.replace('s', "%73"),
    ] {
        assert_eq!(starts_after(&same), expected, "{same}");
    }
    assert!(matches!(starts_after("x"), Err(EndpointError::Digest(_))));
}

#[test]
fn reads_a_media_type_whose_plus_was_not_encoded() {
    let url = format!("/v2/a/referrers/{DIGEST}?artifactType=application/a+json&x=y");
    assert!(matches!(
        parse(&url),
        Ok(Endpoint::Referrers { artifact_type: Some(t), .. }) if t.as_str() == "application/a+json"
    ));
}

fn parsed<T: FromStr<Err: fmt::Debug> + fmt::Debug>(
    pattern: &'static str,
) -> impl Strategy<Value = T> {
    pattern.prop_map(|text: String| text.parse().unwrap())
}

fn repositories() -> impl Strategy<Value = Repository> {
    parsed(
        "(manifests|blobs|uploads|tags|list|referrers|[a-z0-9]{1,4}([._]|__|-{1,2})[a-z0-9]{1,4})(/(manifests|blobs|uploads|tags|list|[a-z0-9]{1,3})){0,4}",
    )
}

fn digests() -> impl Strategy<Value = Digest> {
    parsed(
        "sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}|blake3([+._-][a-z0-9]{1,3}){0,2}:[A-Za-z0-9=_-]{1,20}",
    )
}

fn tags() -> impl Strategy<Value = Tag> {
    parsed("[A-Za-z0-9_][A-Za-z0-9._-]{0,20}")
}

fn pages() -> impl Strategy<Value = Page> {
    (any::<Option<u64>>(), prop::option::of("[^\\pC]{1,12}")).prop_map(|(n, last)| Page { n, last })
}

fn upload_starts() -> impl Strategy<Value = UploadStart> {
    prop_oneof![
        prop::option::of(
            "sha256|sha512|[a-z]{1,5}\\+[0-9]{1,4}".prop_map(|name| name.parse().unwrap())
        )
        .prop_map(|algorithm| UploadStart::Session { algorithm }),
        digests().prop_map(|digest| UploadStart::Single { digest }),
        (digests(), prop::option::of(repositories()))
            .prop_map(|(digest, from)| UploadStart::Mount { digest, from }),
    ]
}

fn endpoints() -> impl Strategy<Value = Endpoint> {
    let which = prop_oneof![
        tags().prop_map(TagOrDigest::Tag),
        digests().prop_map(TagOrDigest::Digest)
    ];
    prop_oneof![
        Just(Endpoint::Ping),
        pages().prop_map(|page| Endpoint::Catalog { page }),
        (repositories(), pages())
            .prop_map(|(repository, page)| Endpoint::Tags { repository, page }),
        (repositories(), digests())
            .prop_map(|(repository, digest)| Endpoint::Blob { repository, digest }),
        (repositories(), which, prop::collection::vec(tags(), 0..3)).prop_map(
            |(repository, which, tags)| Endpoint::Manifest {
                repository,
                which,
                tags
            }
        ),
        (repositories(), upload_starts())
            .prop_map(|(repository, start)| Endpoint::StartUpload { repository, start }),
        (
            repositories(),
            parsed("[A-Za-z0-9_-]{1,40}"),
            prop::option::of(digests())
        )
            .prop_map(|(repository, session, digest)| Endpoint::UploadSession {
                repository,
                session,
                digest
            }),
        (
            repositories(),
            digests(),
            prop::option::of(parsed("[a-z]{1,9}/x[a-z.+-]{0,9}")),
            prop::option::of(digests())
        )
            .prop_map(
                |(repository, digest, artifact_type, last)| Endpoint::Referrers {
                    repository,
                    digest,
                    artifact_type,
                    last
                }
            ),
    ]
}

proptest! {
    #[test]
    fn what_a_client_renders_a_server_parses(endpoint in endpoints()) {
        prop_assert_eq!(parse(&endpoint.to_path_and_query()), Ok(endpoint));
    }

    #[test]
    fn encoding_more_than_needed_changes_nothing(endpoint in endpoints()) {
        let url = endpoint.to_path_and_query();
        let (path, query) = url.split_once('?').map_or((url.as_str(), None), |(p, q)| (p, Some(q)));
        let encoded: String = path
            .char_indices()
            .map(|(at, c)| if c == '/' || at < 4 { c.to_string() } else { format!("%{:02x}", u32::from(c)) })
            .collect();
        prop_assert_eq!(Endpoint::parse(&encoded, query), Ok(endpoint));
    }

    #[test]
    fn never_panics(path in "/v2/(/|%|\\.|[a-z0-9]|manifests|blobs|uploads|tags/list|\\PC){0,20}", query in "(&|=|%|[a-z0-9]|mount|digest|\\PC){0,20}") {
        let _ = Endpoint::parse(&path, Some(&query));
    }
}
