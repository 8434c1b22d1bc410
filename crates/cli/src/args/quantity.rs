//! Numbers with a unit: times and sizes.

use std::time::Duration;

/// Parses a time.
pub(super) fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "a time is a number with a unit, for example 90s, 30m, 24h or 7d";
    let (at, unit) = text.char_indices().next_back().ok_or(FORM)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(FORM),
    };
    let seconds = number(&text[..at], FORM)?.checked_mul(seconds);
    Ok(Duration::from_secs(seconds.ok_or("this time is too long")?))
}

/// Parses a time in which something must be able to happen.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, &'static str> {
    match parse_duration(text)? {
        Duration::ZERO => Err("nothing can be done in no time"),
        time => Ok(time),
    }
}

/// Parses a size: bytes, or one of the units that are a power of 1024.
pub(super) fn parse_size(text: &str) -> Result<u64, &'static str> {
    const FORM: &str =
        "a size is a number of bytes, or one with a unit, for example 512, 64KiB, 4MiB or 2GiB";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit: u64 = match &text[digits..] {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(FORM),
    };
    match number(&text[..digits], FORM)?.checked_mul(unit) {
        None => Err("this size is too large"),
        Some(0) => Err("a size is at least 1"),
        Some(size) => Ok(size),
    }
}

/// Parses the number of things that there may be.
pub(super) fn parse_count(text: &str) -> Result<usize, &'static str> {
    const FORM: &str = "it is a number, at least 1";
    match number(text, FORM)? {
        0 => Err(FORM),
        count => usize::try_from(count).map_err(|_| FORM),
    }
}

/// Parses digits alone, without a sign.
fn number(digits: &str, form: &'static str) -> Result<u64, &'static str> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().map_err(|_| form)
    } else {
        Err(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("30m", 1800),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            let expected = Duration::from_secs(seconds);
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "h",
            "24",
            "-1h",
            "+1h",
            "1.5h",
            "1w",
            "1é",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_timeout("0s").is_err());
    }

    #[test]
    fn sizes_may_have_a_unit() {
        for (text, size) in [
            ("1", 1),
            ("8192", 8192),
            ("64KiB", 65_536),
            ("4MiB", 4_194_304),
            ("2GiB", 2_147_483_648),
            ("1TiB", 1_099_511_627_776),
        ] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in [
            "",
            "0",
            "0MiB",
            "MiB",
            "4MB",
            "4M",
            "4mib",
            "4 MiB",
            "-4MiB",
            "+4",
            "1.5MiB",
            "4é",
            "99999999999999999999",
            "99999999TiB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_start_at_one() {
        assert_eq!(parse_count("1024"), Ok(1024));
        for text in ["", "0", "-1", "+1", "1.0", "1KiB"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
    }
}
