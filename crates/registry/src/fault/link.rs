//! The connection, as far as a fault has to do with it: it can be reset, and it knows when all is sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// What requests know of the connection that they came on.
#[derive(Debug, Default)]
pub(crate) struct Link {
    is_reset: AtomicBool,
    flushed: Notify,
}

impl Link {
    /// Makes the end of the connection a reset. Whoever calls this ends it then.
    pub(super) fn reset(&self) {
        self.is_reset.store(true, Ordering::Relaxed);
    }

    /// Waits until what was handed over before has left.
    pub(super) async fn flushed(&self) {
        self.flushed.notified().await;
    }
}

/// A connection that ends as its link says.
pub(crate) struct Breakable {
    stream: TcpStream,
    link: Option<Arc<Link>>,
}

impl Breakable {
    pub(crate) fn new(stream: TcpStream, link: Option<Arc<Link>>) -> Self {
        Self { stream, link }
    }
}

impl Drop for Breakable {
    fn drop(&mut self) {
        let link = self.link.as_ref();
        if link.is_some_and(|link| link.is_reset.load(Ordering::Relaxed)) {
            // If this fails the connection is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Breakable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The layers above come here only when they have nothing left to write.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(link) = &self.link {
            link.flushed.notify_waiters();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
