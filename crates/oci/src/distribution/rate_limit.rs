//! How often a registry may still be asked, as it says itself.

use std::fmt;
use std::time::Duration;

/// A registry's limit of requests, from the headers `RateLimit-Limit` and `RateLimit-Remaining`.
///
/// No standard defines them yet; the forms are Docker Hub's, `100;w=21600`, which is that of the drafts, and a bare number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests may be made in the window.
    pub limit: u64,
    /// How many of them are left.
    pub remaining: Option<u64>,
    /// How long the window is.
    pub window: Option<Duration>,
}

impl RateLimit {
    /// Reads the two headers; `None` where the limit is not understood.
    pub fn read(limit: &str, remaining: Option<&str>) -> Option<Self> {
        let (limit, window) = quota(limit)?;
        let remaining = remaining.and_then(quota);
        Some(Self {
            limit,
            remaining: remaining.map(|(remaining, _)| remaining),
            window: window.or(remaining.and_then(|(_, window)| window)),
        })
    }
}

/// Reads a number and the window it is for. Of a list, the first one counts: it is the one in force.
fn quota(header: &str) -> Option<(u64, Option<Duration>)> {
    let mut parts = header.split(',').next()?.split(';').map(str::trim);
    let number = parts.next()?.parse().ok()?;
    let window = parts.find_map(|part| part.strip_prefix("w=")?.parse().ok());
    Some((number, window.map(Duration::from_secs)))
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.remaining {
            Some(remaining) => write!(f, "{remaining} of {} requests are left", self.limit)?,
            None => write!(f, "{} requests may be made", self.limit)?,
        }
        match self.window.map(|window| window.as_secs()) {
            None => Ok(()),
            Some(seconds) if seconds > 0 && seconds % 3600 == 0 => {
                write!(f, " in {} h", seconds / 3600)
            }
            Some(seconds) if seconds > 0 && seconds % 60 == 0 => {
                write!(f, " in {} min", seconds / 60)
            }
            Some(seconds) => write!(f, " in {seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_are_in_use() {
        let shown = |limit, remaining| RateLimit::read(limit, remaining).map(|r| r.to_string());
        for (limit, remaining, expected) in [
            (
                "100;w=21600",
                Some("76;w=21600"),
                "76 of 100 requests are left in 6 h",
            ),
            (
                "100, 100;w=60, 5;w=1",
                Some("4"),
                "4 of 100 requests are left",
            ),
            ("10; w=90", None, "10 requests may be made in 90 s"),
            (
                "10;w=120;x=1",
                Some("many"),
                "10 requests may be made in 2 min",
            ),
            ("10", Some("0;w=0"), "0 of 10 requests are left in 0 s"),
        ] {
            assert_eq!(
                shown(limit, remaining).as_deref(),
                Some(expected),
                "{limit}"
            );
        }
        for nothing in ["", ";w=1", "-1", "99999999999999999999"] {
            assert_eq!(shown(nothing, Some("1")), None, "{nothing}");
        }
    }
}
