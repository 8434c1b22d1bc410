//! Content on its way to a registry: opened anew for each attempt, and checked as it is sent.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use eigenpack_oci::{ByteStream, Content, Descriptor, Verifier, VerifyError, verify};
use futures_util::StreamExt as _;

use crate::transport::Body;

/// Content to be sent, with what it must be.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    content: Content,
    descriptor: Descriptor,
}

/// Why content could not be sent, though the network did its part.
#[derive(Debug)]
pub(crate) enum ContentError {
    /// It could not be read.
    Read(io::Error),
    /// It is not what its descriptor says.
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
    /// Takes content to be sent; what is in memory is checked here, before anything is sent.
    pub(crate) fn new(descriptor: Descriptor, content: Content) -> Result<Self, VerifyError> {
        match &content {
            Content::Bytes(bytes) => verify(&descriptor, bytes)?,
            Content::Reopen(_) => drop(Verifier::new(&descriptor)?),
        }
        Ok(Self {
            content,
            descriptor,
        })
    }

    /// Opens the content for one attempt.
    pub(crate) async fn open(&self, fault: &Fault) -> Result<Body, ContentError> {
        let stream = self.content.open(0).await.map_err(ContentError::Read)?;
        let stream = match &self.content {
            Content::Bytes(_) => stream,
            Content::Reopen(_) => {
                let verifier = Verifier::new(&self.descriptor).map_err(ContentError::Verify)?;
                checked(stream, verifier, self.descriptor.size, fault.clone())
            }
        };
        Ok(Body::Stream {
            stream,
            length: self.descriptor.size,
        })
    }
}

/// Checks a stream as it passes. A fault breaks the request off and is left for whoever sent it.
///
/// The last bytes are held back until everything was checked: a transport that has all the bytes it announced may never
/// ask for more, so there would be nobody to tell afterwards.
fn checked(stream: ByteStream, verifier: Verifier, size: u64, fault: Fault) -> ByteStream {
    let state = Some((stream, verifier));
    Box::pin(futures_util::stream::unfold(state, move |state| {
        let fault = fault.clone();
        async move {
            let (mut stream, mut verifier) = state?;
            match next_checked(&mut stream, &mut verifier, size).await {
                Ok(Next::Some(bytes)) => Some((Ok(bytes), Some((stream, verifier)))),
                Ok(Next::Last(bytes)) => match verifier.finish() {
                    Ok(()) => Some((Ok(bytes), None)),
                    Err(error) => Some((Err(broken(&fault, ContentError::Verify(error))), None)),
                },
                Err(error) => Some((Err(broken(&fault, error)), None)),
            }
        }
    }))
}

enum Next {
    Some(Bytes),
    Last(Bytes),
}

async fn next_checked(
    stream: &mut ByteStream,
    verifier: &mut Verifier,
    size: u64,
) -> Result<Next, ContentError> {
    let mut last = Bytes::new();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(ContentError::Read)?;
        verifier.update(&bytes).map_err(ContentError::Verify)?;
        if verifier.seen() < size {
            return Ok(Next::Some(bytes));
        }
        if !bytes.is_empty() {
            last = bytes;
        }
    }
    Ok(Next::Last(last))
}

fn broken(fault: &Fault, error: ContentError) -> io::Error {
    fault.set(error);
    io::Error::other("the content cannot be sent")
}
