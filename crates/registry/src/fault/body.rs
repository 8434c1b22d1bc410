//! The body of an answer, as the faults have it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use eigenpack_oci::FetchError;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::sleep;

use super::link::Link;
use crate::recorder::Entry;
use crate::respond::Body;

/// How something stops.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    /// The connection is closed in good order.
    Cut,
    /// The connection is reset.
    Reset,
    /// Nothing moves for a while, or for ever.
    Stall(Option<Duration>),
}

/// What is wrong with a body.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// What happens once so many bytes are sent.
    pub(super) stops: Vec<(u64, Stop)>,
    /// The bytes that are others.
    pub(super) corrupt: Vec<u64>,
    /// How many bytes come at once, and the pause after them.
    pub(super) drip: Option<(usize, Duration)>,
    /// Whether another length is announced than the body has.
    pub(super) is_misannounced: bool,
}

impl Shape {
    /// Tells whether nothing is wrong.
    pub(super) fn is_sound(&self) -> bool {
        let Self {
            stops,
            corrupt,
            drip,
            is_misannounced,
        } = self;
        stops.is_empty() && corrupt.is_empty() && drip.is_none() && !is_misannounced
    }

    /// Gives a body this shape. Its length is not known any more, so that its header can say what it likes.
    pub(super) fn applied(mut self, body: Body, link: Arc<Link>) -> Body {
        self.stops.sort_by_key(|(at, _)| *at);
        let shaped = Shaped {
            body,
            ready: Bytes::new(),
            sent: 0,
            stops: self.stops.into(),
            corrupt: self.corrupt,
            drip: self.drip,
            is_misannounced: self.is_misannounced,
            link,
        };
        let frames = stream::unfold(Some(shaped), |shaped| async {
            let mut shaped = shaped?;
            match shaped.next().await? {
                Ok(bytes) => Some((Ok(Frame::data(bytes)), Some(shaped))),
                Err(error) => Some((Err(error), None)),
            }
        });
        StreamBody::new(frames).boxed_unsync()
    }
}

/// A body under way.
struct Shaped {
    body: Body,
    /// What has come and is not sent yet.
    ready: Bytes,
    sent: u64,
    stops: VecDeque<(u64, Stop)>,
    corrupt: Vec<u64>,
    drip: Option<(usize, Duration)>,
    is_misannounced: bool,
    link: Arc<Link>,
}

impl Shaped {
    async fn next(&mut self) -> Option<Result<Bytes, FetchError>> {
        while let Some((at, stop)) = self.stops.front().copied()
            && at == self.sent
        {
            self.stops.pop_front();
            self.link.flushed().await;
            match stop {
                Stop::Cut => return Some(Err(broken())),
                Stop::Reset => {
                    self.link.reset();
                    return Some(Err(broken()));
                }
                Stop::Stall(time) => stand_still(time).await,
            }
        }
        if let Some((_, pause)) = self.drip
            && self.sent > 0
        {
            sleep(pause).await;
        }
        while self.ready.is_empty() {
            match self.body.frame().await {
                Some(Ok(frame)) => self.ready = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    // If more was announced, the connection ends now.
                    if self.is_misannounced {
                        self.link.flushed().await;
                    }
                    return None;
                }
            }
        }
        let mut size = self.ready.len();
        if let Some((at, _)) = self.stops.front() {
            size = size.min(usize::try_from(at - self.sent).unwrap_or(usize::MAX));
        }
        if let Some((most, _)) = self.drip {
            size = size.min(most);
        }
        let bytes = self.ready.split_to(size);
        let start = self.sent;
        self.sent += size as u64;
        Some(Ok(corrupted(bytes, start, &self.corrupt)))
    }
}

/// Flips a bit of those of the bytes, which begin at `start`, that are to be others.
pub(super) fn corrupted(bytes: Bytes, start: u64, others: &[u64]) -> Bytes {
    let here = others.iter().filter_map(|at| {
        let at = usize::try_from(at.checked_sub(start)?).ok()?;
        (at < bytes.len()).then_some(at)
    });
    let here: Vec<_> = here.collect();
    if here.is_empty() {
        return bytes;
    }
    let mut changed = BytesMut::from(bytes);
    for at in here {
        changed[at] ^= 1;
    }
    changed.freeze()
}

/// Waits for a while, or for ever: the client or a timeout ends it then.
pub(super) async fn stand_still(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

fn broken() -> FetchError {
    FetchError::Malformed("the fault plan breaks the connection here".to_owned())
}

/// A body whose bytes are counted as they are sent.
pub(super) struct Counted {
    pub(super) body: Body,
    pub(super) entry: Arc<Entry>,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = FetchError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FetchError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            self.entry.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
