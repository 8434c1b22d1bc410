//! Blobs that are pushed: mounted, in one request, or in as many as the client likes.

use eigenpack_oci::distribution::{Endpoint, ErrorCode, SessionId, UploadStart};
use eigenpack_oci::{Algorithm, Digest, Repository};
use futures_util::join;
use hyper::header::{CONTENT_RANGE, LOCATION, RANGE};
use hyper::{Method, StatusCode};

use crate::range::{arrived, chunk};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::respond::{self, Answer, empty, header};
use crate::router::Registry;
use crate::sessions::{Session, unknown};
use crate::store::{RegistryStore, UploadSession};

impl<S: RegistryStore> Registry<S> {
    /// Starts an upload, or finishes it at once (distribution specification, "Pushing blobs", "Mounting a blob from
    /// another repository").
    pub(crate) async fn start_upload(
        &self,
        request: &mut Request,
        repository: &Repository,
        start: UploadStart,
    ) -> Result<Answer, Refusal> {
        if request.method != Method::POST {
            return Err(Refusal::method("POST"));
        }
        match start {
            UploadStart::Single { digest } => {
                let _room = self.sessions.room()?;
                let algorithm = known(digest.algorithm().clone())?;
                let upload = self.store.start_upload(repository, algorithm).await?;
                self.receive(request, &upload, 0, |_| {}).await?;
                upload.close(digest.clone()).await?;
                Ok(created(repository, &digest))
            }
            UploadStart::Mount { digest, from } => {
                let mounted = self.store.mount(repository, digest.clone(), from.as_ref());
                if mounted.await? {
                    Ok(created(repository, &digest))
                } else {
                    self.open(repository, Algorithm::Sha256).await
                }
            }
            UploadStart::Session { algorithm } => {
                let algorithm = known(algorithm.unwrap_or(Algorithm::Sha256))?;
                self.open(repository, algorithm).await
            }
        }
    }

    async fn open(&self, repository: &Repository, algorithm: Algorithm) -> Result<Answer, Refusal> {
        let room = self.sessions.room()?;
        let upload = self.store.start_upload(repository, algorithm).await?;
        let id = self.sessions.open(repository, upload, room)?;
        Ok(progress(StatusCode::ACCEPTED, repository, &id, 0))
    }

