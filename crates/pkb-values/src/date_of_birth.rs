//! Date of birth. The join page of PKB asks for it, so it is the patient's third secret: it is
//! compared and uploaded, and never printed or texted.

use jiff::civil::Date;

use super::{DateOrder, Problem, private_text_serde, written_date};

/// A day on which somebody living may have been born.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateOfBirth(Date);

impl DateOfBirth {
    /// Reads `YYYY-MM-DD`, the form of the record and of PKB's answers.
    ///
    /// # Errors
    /// [`Problem::Empty`] or [`Problem::NotADate`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Problem::Empty);
        }
        // jiff also reads longer forms (with a time, or 2000-W01); ten characters keep them out.
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(Problem::NotADate);
        }
        text.parse().map(Self).map_err(|_| Problem::NotADate)
    }

    /// Reads a date as hospitals write it: ISO, `21/4/1999`, `21 April 1999`, `19990421` and their
    /// like, with midnight behind it or not. `order` is that of day and month where both are
    /// digits and the year comes last.
    ///
    /// # Errors
    /// [`Problem::Empty`], [`Problem::NotADate`], [`Problem::MonthFirst`],
    /// [`Problem::TwoDigitYear`], [`Problem::HasTime`], and what spreadsheets make of dates:
    /// [`Problem::ExcelDayNumber`], [`Problem::SpreadsheetError`],
    /// [`Problem::ScientificNotation`], [`Problem::DecimalPoint`].
    pub fn parse_as_written(text: &str, order: DateOrder) -> Result<Self, Problem> {
        written_date::read(text, order).map(Self)
    }

    /// Reads a date that stands in three columns. The month may be a name.
    ///
    /// # Errors
    /// [`Problem::Empty`] if all three are; otherwise as for [`Self::parse_as_written`].
    pub fn from_parts(day: &str, month: &str, year: &str) -> Result<Self, Problem> {
        written_date::read_parts(day, month, year).map(Self)
    }

    /// Refuses days that nobody living was born on, as seen from `today`.
    ///
    /// # Errors
    /// [`Problem::InTheFuture`] or [`Problem::TooLongAgo`].
    pub fn check_plausible(self, today: Date) -> Result<Self, Problem> {
        if self.0 > today {
            Err(Problem::InTheFuture)
        } else if today.year() - self.0.year() > 130 {
            Err(Problem::TooLongAgo)
        } else {
            Ok(self)
        }
    }

    /// Whether the day is more than 120 years before `today`: a birthday that few living people
    /// have.
    pub fn over_120_on(self, today: Date) -> bool {
        (self.0.year() + 120, self.0.month(), self.0.day())
            < (today.year(), today.month(), today.day())
    }

    /// Full years of age on `day`. Somebody born on 29 February has a birthday on 1 March in
    /// years without that day (as English law counts).
    pub fn age_on(self, day: Date) -> i16 {
        let had_birthday = (day.month(), day.day()) >= (self.0.month(), self.0.day());
        day.year() - self.0.year() - i16::from(!had_birthday)
    }

    /// The date, for PKB's file and for comparing.
    pub fn expose_date(&self) -> Date {
        self.0
    }

    /// The date as bytes, for the key of a journal. Not for showing.
    pub fn key_bytes(&self) -> [u8; 4] {
        let [century, year] = self.0.year().to_be_bytes();
        [century, year, self.0.month() as u8, self.0.day() as u8]
    }

    /// The date as `YYYY-MM-DD`.
    pub fn expose_iso(&self) -> String {
        self.0.to_string()
    }
}

impl std::fmt::Debug for DateOfBirth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DateOfBirth(…)")
    }
}

private_text_serde!(DateOfBirth, expose_iso);

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn born(text: &str) -> DateOfBirth {
        DateOfBirth::parse(text).unwrap()
    }

    #[test]
    fn only_existing_days_in_iso_form_are_read() {
        assert_eq!(born("2000-02-29").expose_iso(), "2000-02-29");
        for text in [
            "1999-02-29",
            "2000-13-01",
            "15/09/2000",
            "2000-9-15",
            "20000915",
            "2000-09-15T00",
            "2000-09-1５",
        ] {
            assert_eq!(DateOfBirth::parse(text), Err(Problem::NotADate), "{text}");
        }
    }

    #[test]
    fn the_record_is_read_as_strictly_as_before_and_hospitals_are_not() {
        for text in [
            "21/04/1999",
            "1999-04-21T00:00:00",
            "19990421",
            "=\"1999-04-21\"",
        ] {
            assert_eq!(DateOfBirth::parse(text), Err(Problem::NotADate), "{text}");
            let written = DateOfBirth::parse_as_written(text, DateOrder::DayFirst).unwrap();
            assert_eq!(DateOfBirth::parse(&written.expose_iso()), Ok(written));
        }
        let parts = DateOfBirth::from_parts("21", "Apr", "1999");
        assert_eq!(parts, Ok(born("1999-04-21")));
    }

    #[test]
    fn somebody_is_sixteen_from_the_sixteenth_birthday_on() {
        let born = born("2010-11-22");
        assert_eq!(born.age_on(date(2026, 11, 21)), 15);
        assert_eq!(born.age_on(date(2026, 11, 22)), 16);
    }

    #[test]
    fn a_leap_day_birthday_is_on_the_first_of_march_in_other_years() {
        let born = born("2008-02-29");
        assert_eq!(born.age_on(date(2026, 2, 28)), 17);
        assert_eq!(born.age_on(date(2026, 3, 1)), 18);
    }

    #[test]
    fn somebody_is_over_120_from_the_day_after_the_birthday_on() {
        let today = date(2026, 11, 22);
        assert!(!born("1906-11-22").over_120_on(today));
        assert!(born("1906-11-21").over_120_on(today));
        assert!(!born("1904-02-29").over_120_on(date(2024, 2, 29)));
        assert!(born("1904-02-29").over_120_on(date(2024, 3, 1)));
    }

    #[test]
    fn tomorrow_and_the_nineteenth_century_are_refused() {
        let today = date(2026, 11, 22);
        assert!(born("2026-11-22").check_plausible(today).is_ok());
        assert_eq!(
            born("2026-11-23").check_plausible(today),
            Err(Problem::InTheFuture)
        );
        assert_eq!(
            born("1880-01-01").check_plausible(today),
            Err(Problem::TooLongAgo)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_reads_back(text in "\\PC{0,12}|[0-9]{4}-[01][0-9]-[0-3][0-9]|[-+0-9]{10}") {
            if let Ok(born) = DateOfBirth::parse(&text) {
                prop_assert_eq!(DateOfBirth::parse(&born.expose_iso()), Ok(born));
            }
        }

        #[test]
        fn what_hospitals_write_reads_back_from_the_record(text in "[0-9]{8}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{4}-[01][0-9]-[0-3][0-9]") {
            if let Ok(born) = DateOfBirth::parse_as_written(&text, DateOrder::DayFirst) {
                prop_assert_eq!(DateOfBirth::parse(&born.expose_iso()), Ok(born));
            }
        }
    }
}
