//! Ranges of bytes: what was uploaded, what is to be downloaded.

/// Renders the `Content-Range` of a chunk that is uploaded (distribution specification, "Pushing a blob in chunks").
///
/// Inclusive at both ends and without a unit, unlike HTTP's. An empty chunk has no range.
pub fn chunk_range(start: u64, length: u64) -> Option<String> {
    let last = start.checked_add(length.checked_sub(1)?)?;
    Some(format!("{start}-{last}"))
}

/// Reads how many bytes of an upload the `Range` of an answer acknowledges.
///
/// `0-0` means nothing at some registries and one byte at others; taken as nothing, the byte is sent again at worst. What
/// cannot be read acknowledges nothing.
pub fn acknowledged_bytes(range: Option<&str>) -> u64 {
    let range = range.unwrap_or_default().trim();
    let range = range.strip_prefix("bytes=").unwrap_or(range);
    match range.strip_prefix("0-").map(str::parse::<u64>) {
        Some(Ok(last)) if last > 0 => last.saturating_add(1),
        _ => 0,
    }
}

/// Renders the `Range` that asks for everything from byte `offset` on (RFC 9110, section 14.2).
pub fn download_range(offset: u64) -> String {
    format!("bytes={offset}-")
}

/// Reads at which byte a partial answer starts, from its `Content-Range` (RFC 9110, section 14.4).
pub fn served_from(content_range: &str) -> Option<u64> {
    let range = content_range.trim().strip_prefix("bytes")?.trim_start();
    range.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chunks_are_inclusive() {
        assert_eq!(chunk_range(0, 10).as_deref(), Some("0-9"));
        assert_eq!(chunk_range(10, 1).as_deref(), Some("10-10"));
        assert_eq!(chunk_range(10, 0), None);
        assert_eq!(chunk_range(u64::MAX, 2), None);
    }

    #[test]
    fn doubt_acknowledges_nothing() {
        for (range, bytes) in [
            (Some("0-9"), 10),
            (Some("bytes=0-9"), 10),
            (Some("0-0"), 0),
            (Some("0--1"), 0),
            (Some("5-9"), 0),
            (Some("0-x"), 0),
            (Some(""), 0),
            (None, 0),
        ] {
            assert_eq!(acknowledged_bytes(range), bytes, "{range:?}");
        }
    }

    #[test]
    fn a_partial_answer_says_where_it_starts() {
        assert_eq!(served_from("bytes 5-9/10"), Some(5));
        assert_eq!(served_from("bytes 5-9/*"), Some(5));
        assert_eq!(served_from("bytes */10"), None);
        assert_eq!(served_from("5-9/10"), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(bytes|=| |-|/|[0-9]|\\PC){0,20}") {
            acknowledged_bytes(Some(&text));
            served_from(&text);
        }
    }
}
