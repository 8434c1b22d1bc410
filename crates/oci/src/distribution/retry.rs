//! When a request is tried again, and how long to wait before.

use std::time::Duration;

use jiff::fmt::rfc2822;

/// How a request failed, as far as trying again is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure<'a> {
    /// The server answered with this status.
    Status {
        /// The status.
        status: u16,
        /// The answer's `Retry-After`.
        retry_after: Option<&'a str>,
    },
    /// The connection broke before the answer was complete.
    Broken,
    /// Nothing moved for too long.
    Silent,
}

impl Failure<'_> {
    /// Tells whether the request may have been carried out all the same.
    ///
    /// With some statuses a server says that it did not get to it; a gateway's say nothing of the server behind it.
    pub fn leaves_doubt(self) -> bool {
        match self {
            Self::Broken | Self::Silent => true,
            Self::Status { status, .. } => matches!(status, 500 | 502 | 504),
        }
    }
}

/// How often and with what pauses a request that is safe to repeat is tried again.
///
/// The pause is random between nothing and a bound that doubles each time ("full jitter"), so that clients that failed
/// together do not come back together. A server's `Retry-After` counts instead, up to a cap: no server can stall a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is repeated at most.
    pub max_retries: u32,
    /// The bound of the first pause.
    pub base: Duration,
    /// The longest pause of our own choosing.
    pub max_pause: Duration,
    /// The longest pause that a server can choose.
    pub max_retry_after: Duration,
    /// How many bytes of a transfer must have moved since it broke last for another break to be counted from one again.
    pub min_progress: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 4,
            base: Duration::from_millis(250),
            max_pause: Duration::from_secs(10),
            max_retry_after: Duration::from_mins(1),
            min_progress: 64 * 1024,
        }
    }
}

impl RetryPolicy {
    /// Tells whether the policy tries again after this failure at all.
    pub fn is_retryable(failure: Failure<'_>) -> bool {
        match failure {
            Failure::Broken | Failure::Silent => true,
            Failure::Status { status, .. } => {
                matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
            }
        }
    }

    /// Returns how long to wait before the request is sent again, or `None` to give up.
    ///
    /// `retries` is how many there were before, `now` the time since the Unix epoch, `random` any random number.
    pub fn pause(
        &self,
        retries: u32,
        failure: Failure<'_>,
        now: Duration,
        random: u32,
    ) -> Option<Duration> {
        if retries >= self.max_retries || !Self::is_retryable(failure) {
            return None;
        }
        if let Failure::Status {
            retry_after: Some(header),
            ..
        } = failure
            && let Some(pause) = parse_retry_after(header, now)
        {
            return Some(pause.min(self.max_retry_after));
        }
        let doubled = 2u32.checked_pow(retries).unwrap_or(u32::MAX);
        let bound = self.base.saturating_mul(doubled).min(self.max_pause);
        Some(bound.mul_f64(f64::from(random) / f64::from(u32::MAX)))
    }
}

/// Reads a `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). A date that is past means at once.
fn parse_retry_after(header: &str, now: Duration) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let date = rfc2822::DateTimeParser::new()
        .parse_timestamp(header)
        .ok()?
        .as_second();
    let date = Duration::from_secs(u64::try_from(date).unwrap_or(0));
    Some(date.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Duration = Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT

    fn after(header: &str) -> Option<u64> {
        let failure = Failure::Status {
            status: 503,
            retry_after: Some(header),
        };
        let pause = RetryPolicy::default().pause(0, failure, NOW, 0)?;
        Some(pause.as_secs())
    }

    #[test]
    fn a_server_chooses_the_pause_up_to_the_cap() {
        assert_eq!(after("7"), Some(7));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
        assert_eq!(after("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(after("999999"), Some(60));
        assert_eq!(after("99999999999999999999999"), Some(60));
        assert_eq!(after("Fri, 31 Dec 2100 00:00:00 GMT"), Some(60));
        // What cannot be read leaves the choice to us.
        assert_eq!(after("soon"), Some(0));
        assert_eq!(after("-1"), Some(0));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let status = |status| Failure::Status {
            status,
            retry_after: None,
        };
        for repeated in [408, 429, 500, 502, 503, 504] {
            assert!(RetryPolicy::is_retryable(status(repeated)), "{repeated}");
        }
        for final_ in [200, 400, 401, 403, 404, 409, 412, 413, 416, 501, 505] {
            assert!(!RetryPolicy::is_retryable(status(final_)), "{final_}");
        }
        assert!(RetryPolicy::is_retryable(Failure::Broken));
    }

    #[test]
    fn whoever_did_not_get_to_it_has_not_done_it() {
        let status = |status| Failure::Status {
            status,
            retry_after: None,
        };
        for doubtful in [
            Failure::Broken,
            Failure::Silent,
            status(500),
            status(502),
            status(504),
        ] {
            assert!(doubtful.leaves_doubt(), "{doubtful:?}");
        }
        for sure in [404, 408, 429, 503] {
            assert!(!status(sure).leaves_doubt(), "{sure}");
        }
    }

    #[test]
    fn the_bound_doubles_and_ends() {
        let policy = RetryPolicy {
            max_retries: 9,
            ..RetryPolicy::default()
        };
        let bounds: Vec<_> = (0..10)
            .map(|n| {
                policy
                    .pause(n, Failure::Broken, NOW, u32::MAX)
                    .map(|d| d.as_millis())
            })
            .collect();
        assert_eq!(
            bounds,
            [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]
                .map(Some)
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn no_pause_is_over_the_caps(retries in 0..200u32, header in "[0-9]{0,25}|\\PC{0,30}", random in any::<u32>(), now in any::<u64>()) {
            let policy = RetryPolicy { max_retries: 200, ..RetryPolicy::default() };
            let failure = Failure::Status { status: 429, retry_after: Some(&header) };
            let pause = policy.pause(retries, failure, Duration::from_secs(now), random);
            prop_assert!(pause.is_some_and(|pause| pause <= policy.max_retry_after));
        }
    }
}
