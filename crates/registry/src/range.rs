//! Ranges of bytes, as requests state them.

use std::ops::Range;

use bytes::Bytes;
use eigenpack_oci::BlobStream;
use futures_util::{StreamExt as _, stream};

/// Which part of a blob a `GET` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: no range was stated, or none that is understood.
    Whole,
    /// One part that there is.
    Part(Range<u64>),
    /// A part that there is not.
    Unsatisfiable,
}

/// Reads the `Range` of a request for a blob of `size` bytes (RFC 9110, section 14.2).
///
/// Several ranges at once are answered with the whole, which is always allowed.
pub(crate) fn wanted(range: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) = range
        .and_then(|range| range.trim().strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
    else {
        return Wanted::Whole;
    };
    let part = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(size),
        _ => return Wanted::Whole,
    };
    if part.is_empty() {
        Wanted::Unsatisfiable
    } else {
        Wanted::Part(part)
    }
}

/// Reads the `Content-Range` of a chunk: its first byte, and its length (distribution specification, "Pushing a blob in
/// chunks"). `None` where it is not well formed.
pub(crate) fn chunk(content_range: &str) -> Option<(u64, u64)> {
    let (first, last) = content_range.trim().split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    Some((first, last.checked_sub(first)?.checked_add(1)?))
}

/// Renders the `Range` that says how much of an upload has arrived. For nothing there is no notation; `0-0` is usual.
pub(crate) fn arrived(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

/// Takes a part of bytes that are all there.
pub(crate) fn slice(bytes: &Bytes, part: Range<u64>) -> Bytes {
    let at = |offset: u64| usize::try_from(offset).map_or(bytes.len(), |o| o.min(bytes.len()));
    bytes.slice(at(part.start)..at(part.end))
}

/// Ends a stream after `length` bytes.
pub(crate) fn cut(stream: BlobStream, length: u64) -> BlobStream {
    let state = (stream, length);
    Box::pin(stream::unfold(state, |(mut stream, left)| async move {
        if left == 0 {
            return None;
        }
        let item = stream.next().await?.map(|mut bytes| {
            bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            bytes
        });
        let left = match &item {
            Ok(bytes) => left.saturating_sub(bytes.len() as u64),
            Err(_) => 0,
        };
        Some((item, (stream, left)))
    }))
}

/// Reads a number as the header grammars have it: digits alone.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_within_the_blob() {
        for (range, expected) in [
            ("bytes=500-1499", Wanted::Part(500..1500)),
            ("bytes=500-", Wanted::Part(500..2048)),
            ("bytes=-500", Wanted::Part(1548..2048)),
            ("bytes=-5000", Wanted::Part(0..2048)),
            ("bytes=2000-5000", Wanted::Part(2000..2048)),
            ("bytes=0-18446744073709551615", Wanted::Part(0..2048)),
            ("bytes=500-0", Wanted::Unsatisfiable),
            ("bytes=5000-10000", Wanted::Unsatisfiable),
            ("bytes=2048-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(range), 2048), expected, "{range}");
        }
        assert_eq!(wanted(None, 2048), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn chunks_are_inclusive() {
        assert_eq!(chunk("0-9"), Some((0, 10)));
        assert_eq!(chunk("10-10"), Some((10, 1)));
        for bad in ["", "9-0", "bytes 0-9", "0-", "-9", "0-18446744073709551615"] {
            assert_eq!(chunk(bad), None, "{bad}");
        }
        assert_eq!((arrived(0), arrived(10)), ("0-0".into(), "0-9".into()));
    }
}
