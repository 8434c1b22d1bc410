//! Content on its way to a registry: opened anew for each attempt, and checked as it is sent.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use eigenpack_oci::{ByteStream, Content, Descriptor, Verifier, VerifyError, verify};
use futures_util::StreamExt as _;

use crate::concurrency::is_small;
use crate::deadline::Deadline;
use crate::transport::{Body, Progress};

/// The largest content that every registry has stored at once when it has come, in bytes.
const SOON_STORED: u64 = 1 << 20;

/// Content to be sent, or a part of it, with what all of it must be.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    content: Content,
    descriptor: Descriptor,
    from: u64,
    to: u64,
    /// The check of what was sent up to some byte; shared by all parts. None of what is in memory, which was checked.
    check: Option<Arc<Mutex<Verifier>>>,
    progress: Progress,
}

/// Why content could not be sent, though the network did its part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    /// It could not be read.
    #[error("the content cannot be read: {0}")]
    Read(io::Error),
    /// It is not what its descriptor says.
    #[error("{0}")]
    Verify(VerifyError),
}

/// Where a stream that the transport has taken leaves the reason why it ended early.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault(Arc<Mutex<Option<ContentError>>>);

impl Fault {
    fn set(&self, error: ContentError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(crate) fn take(&self) -> Option<ContentError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Outgoing {
    /// Reads what is small into memory, so that whoever sends it waits for nobody.
    pub(crate) async fn read_if_small(self, deadline: Deadline) -> Result<Self, ContentError> {
        if matches!(self.content, Content::Bytes(_)) || !is_small(self.size()) {
            return Ok(self);
        }
        let read = tokio::time::timeout_at(deadline.instant(), self.read());
        read.await.unwrap_or_else(|_| {
            let message = "it did not come in the time that there is for the operation";
            let late = io::Error::new(io::ErrorKind::TimedOut, message);
            Err(ContentError::Read(late))
        })
    }

    async fn read(self) -> Result<Self, ContentError> {
        let mut stream = self.content.open(0).await.map_err(ContentError::Read)?;
        let mut bytes = BytesMut::new();
        // A piece too many is enough to see that it is too long.
        while bytes.len() as u64 <= self.size()
            && let Some(piece) = stream.next().await
        {
            bytes.extend_from_slice(&piece.map_err(ContentError::Read)?);
        }
        Self::new(self.descriptor, bytes.freeze().into()).map_err(ContentError::Verify)
    }

    /// Takes content to be sent; what is in memory is checked here, before anything is sent.
    pub(crate) fn new(descriptor: Descriptor, content: Content) -> Result<Self, VerifyError> {
        let check = match &content {
            Content::Bytes(bytes) => {
                verify(&descriptor, bytes)?;
                None
            }
            Content::Reopen(_) => Some(Arc::new(Mutex::new(Verifier::new(&descriptor)?))),
        };
        Ok(Self {
            content,
            from: 0,
            to: descriptor.size,
            descriptor,
            check,
            progress: Progress::default(),
        })
    }

    /// Returns the bytes `from` to `to` of it, the latter not included.
    pub(crate) fn part(&self, from: u64, to: u64) -> Self {
        Self {
            from,
            to,
            progress: Progress::default(),
            ..self.clone()
        }
    }

    /// Tells whether it is little and in memory, so that sending it waits for nobody.
    pub(crate) fn is_small(&self) -> bool {
        matches!(self.content, Content::Bytes(_)) && is_small(self.size())
    }

    /// Tells whether the last attempt took all of it to be sent, so that it may have arrived.
    pub(crate) fn is_all_taken(&self) -> bool {
        self.progress.is_all_taken()
    }

    /// Returns the size of all the content.
    pub(crate) fn size(&self) -> u64 {
        self.descriptor.size
    }

    /// Opens the content for one attempt.
    pub(crate) async fn open(&self, fault: &Fault) -> Result<Body, ContentError> {
        let stream: ByteStream = match (&self.content, &self.check) {
            (Content::Bytes(bytes), _) => {
                let (from, to) = (index(self.from), index(self.to));
                let part = bytes.slice(from.min(bytes.len())..to.min(bytes.len()));
                Box::pin(futures_util::stream::iter([Ok(part)]))
            }
            (content, check) => {
                let stream = content.open(self.from).await.map_err(ContentError::Read)?;
                if let Some(check) = check
                    && self.from == 0
                {
                    let anew = Verifier::new(&self.descriptor).map_err(ContentError::Verify)?;
                    *lock(check) = anew;
                }
                Part {
                    stream,
                    position: self.from,
                    to: self.to,
                    descriptor: self.descriptor.clone(),
                    check: check.clone(),
                }
                .checked(fault.clone())
            }
        };
        Ok(Body::Stream {
            stream,
            length: self.to - self.from,
            progress: self.progress.clone(),
            // With the last part the registry has to make one blob of all.
            is_slow_to_store: self.to == self.size() && self.size() > SOON_STORED,
        })
    }
}

fn index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn lock(check: &Mutex<Verifier>) -> MutexGuard<'_, Verifier> {
    check.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A part of the content on its way.
struct Part {
    stream: ByteStream,
    /// The next byte that is sent.
    position: u64,
    to: u64,
    descriptor: Descriptor,
    check: Option<Arc<Mutex<Verifier>>>,
}

impl Part {
    /// Checks the bytes as they pass. A fault breaks the request off and is left for whoever sent it.
    ///
    /// The last bytes are held back until everything was checked: a transport that has all the bytes it announced may never
    /// ask for more, so there would be nobody to tell afterwards.
    fn checked(self, fault: Fault) -> ByteStream {
        Box::pin(futures_util::stream::unfold(Some(self), move |part| {
            let fault = fault.clone();
            async move {
                let mut part = part?;
                match part.next().await {
                    Ok(bytes) if part.position < part.to => Some((Ok(bytes), Some(part))),
                    Ok(bytes) => Some((Ok(bytes), None)),
                    Err(error) => Some((Err(broken(&fault, error)), None)),
                }
            }
        }))
    }

    /// Returns the next bytes. With those before `to`, the part is complete, and the content where it is the last part.
    async fn next(&mut self) -> Result<Bytes, ContentError> {
        let mut last = Bytes::new();
        while let Some(bytes) = self.stream.next().await {
            let mut bytes = bytes.map_err(ContentError::Read)?;
            let is_last = self.to == self.descriptor.size;
            if !is_last {
                bytes.truncate(index(self.to - self.position));
            }
            self.check(&bytes).map_err(ContentError::Verify)?;
            self.position += bytes.len() as u64;
            if self.position < self.to || !is_last {
                return Ok(bytes);
            }
            if !bytes.is_empty() {
                last = bytes;
            }
        }
        self.finish().map_err(ContentError::Verify)?;
        Ok(last)
    }

    /// Takes bytes into the check as far as they were not sent before.
    fn check(&self, bytes: &[u8]) -> Result<(), VerifyError> {
        let digest = || self.descriptor.digest.clone();
        let expected = self.descriptor.size;
        if self.position + bytes.len() as u64 > expected {
            let digest = digest();
            return Err(VerifyError::TooLong { digest, expected });
        }
        let Some(check) = &self.check else {
            return Ok(());
        };
        let mut check = lock(check);
        match check.seen().checked_sub(self.position) {
            Some(seen) if index(seen) < bytes.len() => check.update(&bytes[index(seen)..]),
            _ => Ok(()),
        }
    }

    /// Checks that the content is complete and is what it must be, where all of it was seen.
    fn finish(&self) -> Result<(), VerifyError> {
        if self.position < self.to {
            return Err(VerifyError::TooShort {
                digest: self.descriptor.digest.clone(),
                expected: self.descriptor.size,
                found: self.position,
            });
        }
        match &self.check {
            Some(check) if lock(check).seen() == self.descriptor.size => {
                lock(check).clone().finish()
            }
            _ => Ok(()),
        }
    }
}

fn broken(fault: &Fault, error: ContentError) -> io::Error {
    fault.set(error);
    io::Error::other("the content cannot be sent")
}
