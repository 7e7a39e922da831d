//! What a patient's record at PKB says about an upload that was sent and not answered. No calls in here.

use crate::comparison::{Standing, Values};

/// What PKB says of a patient now.
#[derive(Debug, Clone, Copy)]
pub enum Now<'v> {
    /// This is what PKB has.
    There(&'v Values),
    /// PKB has a record and does not show it.
    Hidden,
    /// PKB has no record.
    Absent,
    /// PKB's answer does not say.
    Untold,
}

/// What that means for the upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The row was taken: PKB has what it did not have before.
    Taken,
    /// The row was not taken so far: PKB still lacks what it would have.
    Missing,
    /// PKB has the patient, and may have had the patient before: nobody asked.
    Perhaps,
    /// PKB does not say, or no longer shows a patient whom it had before.
    Untold,
    /// Nothing that can be seen: PKB had before what was uploaded.
    Nothing,
}

/// A row of the batch.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its line in the batch, the header being 1.
    pub line: u64,
    /// Where its patient stood before the batch was sent; `None` if nobody asked.
    pub before: Option<Standing>,
    /// What is known of it now.
    pub seen: Seen,
}

impl Row {
    /// Takes in what PKB says now; `ours` is what was uploaded.
    ///
    /// A record that was not shown before and is shown now proves nothing: patients change their sharing. A patient who was there and is not
    /// found shows that this client does not see all records, so such an answer never counts as "not taken".
    pub fn look(&mut self, ours: &Values, now: Now<'_>) {
        self.seen = match (self.before, now) {
            (_, Now::Untold) => Seen::Untold,
            (None, Now::Absent) => {
                // Whoever turns up from now on was not there before.
                self.before = Some(Standing::New);
                Seen::Missing
            }
            (None, Now::There(_) | Now::Hidden) => Seen::Perhaps,
            (Some(Standing::New), Now::Absent) => Seen::Missing,
            (Some(Standing::New), Now::There(_) | Now::Hidden) => Seen::Taken,
            (Some(Standing::NoAccess), Now::There(_) | Now::Hidden) => Seen::Nothing,
            (Some(Standing::Known(changes)), Now::There(theirs)) => {
                match changes.are_made(ours, theirs) {
                    Some(true) => Seen::Taken,
                    Some(false) => Seen::Missing,
                    None => Seen::Nothing,
                }
            }
            (Some(Standing::Known(_)), Now::Hidden)
            | (Some(Standing::Known(_) | Standing::NoAccess), Now::Absent) => Seen::Untold,
        };
    }
}

/// How many rows of a batch are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken, now or as an earlier run found out.
    pub taken: u64,
    /// Not taken so far.
    pub missing: u64,
    /// There, and perhaps before.
    pub perhaps: u64,
    /// Not told.
    pub untold: u64,
    /// With nothing to see.
    pub nothing: u64,
}

/// What the rows of a batch together say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// PKB has taken the batch: each row that can show it does.
    Whole,
    /// PKB has taken nothing: no row shows it, and some would.
    None,
    /// Neither can be said.
    Open,
}

impl Counts {
    /// Counts `rows`, and those that an earlier run found to be taken.
    pub fn of(rows: &[Row], taken_before: u64) -> Self {
        let mut counts = Self {
            taken: taken_before,
            ..Self::default()
        };
        for row in rows {
            *match row.seen {
                Seen::Taken => &mut counts.taken,
                Seen::Missing => &mut counts.missing,
                Seen::Perhaps => &mut counts.perhaps,
                Seen::Untold => &mut counts.untold,
                Seen::Nothing => &mut counts.nothing,
            } += 1;
        }
        counts
    }

    /// Rows that are there or may be: the number that has to settle.
    pub fn there(&self) -> u64 {
        self.taken + self.perhaps
    }

    /// All rows.
    pub fn all(&self) -> u64 {
        self.there() + self.missing + self.untold + self.nothing
    }

    /// Whether asking again may bring more.
    pub fn may_change(&self) -> bool {
        self.missing + self.untold > 0
    }