    /// Goes on with an upload, closes it, tells how far it is, or cancels it.
    pub(crate) async fn upload(
        &self,
        request: &mut Request,
        repository: &Repository,
        id: &SessionId,
        digest: Option<Digest>,
    ) -> Result<Answer, Refusal> {
        let session = self.sessions.find(repository, id)?;
        match request.method {
            Method::DELETE => {
                self.sessions.cancel(id);
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Method::GET | Method::HEAD => {
                let size = session.size().await?;
                Ok(progress(StatusCode::NO_CONTENT, repository, id, size))
            }
            Method::PATCH => {
                let held = session.hold().await;
                let upload = held.as_ref().ok_or_else(unknown)?;
                let size = self.add(request, repository, id, &session, upload).await?;
                Ok(progress(StatusCode::ACCEPTED, repository, id, size))
            }
            Method::PUT => {
                let missing = || Refusal::bad(ErrorCode::DigestInvalid, "the digest is missing");
                let digest = digest.ok_or_else(missing)?;
                // Said before the content is taken, so that the upload can still be closed.
                known(digest.algorithm().clone())?;
                let mut held = session.hold().await;
                let upload = held.as_ref().ok_or_else(unknown)?;
                self.add(request, repository, id, &session, upload).await?;
                let upload = held.take().ok_or_else(unknown)?;
                if !self.sessions.remove(id) {
                    return Err(unknown());
                }
                upload.close(digest.clone()).await?;
                Ok(created(repository, &digest))
            }
            _ => Err(Refusal::method("GET, HEAD, PATCH, PUT, DELETE")),
        }
    }

    /// Adds the content of a request to an upload, where its range follows what has arrived.
    async fn add(
        &self,
        request: &mut Request,
        repository: &Repository,
        id: &SessionId,
        session: &Session<S::Upload>,
        upload: &S::Upload,
    ) -> Result<u64, Refusal> {
        let size = upload.size().await?;
        if let Some(range) = request.header(CONTENT_RANGE) {
            let (first, length) = chunk(range).ok_or_else(|| {
                let message = "a Content-Range is FIRST-LAST, in bytes";
                Refusal::bad(ErrorCode::BlobUploadInvalid, message)
            })?;
            if first != size {
                return Err(out_of_order(repository, id, size));
            }
            if request.length().is_some_and(|sent| sent != length) {
                let message = "Content-Range and Content-Length differ";
                return Err(Refusal::bad(ErrorCode::SizeInvalid, message));
            }
        }
        session.has(size);
        request.beats(session.content());
        let received = self.receive(request, upload, size, |size| session.has(size));
        let result = tokio::select! {
            result = received => result,
            () = session.cancelled() => return Err(unknown()),
            () = session.superseded() => {
                // This one may be tried again: its client asks then how far the upload is.
                let message = "nothing came, and another request goes on with this upload";
                let status = StatusCode::REQUEST_TIMEOUT;
                return Err(Refusal::new(status, ErrorCode::BlobUploadInvalid, message));
            }
        };
        // What the store could not take is not to be gone on with: nobody knows how much of it was written.
        if matches!(&result, Err(refusal) if refusal.is_too_large() || refusal.is_own_failure()) {
            self.sessions.remove(id);
        }
        result
    }

    /// Hands a body to the store, batch by batch, and returns how much has arrived then.
    async fn receive(
        &self,
        request: &mut Request,
        upload: &S::Upload,
        mut size: u64,
        arrived: impl Fn(u64),
    ) -> Result<u64, Refusal> {
        let limit = self.options.max_upload_size;
        let stated = request.length().unwrap_or_default();
        let exceeds = |size: u64, more: u64| size.checked_add(more).is_none_or(|all| all > limit);
        if exceeds(size, stated) {
            return Err(Refusal::too_large("a blob", limit));
        }
        let mut batch = request.batch().await?;
        loop {
            let length: u64 = batch.iter().map(|bytes| bytes.len() as u64).sum();
            if length == 0 {
                return Ok(size);
            }
            if exceeds(size, length) {
                return Err(Refusal::too_large("a blob", limit));
            }
            // Hashing and writing take about as long as the network does: neither waits for the other.
            let (now, next) = join!(upload.append(size, batch), request.batch());
            let now = now?;
            if now != size + length {
                // A request that was given up on has still written something.
                let message = "another request adds to this upload";
                return Err(Refusal::bad(ErrorCode::BlobUploadInvalid, message));
            }
            size = now;
            arrived(size);
            batch = next?;
        }
    }
}

/// Refuses an algorithm by which nothing can be verified.
fn known(algorithm: Algorithm) -> Result<Algorithm, Refusal> {
    if algorithm.hasher().is_some() {
        return Ok(algorithm);
    }
    let message = format!("digests of {algorithm} are not known here, only sha256 and sha512");
    Err(Refusal::bad(ErrorCode::DigestInvalid, message))
}

/// The answer to a blob that was taken.
fn created(repository: &Repository, digest: &Digest) -> Answer {
    let mut answer = empty(StatusCode::CREATED);
    let place = Endpoint::Blob {
        repository: repository.clone(),
        digest: digest.clone(),
    };
    header(&mut answer, LOCATION, &place.to_path_and_query());
    respond::digest(&mut answer, digest);
    answer
}

/// The answer that says how far an upload is.
fn progress(status: StatusCode, repository: &Repository, id: &SessionId, size: u64) -> Answer {
    let mut answer = empty(status);
    header(&mut answer, LOCATION, &location(repository, id));
    header(&mut answer, RANGE, &arrived(size));
    answer
}

/// The answer to a chunk that does not follow what has arrived. The upload goes on.
fn out_of_order(repository: &Repository, id: &SessionId, size: u64) -> Refusal {
    let message = format!("{size} bytes have arrived, and the chunk does not follow them");
    Refusal::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorCode::BlobUploadInvalid,
        message,
    )
    .header(LOCATION, location(repository, id))
    .header(RANGE, arrived(size))
}

fn location(repository: &Repository, id: &SessionId) -> String {
    let session = Endpoint::UploadSession {
        repository: repository.clone(),
        session: id.clone(),
        digest: None,
    };
    session.to_path_and_query()
}
