//! What a display of progress is told.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt as _;

use crate::content::{ByteStream, Content, Pushed, Reopen};
use crate::descriptor::Descriptor;
use crate::reference::{Location, RegistryHost};

/// Hears of the progress of an operation, and of what registries say; all of it is optional to listen to.
///
/// The libraries never print: whoever wants to show progress gives one of these.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// One step of an operation.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A blob will be moved; not every operation knows before it starts with it.
    BlobFound(&'a Descriptor),
    /// A blob is about to be sent or fetched.
    BlobStarted(&'a Descriptor),
    /// So many bytes of a blob were moved until now; fewer than before where a part is moved again.
    ///
    /// It comes with each piece, so it should cost its listener little.
    BlobProgress(&'a Descriptor, u64),
    /// A blob is moved from so many bytes on: what comes before is in its place already, be it from an earlier operation.
    BlobResumed(&'a Descriptor, u64),
    /// A blob is in the target.
    BlobPushed(&'a Descriptor, Pushed),
    /// A blob was fetched and verified.
    BlobFetched(&'a Descriptor),
    /// A manifest is in the target.
    ManifestPushed(&'a Descriptor),
    /// A registry warns of something: for whoever is there to read it, and of no consequence for the operation.
    ///
    /// Each registry's warnings are told once each. The text has no control characters.
    Warning {
        /// The registry.
        host: &'a RegistryHost,
        /// What it says.
        text: &'a str,
    },
}

/// The observer that listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}

/// The largest piece of content in memory that is told of at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Returns the content that tells how far it was read, each time that it is, and from where on.
///
/// What is in memory is then no longer seen as such, so this is for content that takes its time: what fits in one piece
/// comes back as it is.
pub fn observed(
    content: Content,
    descriptor: &Descriptor,
    observer: &Arc<dyn Observer>,
) -> Content {
    match &content {
        Content::Bytes(bytes) if bytes.len() <= PIECE => content,
        _ => Content::Reopen(Arc::new(Observed {
            content,
            descriptor: descriptor.clone(),
            observer: Arc::clone(observer),
        })),
    }
}

#[derive(Clone)]
struct Observed {
    content: Content,
    descriptor: Descriptor,
    observer: Arc<dyn Observer>,
}

impl Reopen for Observed {
    fn open(
        &self,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + 'static>> {
        let this = self.clone();
        Box::pin(async move {
            let mut position = offset;
            let stream = match &this.content {
                Content::Bytes(bytes) => {
                    let (bytes, size) = (bytes.clone(), bytes.len());
                    let start = usize::try_from(offset).map_or(size, |start| start.min(size));
                    let pieces = (start..size)
                        .step_by(PIECE)
                        .map(move |at| Ok(bytes.slice(at..size.min(at + PIECE))));
                    Box::pin(futures_util::stream::iter(pieces))
                }
                Content::Reopen(content) => content.open(offset).await?,
            };
            if offset > 0 {
                let offset = offset.min(this.descriptor.size);
                let event = Event::BlobResumed(&this.descriptor, offset);
                this.observer.event(event);
            }
            Ok(Box::pin(stream.inspect(move |piece| {
                if let Ok(bytes) = piece {
                    position += bytes.len() as u64;
                    let event = Event::BlobProgress(&this.descriptor, position);
                    this.observer.event(event);
                }
            })) as ByteStream)
        })
    }

    fn location(&self) -> Option<Location> {
        self.content.location()
    }

    fn source_failed(&self) -> bool {
        self.content.source_failed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use futures_util::TryStreamExt as _;

    use super::*;
    use crate::media_type::MediaType;

    #[derive(Debug, Default)]
    struct Positions(Mutex<Vec<Told>>);

    #[derive(Debug, PartialEq)]
    enum Told {
        From(u64),
        To(u64),
    }

    impl Observer for Positions {
        fn event(&self, event: Event<'_>) {
            let told = match event {
                Event::BlobResumed(_, position) => Told::From(position),
                Event::BlobProgress(_, position) => Told::To(position),
                _ => return,
            };
            self.0.lock().unwrap().push(told);
        }
    }

    #[tokio::test]
    async fn tells_how_far_content_was_read_from_wherever_it_was_opened() {
        let bytes: Bytes = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let descriptor = Descriptor::of(MediaType::OCTET_STREAM, &bytes);
        let positions = Arc::new(Positions::default());
        let observer: Arc<dyn Observer> = positions.clone();
        let once = observed(Content::Bytes(bytes.clone()), &descriptor, &observer);
        let twice = observed(once.clone(), &descriptor, &observer);
        let (from, to) = (Told::From, Told::To);
        let whole = [65_536, 131_072, 196_608, 200_000].map(to);
        let both = [from(196_608), from(196_608), to(200_000), to(200_000)];
        for (content, offset, told) in [
            (&once, 0, Vec::from(whole)),
            (&once, 190_000, vec![from(190_000), to(200_000)]),
            (&once, 300_000, vec![from(200_000)]),
            (&twice, 196_608, Vec::from(both)),
        ] {
            let read: Vec<Bytes> = content
                .open(offset)
                .await
                .unwrap()
                .try_collect()
                .await
                .unwrap();
            let offset = usize::try_from(offset).unwrap().min(bytes.len());
            assert_eq!(read.concat(), bytes[offset..]);
            assert_eq!(std::mem::take(&mut *positions.0.lock().unwrap()), told);
        }

        let small = Content::Bytes(bytes.slice(..PIECE));
        assert!(matches!(
            observed(small, &descriptor, &observer),
            Content::Bytes(_)
        ));
    }
}
