//! Lengths of time, as every option and setting takes them: `90s`, `30m`, `2h`, `28d`, or a number alone in the unit
//! of that option, which `--help` names (see `settings::help`).

use std::time::Duration;

use jiff::SignedDuration;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// A length of time; a number alone is seconds.
///
/// # Errors
/// It is not one, or negative.
pub fn seconds(text: &str) -> Result<Duration, String> {
    parse(text, 1)
}

/// A length of time; a number alone is minutes.
///
/// # Errors
/// It is not one, or negative.
pub fn minutes(text: &str) -> Result<Duration, String> {
    parse(text, MINUTE)
}

/// A length of time; a number alone is hours.
///
/// # Errors
/// It is not one, or negative.
pub fn hours(text: &str) -> Result<Duration, String> {
    parse(text, HOUR)
}

/// A length of time; a number alone is days.
///
/// # Errors
/// It is not one, or negative.
pub fn days(text: &str) -> Result<Duration, String> {
    parse(text, DAY)
}

/// How long to wait for an answer: from a second to an hour; a number alone is seconds.
///
/// # Errors
/// It is not one, or outside these limits.
pub fn timeout(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    match (1..=HOUR).contains(&time.as_secs()) {
        true => Ok(time),
        false => Err("must be from 1s to 1h".to_owned()),
    }
}

/// A number of whole days, for what is counted from one day to another: `14`, `14d`, and `336h` as well.
///
/// # Errors
/// It is not one.
pub fn whole_days(text: &str) -> Result<u16, String> {
    let time = days(text)?.as_secs();
    if time % DAY != 0 {
        return Err("must be whole days, such as 14 or 14d".to_owned());
    }
    u16::try_from(time / DAY).map_err(|_| format!("must be up to {} days", u16::MAX))
}

/// As [`whole_days`], up to a year, and at least one.
///
/// # Errors
/// It is not one, or outside these limits.
pub fn days_of_a_year(text: &str) -> Result<u16, String> {
    match whole_days(text)? {
        days @ 1..=366 => Ok(days),
        _ => Err("must be from 1 to 366 days".to_owned()),
    }
}

fn parse(text: &str, unit: u64) -> Result<Duration, String> {
    let text = text.trim();
    if let Ok(number) = text.parse::<u32>() {
        return Ok(Duration::from_secs(u64::from(number) * unit));
    }
    // Of units that are longer than an hour jiff knows only calendar ones. A day here is 24 hours.
    let days = text
        .strip_suffix('d')
        .map(|days| days.trim().parse::<u32>());
    if let Some(Ok(days)) = days {
        return Ok(Duration::from_secs(DAY * u64::from(days)));
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "must be a length of time, such as 90s, 30m, 2h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_its_unit_or_that_of_the_option() {
        for (text, wanted) in [
            ("90s", 90),
            ("30m", 1800),
            ("2h", 7200),
            ("1h 30m", 5400),
            ("7d", 604_800),
            ("28 d", 2_419_200),
            ("4", 4),
            ("0", 0),
        ] {
            assert_eq!(seconds(text), Ok(Duration::from_secs(wanted)), "{text}");
        }
        assert_eq!(minutes("4"), seconds("4m"));
        assert_eq!(hours("4"), seconds("4h"));
        assert_eq!(days("4"), seconds("4d"));
        for text in ["", "-2h", "2h ago", "soon", "d", "-1d", "-4", "1.5d"] {
            assert!(days(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_counted_in_days_takes_no_part_of_a_day() {
        for (text, wanted) in [("14", 14), ("14d", 14), ("0", 0), ("48h", 2)] {
            assert_eq!(whole_days(text), Ok(wanted), "{text}");
        }
        for text in ["36h", "90s", "70000", "soon"] {
            assert!(whole_days(text).is_err(), "{text}");
        }
        assert!(days_of_a_year("0").is_err() && days_of_a_year("367d").is_err());
        assert_eq!(days_of_a_year("366d"), Ok(366));
    }

    #[test]
    fn nobody_waits_for_an_answer_for_no_time_or_for_hours() {
        assert_eq!(timeout("2m"), Ok(Duration::from_secs(120)));
        for text in ["0", "999ms", "2h"] {
            assert!(timeout(text).is_err(), "{text}");
        }
    }
}
