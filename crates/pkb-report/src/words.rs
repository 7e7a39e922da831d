//! Numbers and times as people read them.

use jiff::{Timestamp, civil::Date};
use pkb_core::clock::uk_time;
use pkb_core::figures::grouped;

/// A number with separators: `412,345`.
#[must_use]
pub fn number(value: u64) -> String {
    grouped(value)
}

/// A number with its noun: `1 row`, `1,200 rows`.
#[must_use]
pub fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// A share: `12.5%`. What is not all is not rounded to 100%, and what is not nothing not to 0%.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    // In tenths of a percent, rounded to the nearest; wide enough for any count.
    let tenths = (u128::from(part) * 2000 + u128::from(whole)) / (u128::from(whole) * 2);
    match tenths {
        0 if part > 0 => "<0.1%".to_owned(),
        1000 if part < whole => ">99.9%".to_owned(),
        0 | 1000 => format!("{}%", tenths / 10),
        _ => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

/// A change: `+120`, `−3`, `±0`.
#[must_use]
pub fn change(before: u64, now: u64) -> String {
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => format!("+{}", number(now - before)),
        std::cmp::Ordering::Equal => "±0".to_owned(),
        std::cmp::Ordering::Less => format!("−{}", number(before - now)),
    }
}

/// A day: `22 November 2026`.
#[must_use]
pub fn day(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// A day in a table or on an axis: `22 Nov`.
#[must_use]
pub fn short_day(date: Date) -> String {
    date.strftime("%-d %b").to_string()
}

/// A moment in the United Kingdom: `22 November 2026, 09:00`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    uk_time(at).strftime("%-d %B %Y, %H:%M").to_string()
}

/// An hour of a day in the United Kingdom: `22 Nov 09:00`.
#[must_use]
pub fn short_hour(at: Timestamp) -> String {
    uk_time(at).strftime("%-d %b %H:%M").to_string()
}

/// Things in a sentence: `a, b and c`.
#[must_use]
pub fn list(things: &[String]) -> String {
    match things {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        for (part, whole, text) in [
            (0, 0, "–"),
            (0, 9, "0%"),
            (9, 9, "100%"),
            (1, 400_000, "<0.1%"),
            (399_999, 400_000, ">99.9%"),
            (1, 8, "12.5%"),
            (2, 3, "66.7%"),
            (1, 2, "50.0%"),
            (u64::MAX / 2, u64::MAX, "50.0%"),
        ] {
            assert_eq!(share(part, whole), text, "{part} of {whole}");
        }
    }

    #[test]
    fn numbers_changes_and_days_are_as_people_write_them() {
        assert_eq!(number(400_000), "400,000");
        assert_eq!(counted(1, "row", "rows"), "1 row");
        assert_eq!(change(1000, 2200), "+1,200");
        assert_eq!(change(5, 2), "−3");
        assert_eq!(change(5, 5), "±0");
        assert_eq!(day(date(2026, 11, 2)), "2 November 2026");
        let at = "2026-07-01T23:30:00Z".parse().unwrap();
        assert_eq!(moment(at), "2 July 2026, 00:30");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
