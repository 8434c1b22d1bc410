//! Tokens that end in the middle of a copy.

use std::fs;
use std::time::Duration;

use super::guarded::{Guarded, Over};
use super::holdings::Holding;
use super::token_server::TokenRules;
use crate::layouts::{Layout, blobs};
use crate::proxy::{Pause, RecordingProxy};
use crate::sandbox::Sandbox;

const SIZE: usize = 256 * 1024 * 1024;
const LAYERS: usize = 8;
const LIFETIME: u64 = 4;
/// Long enough that a token that was sent before is at its end after it.
const PAUSE: Duration = Duration::from_secs(LIFETIME + 2);

#[test]
#[ignore = "needs the peers: just interop"]
fn a_token_that_ends_when_it_should() {
    outlives_its_token(LIFETIME, Holding::Auths);
}

/// The registry and its token server need not agree, or their clocks.
#[test]
#[ignore = "needs the peers: just interop"]
fn a_token_that_ends_early() {
    outlives_its_token(300, Holding::IdentityToken);
}

/// Copies 256 MiB there and back, while a request that holds a good token arrives when it is good no more.
fn outlives_its_token(announced: u64, holding: Holding) {
    let rules = TokenRules {
        lifetime: LIFETIME,
        announced,
        ..TokenRules::default()
    };
    let guarded = Guarded::by_token(Over::Http, rules);
    let user = Sandbox::new();
    let layout = Layout::large(user.path("large"), LAYERS, SIZE / LAYERS);

    let up = Held {
        request: "PUT /v2/acme/large/blobs",
        scopes: "repository:acme/large:pull,push",
    };
    up.copy(&guarded, &user, holding, |there| ["oci:large:v1", there]);
    for entry in fs::read_dir(layout.path.join("blobs/sha256")).unwrap() {
        let entry = entry.unwrap();
        let digest = format!("sha256:{}", entry.file_name().to_str().unwrap());
        let same = guarded.registry.stored(&digest) == fs::read(entry.path()).unwrap();
        assert!(same, "{digest} is not what was copied");
    }

    let down = Held {
        request: "GET /v2/acme/large/blobs",
        scopes: "repository:acme/large:pull",
    };
    down.copy(&guarded, &user, holding, |there| [there, "oci:back:v1"]);
    assert!(blobs(&user.path("back")) == layout.blobs());
}

/// The request that arrives late, and what its token is for.
struct Held {
    request: &'static str,
    scopes: &'static str,
}

impl Held {
    fn copy(
        &self,
        guarded: &Guarded,
        user: &Sandbox,
        holding: Holding,
        ends: impl Fn(&str) -> [&str; 2],
    ) {
        let pause = Pause {
            request: self.request,
            after: 2,
            time: PAUSE,
        };
        let proxy = RecordingProxy::with_pause(guarded.address(), pause);
        holding.give(user, &proxy.address().to_string());
        let there = proxy.reference("acme/large:v1");
        let [from, to] = ends(&there);
        user.eigenpack(["copy", from, to]).succeeds();

        let requests = proxy.take_requests();
        let alike = |one: &&String| one.starts_with(self.request);
        // Those of the config and the layers, and that which was refused once more.
        assert!(
            requests.iter().filter(alike).count() > 1 + LAYERS,
            "{requests:#?}"
        );

        let asked = guarded.tokens().take_requests();
        assert!(asked.len() > 1, "{asked:?}");
        let expected = holding.token_request(&[self.scopes]);
        for one in asked {
            assert_eq!(one, expected);
        }
    }
}