    /// What can be said.
    pub fn finding(&self) -> Finding {
        match (self.there(), self.may_change()) {
            (1.., false) if self.perhaps == 0 => Finding::Whole,
            (0, true) if self.untold == 0 => Finding::None,
            _ => Finding::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::{
        comparison::{Hasher, differences::Differences},
        pkb_file::Sent,
    };

    fn patient(last: &str, street: &str) -> Values {
        let patient = serde_json::from_value(serde_json::json!({
            "national_id": {"type": "NHS_NUMBER", "value": "5760678914"},
            "first_name": "Anna", "last_name": last, "date_of_birth": "1941-03-16",
            "address": [street, "Newcastle"], "post_code": "NE1 1XC",
        }));
        HASHER.with(|hasher| hasher.ours(&patient.unwrap()))
    }

    thread_local! {
        static HASHER: Hasher = Hasher::default();
    }

    fn born(mut values: Values, born: Option<Date>) -> Values {
        values.born = born;
        values
    }

    fn seen(before: Option<Standing>, ours: &Values, now: Now<'_>) -> Seen {
        let mut row = Row {
            line: 2,
            before,
            seen: Seen::Untold,
        };
        row.look(ours, now);
        row.seen
    }

    #[test]
    fn a_new_patient_shows_whether_the_upload_was_taken() {
        let ours = patient("Archer", "1 High Road");
        let new = Some(Standing::New);
        assert_eq!(seen(new, &ours, Now::There(&ours)), Seen::Taken);
        assert_eq!(seen(new, &ours, Now::Hidden), Seen::Taken);
        assert_eq!(seen(new, &ours, Now::Absent), Seen::Missing);
        assert_eq!(seen(new, &ours, Now::Untold), Seen::Untold);
    }

    #[test]
    fn a_known_patient_shows_it_by_what_the_upload_changes() {
        let ours = patient("Archer", "1 High Road");
        for theirs in [
            patient("Baker", "1 High Road"),
            patient("Archer", "7 Mill Lane"),
            born(ours, None),
        ] {
            let all = Sent {
                dates: true,
                addresses: true,
            };
            let changes = Differences::alone(&ours, &theirs).made_by(all);
            let before = Some(Standing::Known(changes));
            assert_eq!(seen(before, &ours, Now::There(&theirs)), Seen::Missing);
            assert_eq!(seen(before, &ours, Now::There(&ours)), Seen::Taken);
            for now in [Now::Hidden, Now::Absent, Now::Untold] {
                assert_eq!(seen(before, &ours, now), Seen::Untold, "{now:?}");
            }
            // FHIR tells the date of birth only.
            let told = born(Values::default(), theirs.born);
            let expected = match theirs.born {
                None => Seen::Missing,
                Some(_) => Seen::Nothing,
            };
            assert_eq!(seen(before, &ours, Now::There(&told)), expected);
        }
    }

    #[test]
    fn names_alone_are_looked_at_where_names_alone_were_sent() {
        let ours = patient("Archer", "1 High Road");
        let theirs = patient("Archer", "7 Mill Lane");
        let changes = Differences::alone(&ours, &theirs).made_by(Sent::NAMES);
        let before = Some(Standing::Known(changes));
        assert_eq!(seen(before, &ours, Now::There(&ours)), Seen::Nothing);
        let married = patient("Baker", "7 Mill Lane");
        let changes = Differences::alone(&ours, &married).made_by(Sent::NAMES);
        let before = Some(Standing::Known(changes));
        assert_eq!(seen(before, &ours, Now::There(&theirs)), Seen::Taken);
        assert_eq!(seen(before, &ours, Now::There(&married)), Seen::Missing);
    }

    #[test]
    fn a_patient_who_shows_nothing_or_was_not_asked_about_proves_nothing() {
        let ours = patient("Archer", "1 High Road");
        let same = Some(Standing::Known(Differences::default()));
        assert_eq!(seen(same, &ours, Now::There(&ours)), Seen::Nothing);
        let moved_on = born(ours, Some(date(1950, 1, 1)));
        assert_eq!(seen(same, &ours, Now::There(&moved_on)), Seen::Nothing);
        let hidden = Some(Standing::NoAccess);
        assert_eq!(seen(hidden, &ours, Now::Hidden), Seen::Nothing);
        assert_eq!(seen(hidden, &ours, Now::There(&ours)), Seen::Nothing);
        assert_eq!(seen(hidden, &ours, Now::Absent), Seen::Untold);
        assert_eq!(seen(None, &ours, Now::There(&ours)), Seen::Perhaps);
        assert_eq!(seen(None, &ours, Now::Hidden), Seen::Perhaps);
    }

    #[test]
    fn whoever_was_absent_after_the_upload_and_turns_up_was_uploaded() {
        let ours = patient("Archer", "1 High Road");
        let mut row = Row {
            line: 2,
            before: None,
            seen: Seen::Untold,
        };
        row.look(&ours, Now::Absent);
        assert_eq!(row.seen, Seen::Missing);
        row.look(&ours, Now::There(&ours));
        assert_eq!(row.seen, Seen::Taken);
    }

    #[test]
    fn one_row_that_differs_from_the_others_keeps_the_batch_open() {
        use Seen::{Missing, Nothing, Perhaps, Taken, Untold};
        for (seen, before, finding) in [
            (&[Taken, Taken][..], 0, Finding::Whole),
            (&[Taken, Nothing], 0, Finding::Whole),
            (&[Nothing], 3, Finding::Whole),
            (&[Missing, Missing], 0, Finding::None),
            (&[Missing, Nothing], 0, Finding::None),
            (&[Taken, Missing], 0, Finding::Open),
            (&[Missing, Missing], 1, Finding::Open),
            (&[Missing, Perhaps], 0, Finding::Open),
            (&[Missing, Untold], 0, Finding::Open),
            (&[Taken, Untold], 0, Finding::Open),
            (&[Taken, Perhaps], 0, Finding::Open),
            (&[Perhaps], 0, Finding::Open),
            (&[Untold], 0, Finding::Open),
            (&[Nothing], 0, Finding::Open),
            (&[], 0, Finding::Open),
        ] {
            let rows: Vec<Row> = (2..)
                .zip(seen)
                .map(|(line, seen)| Row {
                    line,
                    before: None,
                    seen: *seen,
                })
                .collect();
            let counts = Counts::of(&rows, before);
            assert_eq!(counts.finding(), finding, "{seen:?} {before}");
            assert_eq!(counts.all(), rows.len() as u64 + before);
        }
    }
}
