//! `--series`: letters of one shard of a campaign, which must not be mistaken for those of another one.
//!
//! Whoever prints has the files of all shards in one queue and the sheets of all on one floor. So a series is in the
//! name of each file, and each number is the only one of the campaign; within a series numbers follow each other, so that
//! a missing sheet is seen.

use std::{num::NonZeroU16, ops::RangeInclusive};

use pkb_core::{
    Fatal,
    record::{Channel, Edition},
    rehearsal::FILE_PREFIX,
};

use crate::editions::{edition_of, plain_name, prefix};

/// Numbers of each series: six digits, as sheets of a campaign without series have.
const NUMBERS: u64 = 1_000_000;

/// Which letters of a campaign, or of a rehearsal of one, these are: all, or those of a shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Series {
    number: Option<NonZeroU16>,
    is_rehearsal: bool,
}

impl Series {
    /// The series with this number, from 1; `None` for a campaign in one piece.
    #[must_use]
    pub fn new(number: Option<u16>) -> Self {
        Self {
            number: number.and_then(NonZeroU16::new),
            is_rehearsal: false,
        }
    }

    /// The same of a rehearsal, if it is one: then the names of its files say so.
    #[must_use]
    pub fn in_rehearsal(self, is_rehearsal: bool) -> Self {
        Self {
            is_rehearsal,
            ..self
        }
    }

    /// Whether it is one of a rehearsal.
    #[must_use]
    pub fn is_rehearsal(self) -> bool {
        self.is_rehearsal
    }

    /// Beginning of the names of its letters: `letters-`, `letters-03-`.
    #[must_use]
    pub fn of_letters(self, edition: Edition) -> String {
        self.after(prefix(edition))
    }

    /// Beginning of the names of a channel's spreadsheets: `sms-`, `sms-03-`.
    #[must_use]
    pub fn of_spreadsheets(self, channel: Channel) -> String {
        self.after(channel.spreadsheet_prefix().unwrap_or_default())
    }

    /// The name of a file or folder of which each series has one: `formats`, `formats-03`.
    #[must_use]
    pub fn named(self, name: &str) -> String {
        let rehearsal = if self.is_rehearsal { FILE_PREFIX } else { "" };
        match self.number {
            Some(number) => format!("{rehearsal}{name}-{number:02}"),
            None => format!("{rehearsal}{name}"),
        }
    }

    fn after(self, prefix: &str) -> String {
        let rehearsal = if self.is_rehearsal { FILE_PREFIX } else { "" };
        match self.number {
            Some(number) => format!("{rehearsal}{prefix}{number:02}-"),
            None => format!("{rehearsal}{prefix}"),
        }
    }

    /// The numbers that its letters may have.
    #[must_use]
    pub fn numbers(self) -> RangeInclusive<u64> {
        match self.number.map(|number| u64::from(number.get())) {
            Some(number) => number * NUMBERS + 1..=number * NUMBERS + NUMBERS - 1,
            None => 1..=u64::MAX,
        }
    }

    /// Refuses a journal in which a file of another series stands: it is another shard's, and does not know who of
    /// this one has a letter.
    ///
    /// # Errors
    /// [`Fatal::Usage`].
    pub fn check(self, file: &str) -> Result<(), Fatal> {
        match series_of(file) {
            Some(found) if found.is_rehearsal != self.is_rehearsal => Err(Fatal::Usage(format!(
                "the journal has {file}, and this run makes {}0001 and so on. One of them is a rehearsal and the other is \
                 not. What to do: \
                 give this run its own journal and folder",
                self.of_letters(Edition::First),
            ))),
            Some(found) if found != self => Err(Fatal::Usage(format!(
                "the journal has {file}, and this run makes {}0001 and so on. What to do: {}",
                self.of_letters(Edition::First),
                match found.number {
                    Some(number) =>
                        format!("use --series {number} as before, or this shard's own journal"),
                    None => "leave out --series as before, or use this shard's own journal".into(),
                }
            ))),
            _ => Ok(()),
        }
    }
}

/// The series of a file of letters or of a spreadsheet; `None` for other files.
fn series_of(file: &str) -> Option<Series> {
    let plain = plain_name(file);
    let beginning = match edition_of(file) {
        Some(edition) => prefix(edition),
        None => Channel::prefix_of_spreadsheet(plain)?,
    };
    let is_rehearsal = plain.len() < file.len();
    let batch = plain.split(['/', '.']).next()?.strip_prefix(beginning)?;
    let series = Series::new(match batch.split_once('-') {
        Some((number, _)) => Some(number.parse().ok()?),
        None => {
            batch.parse::<u64>().ok()?;
            None
        }
    });
    Some(series.in_rehearsal(is_rehearsal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_names_nor_numbers_of_two_series_are_alike() {
        let [none, third, last] = [None, Some(3), Some(999)].map(Series::new);
        assert_eq!(none.of_letters(Edition::First), "letters-");
        assert_eq!(third.of_letters(Edition::Reprint), "reprint-03-");
        assert_eq!(third.of_spreadsheets(Channel::Sms), "sms-03-");
        assert_eq!(third.numbers(), 3_000_001..=3_999_999);
        assert_eq!(last.of_letters(Edition::First), "letters-999-");
        assert_eq!(Series::new(Some(4)).numbers().start(), &4_000_001);
        assert_eq!(none.numbers().start(), &1);
    }

    #[test]
    fn names_say_whether_they_are_a_rehearsals_and_the_other_kind_is_refused() {
        for number in [None, Some(3)] {
            let real = Series::new(number);
            let rehearsal = real.in_rehearsal(true);
            assert!(
                rehearsal
                    .of_letters(Edition::First)
                    .starts_with("rehearsal-letters-")
            );
            assert!(
                rehearsal
                    .of_spreadsheets(Channel::Sms)
                    .starts_with("rehearsal-sms-")
            );
            for (own, other) in [(real, rehearsal), (rehearsal, real)] {
                for file in [
                    own.of_letters(Edition::Reissue) + "0001.pdf",
                    own.of_letters(Edition::First) + "0001/000123-ab.pdf",
                    own.of_spreadsheets(Channel::Sms) + "0002.csv",
                ] {
                    assert!(own.check(&file).is_ok(), "{file}");
                    let refusal = other.check(&file).unwrap_err().to_string();
                    assert!(refusal.contains("One of them is a rehearsal"), "{refusal}");
                }
            }
        }
    }

    #[test]
    fn a_journal_of_another_series_is_refused_with_what_to_do() {
        let [none, third] = [None, Some(3)].map(Series::new);
        for file in [
            "letters-03-0001.pdf",
            "sms-03-0001.csv",
            "reissue-03-0002/3000123-ab.pdf",
        ] {
            assert!(third.check(file).is_ok(), "{file}");
            let refusal = none.check(file).unwrap_err().to_string();
            assert!(refusal.contains("use --series 3 as before"), "{refusal}");
        }
        for file in [
            "letters-0001.pdf",
            "sms-0001.csv",
            "letters-0001/000123-ab.pdf",
        ] {
            assert!(none.check(file).is_ok(), "{file}");
            assert!(third.check(file).is_err(), "{file}");
        }
        assert!(third.check("manifest.csv").is_ok());
    }
}
