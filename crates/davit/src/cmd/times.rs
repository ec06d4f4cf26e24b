//! Moments and durations as people type them.

use davit_domain::time::Timestamp;
use std::time::{Duration, SystemTime};

/// `2026-12-24T22:00:00Z`, or `+2h` from now.
pub(super) fn when(text: &str) -> Result<Timestamp, String> {
    if let Some(lasts) = text.strip_prefix('+') {
        return Ok(now().plus(duration(lasts)?));
    }
    serde_json::from_value(text.into())
        .map_err(|_| "it must be a time like 2026-12-24T22:00:00Z, or +2h from now".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "a command line has no engine; the server judges the time it is given")]
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(0).plus(since)
}

/// `90s`, `30m`, `2h`, `3d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "it must be a number with s, m, h or d, such as 2h".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        Some(_) | None => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    match number.checked_mul(unit) {
        Some(0) | None => Err(wrong()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, now, when};
    use std::time::Duration;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("2h", 7200), ("3d", 259_200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "h", "2", "0h", "-1h", "2 h", "1w", "２h", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_date_or_a_while_from_now() {
        assert_eq!(when("2026-12-24T22:00:00+08:00").map(|at| at.to_string()), Ok("2026-12-24T14:00:00.000Z".into()));
        let earliest = now().plus(Duration::from_secs(7200));
        assert!(when("+2h").is_ok_and(|at| at >= earliest));
        for text in ["", "22:00", "2026-12-24", "2h", "+2", "tomorrow"] {
            assert!(when(text).is_err(), "{text}");
        }
    }
}
