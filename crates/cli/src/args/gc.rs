//! `eigenpack gc`.

use std::time::Duration;

use clap::Args;

/// Remove from the local store what no repository refers to any more
///
/// Only blobs that were neither written nor asked for since --min-age are removed, so that pushes may
/// go on meanwhile. A push that pauses for longer may lose what it has sent, and must send it again.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  eigenpack gc --dry-run\n  eigenpack gc --min-age 7d")]
pub(crate) struct GcArgs {
    /// Keep what is younger: a number with s, m, h or d
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = parse_age)]
    pub(crate) min_age: Duration,

    /// Only show what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Parses a number with a unit.
fn parse_age(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "an age is a number with a unit, for example 90s, 30m, 24h or 7d";
    let (at, unit) = text.char_indices().next_back().ok_or(FORM)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(FORM),
    };
    let number = &text[..at];
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FORM);
    }
    let number: u64 = number.parse().map_err(|_| FORM)?;
    let seconds = number.checked_mul(seconds).ok_or("this age is too long")?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("30m", 1800),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            assert_eq!(parse_age(text), Ok(Duration::from_secs(seconds)), "{text}");
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
            assert!(parse_age(text).is_err(), "{text}");
        }
    }
}
