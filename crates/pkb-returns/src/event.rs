//! One line of a report: what happened to a letter, and when.

use jiff::{Timestamp, civil};
use pkb_core::{
    clock::{start_of_day, uk_moment},
    record::{NotificationId, PrintStatus, Reference, ReturnReason},
};

/// What happened to a letter.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// How far it is.
    pub status: PrintStatus,
    /// When that was.
    pub at: Timestamp,
    /// Why it came back, if the report says so.
    pub reason: Option<ReturnReason>,
    /// Sheets of paper, if the report says so.
    pub sheets: Option<u32>,
}

/// How a report names a letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Letter {
    /// By its reference.
    Reference(u128),
    /// By the number that is printed on it.
    Sequence(u64),
    /// By GOV.UK Notify's id.
    Notification(Box<str>),
}

/// Longest number that is printed on a letter.
const LONGEST_SEQUENCE: usize = 10;

impl Letter {
    /// A letter by its reference.
    #[must_use]
    pub fn of_reference(reference: &Reference) -> Self {
        Self::Reference(reference.packed())
    }

    /// What a report calls a letter: a reference, or a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_number =
            text.len() <= LONGEST_SEQUENCE && text.bytes().all(|byte| byte.is_ascii_digit());
        match is_number {
            true => text.parse().ok().map(Self::Sequence),
            false => Reference::parse(text).as_ref().map(Self::of_reference),
        }
    }

    /// A letter by GOV.UK Notify's id.
    #[must_use]
    pub fn of_notification(id: &NotificationId) -> Self {
        Self::Notification(id.as_str().to_ascii_lowercase().into())
    }
}

/// A moment as companies write it: with its zone, or without one (then it is that of the United Kingdom), or a day alone.
#[must_use]
pub fn parse_moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    if let Ok(time) = text.parse::<civil::DateTime>() {
        return Some(uk_moment(time));
    }
    if let Ok(time) = civil::DateTime::strptime("%d/%m/%Y %H:%M", text) {
        return Some(uk_moment(time));
    }
    let day = text
        .parse::<civil::Date>()
        .or_else(|_| civil::Date::strptime("%d/%m/%Y", text));
    day.ok().map(start_of_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_named_by_its_reference_in_any_case_or_by_the_number_printed_on_it() {
        let reference = Reference::parse("7K3M9QX2ABCDEFGH1234").unwrap();
        let own = Letter::of_reference(&reference);
        assert_eq!(Letter::parse("7k3m9qx2abcdefgh1234"), Some(own.clone()));
        assert_ne!(Letter::parse("7K3M9QX2ABCDEFGH1235"), Some(own));
        assert_eq!(Letter::parse("3000123"), Some(Letter::Sequence(3_000_123)));
        assert_ne!(Letter::parse("0A"), Letter::parse("A"));
        assert_eq!(Letter::parse("not one"), None);
    }

    #[test]
    fn moments_are_read_as_companies_write_them() {
        for text in [
            "2026-12-01T05:00:00Z",
            "2026-12-01 05:00",
            "2026-12-01T05:00:00",
            "01/12/2026 05:00",
        ] {
            assert_eq!(
                parse_moment(text).unwrap().to_string(),
                "2026-12-01T05:00:00Z",
                "{text}"
            );
        }
        for text in ["2026-07-01", "01/07/2026"] {
            assert_eq!(
                parse_moment(text).unwrap().to_string(),
                "2026-06-30T23:00:00Z",
                "{text}"
            );
        }
        for text in ["", "soon", "31/02/2026", "13/13/2026"] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }
}
