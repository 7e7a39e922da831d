//! What a patient's record at PKB says about an upload that was sent and not answered. No calls in here.

use crate::comparison::{StateAtPkb, Values};

/// What PKB says of a patient now.
#[derive(Debug, Clone, Copy)]
pub enum AtPkb<'v> {
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
pub enum Evidence {
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
pub struct BatchRow {
    /// Its line in the batch, the header being 1.
    pub line: u64,
    /// Where its patient stood before the batch was sent; `None` if nobody asked.
    pub before: Option<StateAtPkb>,
    /// What is known of it now.
    pub seen: Evidence,
}

impl BatchRow {
    /// Takes in what PKB says now; `ours` is what was uploaded.
    ///
    /// A record that was not shown before and is shown now proves nothing: patients change their sharing. A patient who was there and is not
    /// found shows that this client does not see all records, so such an answer never counts as "not taken".
    pub fn look(&mut self, ours: &Values, now: AtPkb<'_>) {
        self.seen = match (self.before, now) {
            (_, AtPkb::Untold) => Evidence::Untold,
            (None, AtPkb::Absent) => {
                // Whoever turns up from now on was not there before.
                self.before = Some(StateAtPkb::New);
                Evidence::Missing
            }
            (None, AtPkb::There(_) | AtPkb::Hidden) => Evidence::Perhaps,
            (Some(StateAtPkb::New), AtPkb::Absent) => Evidence::Missing,
            (Some(StateAtPkb::New), AtPkb::There(_) | AtPkb::Hidden) => Evidence::Taken,
            (Some(StateAtPkb::NoAccess), AtPkb::There(_) | AtPkb::Hidden) => Evidence::Nothing,
            (Some(StateAtPkb::Known(changes)), AtPkb::There(theirs)) => {
                match changes.are_made(ours, theirs) {
                    Some(true) => Evidence::Taken,
                    Some(false) => Evidence::Missing,
                    None => Evidence::Nothing,
                }
            }
            (Some(StateAtPkb::Known(_)), AtPkb::Hidden)
            | (Some(StateAtPkb::Known(_) | StateAtPkb::NoAccess), AtPkb::Absent) => {
                Evidence::Untold
            }
        };
    }
}

/// How many rows of a batch are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArrivalCounts {
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
pub enum BatchFinding {
    /// PKB has taken the batch: each row that can show it does.
    Whole,
    /// PKB has taken nothing: no row shows it, and some would.
    None,
    /// Neither can be said.
    Open,
}

impl ArrivalCounts {
    /// Counts `rows`, and those that an earlier run found to be taken.
    pub fn of(rows: &[BatchRow], taken_before: u64) -> Self {
        let mut counts = Self {
            taken: taken_before,
            ..Self::default()
        };
        for row in rows {
            *match row.seen {
                Evidence::Taken => &mut counts.taken,
                Evidence::Missing => &mut counts.missing,
                Evidence::Perhaps => &mut counts.perhaps,
                Evidence::Untold => &mut counts.untold,
                Evidence::Nothing => &mut counts.nothing,
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
    pub fn finding(&self) -> BatchFinding {
        match (self.there(), self.may_change()) {
            (1.., false) if self.perhaps == 0 => BatchFinding::Whole,
            (0, true) if self.untold == 0 => BatchFinding::None,
            _ => BatchFinding::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::{
        comparison::{Hasher, differences::Differences},
        pkb_file::SentColumns,
    };

    fn patient(last: &str, street: &str) -> Values {
        let patient = serde_json::from_value(serde_json::json!({
            "national_id": {"type": "NHS_NUMBER", "value": "5760678914"},
            "first_name": "Anna", "last_name": last, "date_of_birth": "1941-03-16",
            "address": [street, "Newcastle"], "postcode": "NE1 1XC",
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

    fn seen(before: Option<StateAtPkb>, ours: &Values, now: AtPkb<'_>) -> Evidence {
        let mut row = BatchRow {
            line: 2,
            before,
            seen: Evidence::Untold,
        };
        row.look(ours, now);
        row.seen
    }

    #[test]
    fn a_new_patient_shows_whether_the_upload_was_taken() {
        let ours = patient("Archer", "1 High Road");
        let new = Some(StateAtPkb::New);
        assert_eq!(seen(new, &ours, AtPkb::There(&ours)), Evidence::Taken);
        assert_eq!(seen(new, &ours, AtPkb::Hidden), Evidence::Taken);
        assert_eq!(seen(new, &ours, AtPkb::Absent), Evidence::Missing);
        assert_eq!(seen(new, &ours, AtPkb::Untold), Evidence::Untold);
    }

    #[test]
    fn a_known_patient_shows_it_by_what_the_upload_changes() {
        let ours = patient("Archer", "1 High Road");
        for theirs in [
            patient("Baker", "1 High Road"),
            patient("Archer", "7 Mill Lane"),
            born(ours, None),
        ] {
            let all = SentColumns {
                dates: true,
                addresses: true,
            };
            let changes = Differences::alone(&ours, &theirs).made_by(all);
            let before = Some(StateAtPkb::Known(changes));
            assert_eq!(
                seen(before, &ours, AtPkb::There(&theirs)),
                Evidence::Missing
            );
            assert_eq!(seen(before, &ours, AtPkb::There(&ours)), Evidence::Taken);
            for now in [AtPkb::Hidden, AtPkb::Absent, AtPkb::Untold] {
                assert_eq!(seen(before, &ours, now), Evidence::Untold, "{now:?}");
            }
            // FHIR tells the date of birth only.
            let told = born(Values::default(), theirs.born);
            let expected = match theirs.born {
                None => Evidence::Missing,
                Some(_) => Evidence::Nothing,
            };
            assert_eq!(seen(before, &ours, AtPkb::There(&told)), expected);
        }
    }

    #[test]
    fn names_alone_are_looked_at_where_names_alone_were_sent() {
        let ours = patient("Archer", "1 High Road");
        let theirs = patient("Archer", "7 Mill Lane");
        let changes = Differences::alone(&ours, &theirs).made_by(SentColumns::NAMES);
        let before = Some(StateAtPkb::Known(changes));
        assert_eq!(seen(before, &ours, AtPkb::There(&ours)), Evidence::Nothing);
        let married = patient("Baker", "7 Mill Lane");
        let changes = Differences::alone(&ours, &married).made_by(SentColumns::NAMES);
        let before = Some(StateAtPkb::Known(changes));
        assert_eq!(seen(before, &ours, AtPkb::There(&theirs)), Evidence::Taken);
        assert_eq!(
            seen(before, &ours, AtPkb::There(&married)),
            Evidence::Missing
        );
    }

    #[test]
    fn a_patient_who_shows_nothing_or_was_not_asked_about_proves_nothing() {
        let ours = patient("Archer", "1 High Road");
        let same = Some(StateAtPkb::Known(Differences::default()));
        assert_eq!(seen(same, &ours, AtPkb::There(&ours)), Evidence::Nothing);
        let moved_on = born(ours, Some(date(1950, 1, 1)));
        assert_eq!(
            seen(same, &ours, AtPkb::There(&moved_on)),
            Evidence::Nothing
        );
        let hidden = Some(StateAtPkb::NoAccess);
        assert_eq!(seen(hidden, &ours, AtPkb::Hidden), Evidence::Nothing);
        assert_eq!(seen(hidden, &ours, AtPkb::There(&ours)), Evidence::Nothing);
        assert_eq!(seen(hidden, &ours, AtPkb::Absent), Evidence::Untold);
        assert_eq!(seen(None, &ours, AtPkb::There(&ours)), Evidence::Perhaps);
        assert_eq!(seen(None, &ours, AtPkb::Hidden), Evidence::Perhaps);
    }

    #[test]
    fn whoever_was_absent_after_the_upload_and_turns_up_was_uploaded() {
        let ours = patient("Archer", "1 High Road");
        let mut row = BatchRow {
            line: 2,
            before: None,
            seen: Evidence::Untold,
        };
        row.look(&ours, AtPkb::Absent);
        assert_eq!(row.seen, Evidence::Missing);
        row.look(&ours, AtPkb::There(&ours));
        assert_eq!(row.seen, Evidence::Taken);
    }

    #[test]
    fn one_row_that_differs_from_the_others_keeps_the_batch_open() {
        use Evidence::{Missing, Nothing, Perhaps, Taken, Untold};
        for (seen, before, finding) in [
            (&[Taken, Taken][..], 0, BatchFinding::Whole),
            (&[Taken, Nothing], 0, BatchFinding::Whole),
            (&[Nothing], 3, BatchFinding::Whole),
            (&[Missing, Missing], 0, BatchFinding::None),
            (&[Missing, Nothing], 0, BatchFinding::None),
            (&[Taken, Missing], 0, BatchFinding::Open),
            (&[Missing, Missing], 1, BatchFinding::Open),
            (&[Missing, Perhaps], 0, BatchFinding::Open),
            (&[Missing, Untold], 0, BatchFinding::Open),
            (&[Taken, Untold], 0, BatchFinding::Open),
            (&[Taken, Perhaps], 0, BatchFinding::Open),
            (&[Perhaps], 0, BatchFinding::Open),
            (&[Untold], 0, BatchFinding::Open),
            (&[Nothing], 0, BatchFinding::Open),
            (&[], 0, BatchFinding::Open),
        ] {
            let rows: Vec<BatchRow> = (2..)
                .zip(seen)
                .map(|(line, seen)| BatchRow {
                    line,
                    before: None,
                    seen: *seen,
                })
                .collect();
            let counts = ArrivalCounts::of(&rows, before);
            assert_eq!(counts.finding(), finding, "{seen:?} {before}");
            assert_eq!(counts.all(), rows.len() as u64 + before);
        }
    }
}
