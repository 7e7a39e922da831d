//! Patients of a campaign whose messages go to the same telephone: a family, or a wrong number.
//!
//! Whoever opens another's message is asked for the date of birth and cannot register with it, so
//! it is worth a look which of them should have a letter.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fmt::Write as _,
    path::Path,
};

use pkb_core::{Record, record::Channel, rows::counted};

/// Name of the list in the folder of the letters.
pub const FILE_NAME: &str = "sms-shared-mobiles.csv";

/// Groups that are named in the warning.
const NAMED: usize = 3;

/// Who has been seen with which mobile. Holds 16 bytes a number and no text.
#[derive(Debug, Default)]
pub struct SharedMobiles {
    /// Row of the first patient with a number, by the number's digits.
    first: HashMap<u64, u64>,
    /// Rows of the others, by that of the first.
    others: BTreeMap<u64, Vec<u64>>,
}

impl SharedMobiles {
    /// Notes the number of a row, in E.164 form. The same row again is no other patient.
    pub fn add(&mut self, row: u64, phone_number: &str) {
        let digits = phone_number.bytes().filter(u8::is_ascii_digit);
        // At most 15 digits (E.164).
        let number = digits.fold(0_u64, |number, digit| {
            number
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit - b'0'))
        });
        match self.first.entry(number) {
            Entry::Vacant(place) => {
                place.insert(row);
            }
            Entry::Occupied(first) if *first.get() == row => {}
            Entry::Occupied(first) => {
                let others = self.others.entry(*first.get()).or_default();
                if others.last() != Some(&row) {
                    others.push(row);
                }
            }
        }
    }

    /// Notes the mobile of a record that has been to pkb-letters, if a text message goes there.
    pub fn add_record(&mut self, record: &Record) {
        if record.delivery(Channel::Sms).is_some()
            && let Some(mobile) = record.patient.as_ref().and_then(|own| own.mobile.as_ref())
        {
            self.add(record.row.number, mobile.expose_e164());
        }
    }

    /// The list: a line for each patient, by groups. Only a header if nobody shares.
    pub fn csv(&self) -> String {
        let mut csv = String::from("group,row\r\n");
        for (group, (first, others)) in (1..).zip(&self.others) {
            for row in [first].into_iter().chain(others) {
                // Writing to memory cannot fail.
                let _ = write!(csv, "{group},{row}\r\n");
            }
        }
        csv
    }

    /// What there is to say; `path` is where the list is.
    pub fn warning(&self, path: &Path) -> Option<String> {
        if self.others.is_empty() {
            return None;
        }
        let patients: usize = self.others.values().map(|others| others.len() + 1).sum();
        let groups: Vec<String> = self.others.iter().take(NAMED).map(named).collect();
        let more = if self.others.len() > NAMED {
            "; …"
        } else {
            ""
        };
        Some(format!(
            "  warning: {} a mobile number with a different patient, in {}: {}{more}. {} lists them \
             all. Each code works only for its own patient",
            counted(patients as u64, "patient shares", "patients share"),
            counted(self.others.len() as u64, "group", "groups"),
            groups.join("; "),
            path.display()
        ))
    }
}

/// `rows 5 and 9`, or `rows 5, 9 and 3 more`.
fn named((first, others): (&u64, &Vec<u64>)) -> String {
    match others.as_slice() {
        [second] => format!("rows {first} and {second}"),
        [second, rest @ ..] => format!("rows {first}, {second} and {} more", rest.len()),
        [] => format!("row {first}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patients_with_the_same_number_are_a_group_of_rows() {
        let mut shared = SharedMobiles::default();
        for (row, number) in [
            (2, "+447700900001"),
            (3, "+447700900002"),
            (4, "+447700900001"),
            (4, "+447700900001"),
            (6, "+447700900001"),
            (7, "+447700900003"),
            (9, "+447700900003"),
        ] {
            shared.add(row, number);
        }
        assert_eq!(
            shared.csv(),
            "group,row\r\n1,2\r\n1,4\r\n1,6\r\n2,7\r\n2,9\r\n"
        );
        let warning = shared.warning(Path::new("out.csv")).unwrap();
        assert!(
            warning.contains("5 patients share a mobile number with a different patient, in 2 groups: rows 2, 4 and 1 more; rows 7 and 9. out.csv lists them all"),
            "{warning}"
        );
        assert!(SharedMobiles::default().warning(Path::new("x")).is_none());
    }

    proptest! {
        #[test]
        fn groups_are_those_that_comparing_all_with_all_finds(
            numbers in prop::collection::vec(0_u8..30, 0..40),
        ) {
            let mut shared = SharedMobiles::default();
            for (row, number) in (2..).zip(&numbers) {
                shared.add(row, &format!("+4477009000{number:02}"));
            }
            let mut expected = String::from("group,row\r\n");
            let mut group = 0;
            for (at, number) in numbers.iter().enumerate() {
                let is_first = !numbers[..at].contains(number);
                let all: Vec<usize> = (0..numbers.len()).filter(|other| numbers[*other] == *number).collect();
                if is_first && all.len() > 1 {
                    group += 1;
                    for other in all {
                        expected.push_str(&format!("{group},{}\r\n", other + 2));
                    }
                }
            }
            prop_assert_eq!(shared.csv(), expected);
        }
    }
}
