//! Lengths of time.

use std::time::Duration;

use jiff::SignedDuration;

/// A length of time as people write it: `90s`, `30m`, `2h`, `7d`.
///
/// # Errors
/// It is not one, or negative.
pub fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    // Of units that are longer than an hour jiff knows only calendar ones; a day here is 24 hours.
    let days = text.strip_suffix('d').map(|days| days.parse::<u32>());
    if let Some(Ok(days)) = days {
        return Ok(Duration::from_secs(86_400 * u64::from(days)));
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or("not a length of time, such as 90s, 30m, 2h or 7d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_written_with_its_unit() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1800),
            ("2h", 7200),
            ("1h 30m", 5400),
            ("7d", 604_800),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["", "4", "-2h", "2h ago", "soon", "d", "-1d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
