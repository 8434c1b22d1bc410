//! How often a client waited for the network, from what its requests did.

/// When a request came in and when the last byte of its answer went out, on any clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) begin: u128,
    pub(super) end: u128,
}

/// Counts the longest run of requests of which each began after the one before it was answered.
pub(super) fn count(spans: &[Span]) -> usize {
    let mut spans = spans.to_vec();
    // Whoever ends first leaves the most room for others.
    spans.sort_by_key(|span| span.end);
    let mut free_from = 0;
    let mut trips = 0;
    for span in spans {
        if span.begin >= free_from {
            trips += 1;
            free_from = span.end;
        }
    }
    trips
}

#[cfg(test)]
mod tests {
    use super::{Span, count};

    fn trips(spans: &[(u128, u128)]) -> usize {
        let spans = spans.iter().map(|&(begin, end)| Span { begin, end });
        count(&spans.collect::<Vec<_>>())
    }

    #[test]
    fn requests_side_by_side_are_one_trip() {
        assert_eq!(trips(&[(1, 51), (2, 60)]), 1);
    }

    #[test]
    fn requests_one_after_another_are_a_trip_each() {
        assert_eq!(trips(&[(1, 51), (51, 101), (103, 150)]), 3);
    }

    #[test]
    fn the_longest_chain_counts() {
        // Two uploads of two requests each, side by side, then the manifest.
        let spans = [(1, 51), (1, 54), (52, 103), (55, 105), (110, 160)];
        assert_eq!(trips(&spans), 3);
        // One that spans all the others adds nothing.
        assert_eq!(trips(&[(1, 200), (2, 50), (60, 90)]), 2);
    }

    #[test]
    fn nothing_is_no_trip() {
        assert_eq!(trips(&[]), 0);
    }
}
