//! The fuzz targets on input of our own: likely input with random damage.

use proptest::prelude::*;

use damaged::damaged;

#[path = "../../../fuzz/damaged.rs"]
pub mod damaged;
#[expect(clippy::missing_panics_doc, reason = "to panic is what they are for")]
#[path = "../../../fuzz/src/protocol.rs"]
pub mod targets;

const MANIFESTS: [&str; 3] = [
    r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},"layers":[],"annotations":{"a":"b"}}"#,
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"platform":{"os":"linux","architecture":"arm64"}}]}"#,
    r#"{"schemaVersion":2,"artifactType":"a/b","subject":{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":9223372036854775807},"config":{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":0},"layers":[{}]}"#,
];
const REFERENCES: [&str; 5] = [
    "ghcr.io/org/my-avs:opset-0-v1",
    "localhost:5000/a/b@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "[::1]:5000/a__b/c-d:v1.0_x",
    "oci:./a/../b c:v1",
    "acme/avs:v1@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
];
const DIGESTS: [&str; 4] = [
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "0x44136FA355B3678A1146AD16F7E8649E94FB4FC21FE77E8310C060F61CAAFF8A",
    "sha512:27c74670adb75075fad058d5ceaf7b20c4e7786c83bae8a32f626f9782af34c9a33c2046ef60fd2a7878d378e29fec851806bbd9a67878f3a9f1cda4830763fd",
    "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
];
const ENDPOINTS: [&str; 6] = [
    "/v2/a/b/manifests/v1?tag=v2&tag=v3",
    "/v2/a/blobs/sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "/v2/a/blobs/uploads/?mount=sha256%3A44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a&from=b%2Fc",
    "/v2/a/blobs/uploads/0-_Z?digest=sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "/v2/a%2fb/tags/list?n=10&last=v%201",
    "/v2/blobs/uploads/referrers/sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a?artifactType=a/b%2Bc",
];
const LOCATIONS: [&str; 6] = [
    "/v2/a/b/blobs/uploads/1?_state=a%3Db#c",
    "https://u:p@a.example:8443/x",
    "//b.example/../c\\d",
    "http://[::1%25eth0]/",
    "<https://a.example/v2/_catalog?last=a&n=1>; title=\"a, <b>\"; rel=\"x next\"",
    "</v2/_catalog?last=a>;rel=prev, <?last=b>;rel=next\n<x>",
];
const RANGES: [&str; 5] = [
    "0-18446744073709551615",
    "bytes=0-9",
    "bytes 5-9/10",
    "bytes  5 - 9/*",
    "0-0",
];

proptest! {
    #[test]
    fn manifest(bytes in damaged(&MANIFESTS)) {
        targets::manifest(&bytes);
    }

    #[test]
    fn reference(bytes in damaged(&REFERENCES)) {
        targets::reference(&bytes);
    }

    #[test]
    fn digest(bytes in damaged(&DIGESTS)) {
        targets::digest(&bytes);
    }

    #[test]
    fn endpoint(bytes in damaged(&ENDPOINTS)) {
        targets::endpoint(&bytes);
    }

    #[test]
    fn location_and_link(bytes in damaged(&LOCATIONS)) {
        targets::location_and_link(&bytes);
    }

    #[test]
    fn content_range(bytes in damaged(&RANGES)) {
        targets::content_range(&bytes);
    }
}
