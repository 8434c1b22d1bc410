//! Demands that must not be met, and token services that cannot be trusted.

use super::Work::PullManifest;
use super::{REGISTRY, Row, bearer, greedy, naming, row};
use crate::stage::{Reply, Seen};

pub(super) const BAD_DEMANDS: &[Row] = &[
    // Realms (GHSA-28r5-37g7-p6mp, GHSA-xf85-363p-868w, GHSA-9m43-p3cx-w8j5, CVE-2026-48978, CVE-2026-50151).
    row("realm elsewhere", PullManifest, |s| {
        naming(s, "http://evil.test/token")
    })
    .for_no_token_service(),
    row("realm on another port", PullManifest, |s| {
        naming(s, "http://registry.test:81/token")
    })
    .for_no_token_service(),
    row("realm below", PullManifest, |s| {
        naming(s, "http://auth.registry.test/token")
    })
    .for_no_token_service(),
    row("realm look-alike", PullManifest, |s| {
        naming(s, "http://registry.test.evil.test/token")
    })
    .for_no_token_service(),
    row("realm homograph", PullManifest, |s| {
        naming(s, "http://registry%2Etest.evil.test/t")
    })
    .for_no_token_service(),
    row("realm on loopback", PullManifest, |s| {
        naming(s, "http://127.0.0.1:1/token")
    })
    .for_no_token_service(),
    row("realm of a cloud", PullManifest, |s| {
        naming(s, "http://169.254.169.254/latest")
    })
    .for_no_token_service(),
    row("realm with user info", PullManifest, |s| {
        naming(s, "http://registry.test@evil.test/t")
    })
    .for_no_token_service(),
    row("realm with a user", PullManifest, |s| {
        naming(s, "http://x:y@registry.test/token")
    })
    .for_no_token_service(),
    row("realm with a fragment", PullManifest, |s| {
        naming(s, "http://evil.test#@registry.test/")
    })
    .for_no_token_service(),
    row("realm, relative", PullManifest, |s| naming(s, "/token")).for_no_token_service(),
    row("realm without scheme", PullManifest, |s| {
        naming(s, "//evil.test/token")
    })
    .for_no_token_service(),
    row("realm, a file", PullManifest, |s| {
        naming(s, "file:///etc/passwd")
    })
    .for_no_token_service(),
    row("realm, ftp", PullManifest, |s| {
        naming(s, "ftp://evil.test/token")
    })
    .for_no_token_service(),
    row("realm, script", PullManifest, |s| {
        naming(s, "javascript:fetch('//evil.test')")
    })
    .for_no_token_service(),
    row("realm, empty", PullManifest, |s| naming(s, "")).for_no_token_service(),
    // What a quoted string can hold.
    row("nested quotes", PullManifest, |s| {
        naming(
            s,
            r#"http://registry.test/token\",realm=\"http://evil.test/token"#,
        )
    }),
    row("line breaks in the realm", PullManifest, |s| {
        naming(s, r"http://registry.test/token\r\nHost: evil.test\r\n\r\n")
    }),
    row("encoded line breaks in the realm", PullManifest, |s| {
        naming(
            s,
            "http://registry.test/token%0d%0aHost:%20evil.test?x=%0d%0aX:%20y",
        )
    }),
    row("injected service and scope", PullManifest, |s| {
        match s.header("authorization") {
            None if s.path() != "/token" => Reply::challenge(
                r#"Bearer realm="http://registry.test/token",service="s&realm=http://evil.test/",scope="a:b:c&x=\r\nHost: evil.test""#,
            ),
            _ => naming(s, ""),
        }
    }),
    row("two realms in one challenge", PullManifest, |s| {
        naming(
            s,
            r#"http://registry.test/token",realm="http://evil.test/token"#,
        )
    }),
    row("a second challenge", PullManifest, |s| {
        match s.header("authorization") {
            None if s.path() != "/token" => bearer("http://registry.test/token")
                .header("www-authenticate", "Bearer realm=\"http://evil.test/t\""),
            _ => naming(s, ""),
        }
    }),
    row(
        "a password demanded beside a bad realm",
        PullManifest,
        |s| {
            always(
                s,
                bearer("http://evil.test/token").header("www-authenticate", "Basic realm=x"),
            )
        },
    )
    .for_no_token_service(),
    row("a giant challenge", PullManifest, |s| {
        let padding = "x".repeat(20_000);
        let challenge = format!(r#"Bearer x="{padding}",realm="http://evil.test/token""#);
        always(s, Reply::challenge(challenge))
    })
    .for_nobody(),
    row("a hundred challenges", PullManifest, |s| {
        let reply = (0..100).fold(Reply::new(401), |reply, n| {
            reply.header(
                "www-authenticate",
                format!("Bearer realm=\"http://evil.test/{n}\""),
            )
        });
        always(s, reply)
    })
    .for_no_token_service(),
    // Challenges where none belong.
    row("a challenge in a 403", PullManifest, |s| {
        always(
            s,
            Reply::new(403).header("www-authenticate", "Basic realm=x"),
        )
    })
    .for_nobody(),
    row("a challenge in a 200", PullManifest, |s| {
        always(
            s,
            Reply::new(200).header("www-authenticate", "Basic realm=x"),
        )
    })
    .for_nobody(),
    row("a challenge in a 404", PullManifest, |s| {
        always(
            s,
            Reply::new(404).header("www-authenticate", "Basic realm=x"),
        )
    })
    .for_nobody(),
    row("a challenge in a 407", PullManifest, |s| {
        always(
            s,
            Reply::new(407).header("proxy-authenticate", "Basic realm=x"),
        )
    })
    .for_nobody(),
    row("an unknown scheme", PullManifest, |s| {
        always(
            s,
            Reply::challenge("Digest realm=\"http://evil.test/\", nonce=\"x\""),
        )
    })
    .for_nobody(),
    row("other headers that lead away", PullManifest, |s| {
        let away = |reply: Reply| {
            reply
                .header("location", "http://evil.test/")
                .header("content-location", "http://evil.test/")
                .header("refresh", "0; url=http://evil.test/")
                .header("alt-svc", "h2=\"evil.test:80\"")
                .header("link", "<http://evil.test/>; rel=\"next\"")
        };
        away(naming(s, "http://registry.test/token"))
    }),
    // Token services that send what they were given on.
    row("token 302", PullManifest, |s| {
        token_answer(
            s,
            Reply::new(302).header("location", "http://evil.test/token"),
        )
    }),
    row("token 307", PullManifest, |s| {
        token_answer(
            s,
            Reply::new(307).header("location", "http://evil.test/token"),
        )
    }),
    row("token 401", PullManifest, |s| {
        token_answer(s, bearer("http://evil.test/token"))
    }),
    row("token 404", PullManifest, |s| {
        token_answer(
            s,
            Reply::new(404).header("location", "http://evil.test/token"),
        )
    }),
    row("line breaks in the token", PullManifest, |s| {
        token_answer(
            s,
            Reply::new(200).body(r#"{"token":"a\r\nHost: evil.test"}"#),
        )
    }),
    row("an endless token", PullManifest, |s| {
        token_answer(s, Reply::new(200).body("x".repeat(300_000)))
    }),
    row("a new realm after each token", PullManifest, |s| {
        match s.path() {
            "/token" => naming(s, ""),
            _ if s.header("authorization").is_some() => Reply::challenge(
                r#"Bearer realm="http://evil.test/token",error="insufficient_scope",scope="x:y:z""#,
            ),
            _ => naming(s, "http://registry.test/token"),
        }
    }),
];

/// The registry's token service answers with this.
fn token_answer(seen: &Seen, reply: Reply) -> Reply {
    match (seen.host.as_str(), seen.path()) {
        (REGISTRY, "/token") => reply,
        (REGISTRY, _) => bearer("http://registry.test/token"),
        _ => greedy(seen),
    }
}

/// The registry's answer to everything.
fn always(seen: &Seen, reply: Reply) -> Reply {
    match seen.host.as_str() {
        REGISTRY => reply,
        _ => greedy(seen),
    }
}
