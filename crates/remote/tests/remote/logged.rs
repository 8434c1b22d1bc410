//! What is logged at the most verbose level, and that no secret is in it.

use std::io;
use std::sync::{Arc, Mutex};

use eigenpack_oci::distribution::{Authorization, Credential};
use eigenpack_oci::{Precondition, Secret, Source as _, TagOrDigest, Target as _};

use crate::fixture::{blob, large, manifest, read};
use crate::guarded::{Guarded, Rules, basic, password};

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

const PASSWORD: &str = "pa55word-of-alice";
const IDENTITY: &str = "1dentity-of-alice";
const NEXT_IDENTITY: &str = "n3xt-identity-of-alice";

#[tokio::test]
async fn no_secret_is_logged() {
    let log = Log::default();
    let of_subscriber = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || of_subscriber.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let alice = || password("alice", PASSWORD);
    let by_password = Rules {
        accounts: vec![basic("alice", PASSWORD)],
        ..Rules::default()
    };
    let directly = Rules {
        basic: Some(basic("alice", PASSWORD)),
        ..Rules::default()
    };
    let by_identity = Rules {
        identity: Some(IDENTITY.into()),
        next_identity: Some(NEXT_IDENTITY.into()),
        uses: Some(2),
        ..Rules::default()
    };
    let identity = Credential::IdentityToken(Secret::new(IDENTITY.into()));
    for (rules, credential) in [
        (by_password, alice()),
        (directly, alice()),
        (by_identity, identity),
    ] {
        let guarded = Guarded::start(rules).await;
        let repository = guarded.repository(credential).for_writing();
        for content in [b"{}".to_vec(), large()] {
            let (descriptor, content) = blob(&content);
            repository
                .push_blob(descriptor.clone(), content)
                .await
                .unwrap();
            read(&repository, &descriptor, 0).await.unwrap();
        }
        let tags = vec!["v1".parse().unwrap()];
        let pushed = repository.push_manifest(manifest("1"), tags, Precondition::Any);
        pushed.await.unwrap();
        let which = TagOrDigest::Tag("v1".parse().unwrap());
        repository.manifest(which).await.unwrap();
        let wrong = guarded.repository(password("alice", &format!("{PASSWORD}-wrong")));
        wrong.tags().await.unwrap_err();
    }

    let text = log.text();
    assert!(text.contains("asking for a token"), "{text}");
    assert!(text.contains("TRACE") || text.contains("DEBUG"), "{text}");
    let encoded = |name: &str, secret: &str| {
        let header = Authorization::basic(name, &Secret::new(secret.to_owned()));
        header.header_value()["Basic ".len()..]
            .trim_end_matches('=')
            .to_owned()
    };
    for secret in [PASSWORD, IDENTITY, NEXT_IDENTITY, "t0ken-"] {
        for form in [
            secret.to_owned(),
            encoded("alice", secret),
            encoded("<token>", secret),
        ] {
            assert!(!text.contains(&form), "{form} is logged");
        }
    }
}
