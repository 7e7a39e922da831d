//! Waves: so many patients a working day, so that the help desk can answer those who call.

use std::num::NonZeroU16;

use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};
use pkb_core::{Reason, Record, Verdict, text_message::english_date};
use pkb_files::journal::Key;

/// Who is invited on which day.
pub struct Waves {
    /// Patients of a working day, of all rows of the patient file.
    pub per_day: u32,
    /// The day of the first.
    pub first_day: Date,
    /// The day on which this is asked.
    pub today: Date,
}

impl Waves {
    /// Why a patient is not invited yet. Whose day was missed is invited today.
    pub fn objection(&self, record: &Record) -> Option<Verdict> {
        let day = self.day_of(record)?;
        (self.today < day).then(|| {
            let words = format!("the patient's wave is on {}", english_date(day));
            Verdict::with_detail(Reason::NotDue, words)
        })
    }

    /// The patient's day: the same in every run, on every machine and in every shard, because it depends on the patient, on the
    /// length of the patient file, and on the settings alone.
    fn day_of(&self, record: &Record) -> Option<Date> {
        let patient = record.patient.as_ref()?.national_id;
        let waves = record.row.of.div_ceil(u64::from(self.per_day));
        let waves = NonZeroU16::new(u16::try_from(waves).unwrap_or(u16::MAX))?;
        let wave = Key::of(&[b"wave", &patient.key_bytes()]).bucket(waves);
        working_days(self.first_day).nth(wave.into())
    }
}

/// Mondays to Fridays from a day on.
fn working_days(first: Date) -> impl Iterator<Item = Date> {
    let is_weekend = |day: &Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    first.series(1.day()).filter(move |day| !is_weekend(day))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn record(at: u64, of: u64) -> Record {
        let number = (999_000_000 + at..).find_map(|nine| {
            let digits = nine.to_string();
            let sum: u64 = digits
                .bytes()
                .zip((2..=10).rev())
                .map(|(digit, weight)| u64::from(digit - b'0') * weight)
                .sum();
            match 11 - sum % 11 {
                10 => None,
                11 => Some(format!("{digits}0")),
                check => Some(format!("{digits}{check}")),
            }
        });
        let record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": at + 2, "of": of},
            "patient": {"national_id": {"type": "NHS_NUMBER", "value": number}, "first_name": "Ann", "last_name": "Lee", "date_of_birth": "1990-05-01"},
        });
        serde_json::from_value(record).unwrap()
    }

    fn waves(today: &str) -> Waves {
        Waves {
            per_day: 100,
            // A Thursday.
            first_day: "2026-12-03".parse().unwrap(),
            today: today.parse().unwrap(),
        }
    }

    #[test]
    fn about_as_many_are_invited_each_working_day_as_was_asked_for() {
        let waves = waves("2026-12-03");
        let mut days = BTreeMap::new();
        for at in 0..400 {
            *days
                .entry(waves.day_of(&record(at * 7, 400)).unwrap().to_string())
                .or_insert(0) += 1;
        }
        let names: Vec<&str> = days.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["2026-12-03", "2026-12-04", "2026-12-07", "2026-12-08"]
        );
        assert!(
            days.values().all(|count| (60..=140).contains(count)),
            "{days:?}"
        );
    }

    #[test]
    fn nobody_is_invited_before_their_day_and_everybody_on_it_and_after_it() {
        for at in 0..50 {
            let own = record(at, 400);
            let day = waves("2026-12-03").day_of(&own).unwrap();
            let before = waves(&day.yesterday().unwrap().to_string()).objection(&own);
            assert_eq!(before.map(|verdict| verdict.reason), Some(Reason::NotDue));
            for later in [day, day.tomorrow().unwrap()] {
                assert_eq!(waves(&later.to_string()).objection(&own), None);
            }
        }
    }

    #[test]
    fn a_file_of_one_wave_is_invited_on_the_first_day() {
        let own = record(1, 100);
        assert_eq!(waves("2026-12-03").objection(&own), None);
        assert!(waves("2026-12-02").objection(&own).is_some());
    }
}
