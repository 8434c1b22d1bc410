//! The rows of the matrix: the requests, and the work that each is part of.

use std::sync::Arc;

use bytes::Bytes;
use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{
    Content, Descriptor, FetchError, MediaType, Precondition, PushError, Secret, Source as _,
    TagOrDigest, Target as _,
};
use eigenpack_registry::Exchange;
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Method, Requests};
use eigenpack_remote::credentials::GivenCredentials;
use eigenpack_remote::{RemoteOptions, RemoteRepository};

use crate::embedded::Embedded;
use crate::fixture::{blob, large, manifest, read};

/// The request that the fault is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Row {
    GetManifest,
    GetBlob,
    /// The GET of a token, in the course of reading a manifest.
    GetToken,
    /// The POST of an identity token for a token, in the course of writing a blob.
    PostToken,
    /// The POST with all of a small blob.
    PostBlob,
    /// The POST that asks for a large blob and starts its upload.
    PostMount,
    /// The PATCH with a chunk of a larger blob, after one that went well.
    Patch,
    /// The PUT of a large blob.
    PutBlob,
    PutManifest,
    DeleteManifest,
}

use Row::*;

pub(super) const ROWS: [Row; 10] = [
    GetManifest,
    GetBlob,
    GetToken,
    PostToken,
    PostBlob,
    PostMount,
    Patch,
    PutBlob,
    PutManifest,
    DeleteManifest,
];

/// The largest content of one request that the registry takes for [`Patch`], and the client's chunk then.
const CHUNK: usize = 4 << 20;

const SMALL: &[u8] = b"small";

/// Why work was not done.
#[derive(Debug)]
pub(super) enum Failure {
    Fetch(FetchError),
    Push(PushError),
}

/// What the registry holds in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Held {
    Nothing,
    /// What was to be written, byte by byte.
    All,
    /// Something else in its place.
    Other,
}

/// Two chunks and a bit.
fn chunked() -> Bytes {
    vec![b'x'; 2 * CHUNK + 100].into()
}

/// The answer of the token service.
fn token() -> String {
    "t0ken".repeat(40)
}

fn tag() -> eigenpack_oci::Tag {
    "v1".parse().unwrap()
}

impl Row {
    fn endpoint(self) -> Endpoint {
        match self {
            GetManifest | PutManifest | DeleteManifest => Endpoint::Manifest,
            GetBlob => Endpoint::Blob,
            GetToken | PostToken => Endpoint::Other,
            PostBlob | PostMount => Endpoint::UploadStart,
            Patch => Endpoint::UploadChunk,
            PutBlob => Endpoint::UploadClose,
        }
    }

    pub(super) fn requests(self) -> Requests {
        let method = match self {
            GetManifest | GetBlob | GetToken => Method::Get,
            PostToken | PostBlob | PostMount => Method::Post,
            Patch => Method::Patch,
            PutBlob | PutManifest => Method::Put,
            DeleteManifest => Method::Delete,
        };
        Requests::to(self.endpoint()).method(method)
    }

    /// Tells whether an exchange is one of the row.
    pub(super) fn is(self, exchange: &Exchange) -> bool {
        exchange.endpoint == self.endpoint()
    }

    /// Returns how many of the requests go well before the fault is to be met.
    pub(super) fn sound(self) -> u64 {
        u64::from(self == Patch)
    }

    /// Tells whether the request's answer has a body that means something.
    pub(super) fn reads(self) -> bool {
        matches!(self, GetManifest | GetBlob | GetToken | PostToken)
    }

    /// Tells whether it is for a token.
    pub(super) fn is_for_token(self) -> bool {
        matches!(self, GetToken | PostToken)
    }

    pub(super) fn options(self, mut options: RemoteOptions) -> RemoteOptions {
        if self == PostToken {
            let identity = Credential::IdentityToken(Secret::new("1dentity".to_owned()));
            options.credentials = Some(Arc::new(GivenCredentials::new(identity)));
        }
        options
    }

    /// Puts there what is to be read, and lets the client learn what it has to know.
    pub(super) async fn prepare(self, running: &Embedded, repository: &RemoteRepository) {
        match self {
            GetManifest | GetToken | DeleteManifest => {
                running.add_manifest("v1", &manifest("1")).await;
            }
            GetBlob => running.add_blob(&large()).await,
            Patch => {
                let refusal = Requests::to(Endpoint::UploadClose).content_over(CHUNK as u64);
                let plan = FaultPlan::new().rule(refusal, Fault::answer(413));
                running.faults.replace(plan);
                let (descriptor, content) = blob(&vec![b'y'; CHUNK + 1]);
                repository.push_blob(descriptor, content).await.unwrap();
                running.recorder.clear();
            }
            _ => {}
        }
    }

    /// Adds what comes after the fault: a token service, where there is one, and a registry that wants its token.
    pub(super) fn rest_of_plan(self, plan: FaultPlan, running: &Embedded) -> FaultPlan {
        if !self.is_for_token() {
            return plan;
        }
        let token = token();
        let answer = Fault::answer(200).body(format!(r#"{{"token":"{token}"}}"#));
        let realm = format!(
            r#"Bearer realm="http://{}/token",service="test""#,
            running.host
        );
        let others = Requests::all().authorization_other_than(format!("Bearer {token}"));
        plan.rule(Requests::to(Endpoint::Other), answer)
            .rule(others, Fault::Unauthorized(realm))
    }

    /// Does the work; what is read must be right.
    pub(super) async fn run(self, repository: &RemoteRepository) -> Result<(), Failure> {
        let push = async |content: Bytes| {
            let descriptor = Descriptor::of(MediaType::OCTET_STREAM, &content);
            let pushed = repository.push_blob(descriptor, Content::Bytes(content));
            pushed.await.map(drop).map_err(Failure::Push)
        };
        match self {
            GetManifest | GetToken => {
                let found = repository.manifest(TagOrDigest::Tag(tag())).await;
                assert_eq!(found.map_err(Failure::Fetch)?, manifest("1"));
                Ok(())
            }
            GetBlob => {
                let found = read(repository, &blob(&large()).0, 0).await;
                assert!(found.map_err(Failure::Fetch)? == large());
                Ok(())
            }
            PostToken | PostBlob => push(SMALL.into()).await,
            PostMount | PutBlob => push(large().into()).await,
            Patch => push(chunked()).await,
            PutManifest => {
                let (raw, tags) = (manifest("1"), vec![tag()]);
                let push = repository.push_manifest(raw, tags, Precondition::Absent);
                push.await.map_err(Failure::Push)
            }
            DeleteManifest => {
                let delete = repository.delete(TagOrDigest::Tag(tag()));
                delete.await.map_err(Failure::Push)
            }
        }
    }

    /// Returns what the registry holds of what was to be written, if anything was; all of it is there where all is gone that
    /// was to be deleted.
    pub(super) async fn held(self, running: &Embedded) -> Option<Held> {
        let is_done = match self {
            GetManifest | GetBlob | GetToken => return None,
            PostToken | PostBlob => running.has_blob(SMALL).await,
            PostMount | PutBlob => running.has_blob(&large()).await,
            Patch => running.has_blob(&chunked()).await,
            DeleteManifest => running.tagged("v1").await.is_none(),
            PutManifest => {
                return Some(match running.tagged("v1").await {
                    None => Held::Nothing,
                    Some(found) if found == manifest("1") => Held::All,
                    Some(_) => Held::Other,
                });
            }
        };
        Some(if is_done { Held::All } else { Held::Nothing })
    }
}
