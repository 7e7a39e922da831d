//! Date of birth. The join page of PKB asks for it, so it is the patient's third secret: it is
//! compared and uploaded, and never printed or texted.

use jiff::civil::Date;

use super::{Problem, private_text_serde};

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
}
