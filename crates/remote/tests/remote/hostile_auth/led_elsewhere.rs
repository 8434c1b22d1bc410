//! Answers that lead elsewhere: redirects, uploads and lists that go on at another host.

use super::Work::{
    ListReferrers, ListTags, PullBlob, PullManifest, PushLargeBlob, PushManifest, PushSmallBlob,
};
use super::{EVIL, REGISTRY, Row, bearer, greedy, honest, row};
use crate::stage::{Reply, Seen};

pub(super) const LED_ELSEWHERE: &[Row] = &[
    // Redirects, after the registry got a token (GHSA-vh4v-2xq2-g5cg, GHSA-whvf-jp7m-59f3).
    row("manifest 301", PullManifest, |s| {
        leading(s, 301, "http://evil.test/m")
    })
    .leads_to(EVIL),
    row("manifest 302", PullManifest, |s| {
        leading(s, 302, "http://evil.test/m")
    })
    .leads_to(EVIL),
    row("manifest 303", PullManifest, |s| {
        leading(s, 303, "//evil.test/m")
    })
    .leads_to(EVIL),
    row("manifest 307", PullManifest, |s| {
        leading(s, 307, "http://evil.test/m")
    })
    .leads_to(EVIL),
    row("blob 308", PullBlob, |s| {
        leading(s, 308, "http://evil.test/b")
    })
    .leads_to(EVIL),
    row("blob, other port", PullBlob, |s| {
        leading(s, 307, "http://registry.test:81/b")
    })
    .leads_to("registry.test:81"),
    row("blob, other scheme", PullBlob, |s| {
        leading(s, 307, "https://registry.test/b")
    })
    .leads_to("registry.test:443"),
    row("blob, below", PullBlob, |s| {
        leading(s, 307, "http://cdn.registry.test/b")
    })
    .leads_to("cdn.registry.test"),
    row("blob, look-alike", PullBlob, |s| {
        leading(s, 307, "http://registry.test.evil.test/b")
    })
    .leads_to("registry.test.evil.test"),
    row("blob, final dot", PullBlob, |s| {
        leading(s, 307, "http://registry.test./b")
    })
    .leads_to("registry.test."),
    row("blob, user info", PullBlob, |s| {
        leading(s, 307, "http://registry.test@evil.test/b")
    }),
    row("list 302", ListTags, |s| {
        leading(s, 302, "http://evil.test/t")
    })
    .leads_to(EVIL),
    row("there and back", PullBlob, |s| {
        match (s.host.as_str(), s.path()) {
            (EVIL, _) => Reply::new(307).header("location", "http://registry.test/back"),
            (REGISTRY, "/back") => bearer("http://registry.test/token"),
            _ => leading(s, 307, "http://evil.test/b"),
        }
    })
    .leads_to(EVIL),
    row("back before any challenge", PullBlob, |s| {
        match s.host.as_str() {
            EVIL => Reply::new(307).header("location", "http://registry.test/v2/back"),
            _ if s.path() == "/v2/back" => bearer("http://registry.test/token"),
            _ => Reply::new(307).header("location", "http://evil.test/b"),
        }
    })
    .leads_to(EVIL)
    .for_nobody(),
    row("from one to the next", PullBlob, |s| {
        match s.host.as_str() {
            EVIL => Reply::new(307).header("location", "http://worse.test/b"),
            _ => leading(s, 307, "http://evil.test/b"),
        }
    })
    .leads_to("worse.test"),
    row(
        "elsewhere names the registry's realm",
        PullBlob,
        |s| match s.host.as_str() {
            EVIL => bearer("http://registry.test/token"),
            _ => Reply::new(307).header("location", "http://evil.test/b"),
        },
    )
    .leads_to(EVIL)
    .for_nobody(),
    row("elsewhere demands a password", PullBlob, |s| {
        match s.host.as_str() {
            EVIL => Reply::challenge("Basic realm=\"registry.test\""),
            _ => Reply::new(302).header("location", "http://evil.test/b"),
        }
    })
    .leads_to(EVIL)
    .for_nobody(),
    row("in a circle", PullManifest, |s| {
        leading(s, 307, "/v2/a/b/manifests/v1")
    }),
    // Uploads (GHSA-jxpm-75mh-9fp7).
    row("upload elsewhere", PushSmallBlob, |s| {
        leading(s, 202, "http://evil.test/u")
    })
    .leads_to(EVIL),
    row("large upload elsewhere", PushLargeBlob, |s| {
        leading(s, 202, "http://evil.test/u")
    })
    .leads_to(EVIL),
    row("upload to another port", PushLargeBlob, |s| {
        leading(s, 202, "http://registry.test:81/u")
    })
    .leads_to("registry.test:81"),
    row("upload redirected", PushSmallBlob, |s| {
        leading(s, 307, "http://evil.test/u")
    })
    .leads_to(EVIL),
    row("upload's end redirected", PushLargeBlob, |s| {
        match s.method.as_str() {
            "PUT" => leading(s, 307, "http://evil.test/u"),
            _ => leading(s, 202, "/v2/a/b/blobs/uploads/1"),
        }
    })
    .leads_to(EVIL),
    row("manifest upload redirected", PushManifest, |s| {
        leading(s, 308, "http://evil.test/m")
    })
    .leads_to(EVIL),
    // Lists that go on elsewhere (GHSA-h7vf-4x9w-h99v).
    row("tags go on elsewhere", ListTags, |s| {
        honest(s).unwrap_or_else(|| {
            Reply::new(200)
                .header(
                    "link",
                    "<http://evil.test/v2/a/b/tags/list?last=x>; rel=\"next\"",
                )
                .body(r#"{"tags":["x"]}"#)
        })
    }),
    row("referrers go on elsewhere", ListReferrers, |s| {
        honest(s).unwrap_or_else(|| {
            Reply::new(200)
                .header("link", "<//evil.test/r>; rel=\"next\"")
                .body(r#"{"schemaVersion":2,"manifests":[]}"#)
        })
    }),
];

/// The registry answers authorised requests with this status and `Location`; who it leads to asks for credentials.
fn leading(seen: &Seen, status: u16, location: &str) -> Reply {
    honest(seen).unwrap_or_else(|| match seen.host.as_str() {
        REGISTRY => Reply::new(status).header("location", location),
        _ => greedy(seen),
    })
}
