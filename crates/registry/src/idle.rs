//! Connections on which a client that reads nothing, or next to nothing, is not waited for for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::fault::Breakable;

/// A connection that fails when a write gets nowhere for too long, or an answer takes too long in all.
///
/// Reads are bounded where it is known what they wait for.
pub(crate) struct IdleStream {
    stream: Breakable,
    /// How long a write may get nowhere.
    idle: Duration,
    /// How long the client may take for an answer, from when it first had to be waited for.
    total: Duration,
    /// The end of `total`, once there was a wait. What is read next is another request.
    end: Option<Instant>,
    deadline: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl IdleStream {
    pub(crate) fn new(stream: Breakable, idle: Duration, total: Duration) -> Self {
        Self {
            stream,
            idle,
            total,
            end: None,
            deadline: Box::pin(sleep(idle)),
            is_waiting: false,
        }
    }

    /// Hands a result on, unless it is the wait for a client that has not read for too long.
    fn bounded<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.is_waiting = false;
            return result;
        }
        if !self.is_waiting {
            self.is_waiting = true;
            let now = Instant::now();
            let end = *self.end.get_or_insert(now + self.total);
            self.deadline.as_mut().reset(end.min(now + self.idle));
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for IdleStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if result.is_ready() {
            self.end = None;
        }
        result
    }
}

impl AsyncWrite for IdleStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.bounded(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.bounded(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.bounded(context, result)
    }
}
