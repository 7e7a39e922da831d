//! Rows that were corrected after their letter or text was made. The journal answers them, so that nobody is written to
//! twice unnoticed. The operator is told what was made with the earlier values, and how to make it again.

use std::{
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use pkb_core::{
    Record,
    record::{GoesTo, Patient},
    rows::{counted, listed},
};
use pkb_print_files::made_for::Places;
use pkb_values::{AddressLine, PersonName, Postcode, UkMobile};

/// So many rows are named with what was corrected. All are in the command that makes their letters again.
const NAMED: usize = 20;

/// What is on a letter or in a text, as hashes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PrintedValues {
    name: u64,
    address: u64,
    mobile: u64,
}

impl PrintedValues {
    /// Those of a patient.
    pub(crate) fn of(patient: &Patient) -> Self {
        let hash = |parts: &mut dyn Iterator<Item = Option<&str>>| {
            let mut hasher = DefaultHasher::new();
            for part in parts {
                part.hash(&mut hasher);
            }
            hasher.finish()
        };
        let name = |name| Some(PersonName::expose_name(name));
        let names = [
            patient.title.as_ref().map(PersonName::expose_name),
            name(&patient.first_name),
            name(&patient.last_name),
        ];
        let lines = patient
            .address
            .iter()
            .map(AddressLine::expose_line)
            .map(Some);
        let postcode = patient.postcode.as_ref().map(Postcode::expose_postcode);
        let mobile = patient.mobile.as_ref().map(UkMobile::expose_e164);
        Self {
            name: hash(&mut names.into_iter()),
            address: hash(&mut lines.chain([postcode])),
            mobile: hash(&mut [mobile].into_iter()),
        }
    }
}

/// Rows that were corrected.
#[derive(Default)]
pub(crate) struct Corrected {
    /// What is said of the first of them.
    first: Vec<String>,
    /// All of them.
    rows: Vec<u64>,
}

impl Corrected {
    /// Compares a record with what was made of it before.
    pub(crate) fn compare(&mut self, record: &Record, then: PrintedValues, made: &Places) {
        let Some(patient) = &record.patient else {
            return;
        };
        let now = PrintedValues::of(patient);
        let goes_to = |what| made.0.iter().any(|place| place.channel.goes_to() == what);
        let changed: Vec<&str> = [
            ("name", now.name != then.name),
            (
                "address",
                now.address != then.address && goes_to(GoesTo::Address),
            ),
            (
                "mobile number",
                now.mobile != then.mobile && goes_to(GoesTo::Mobile),
            ),
        ]
        .into_iter()
        .filter_map(|(what, is_changed)| is_changed.then_some(what))
        .collect();
        if changed.is_empty() {
            return;
        }
        let row = record.row.number;
        self.rows.push(row);
        if self.first.len() == NAMED {
            return;
        }
        let places = made.0.iter();
        let places: Vec<String> = places
            .map(|place| place.channel.place(&place.file, place.page))
            .collect();
        self.first.push(format!(
            "row {row}: the {} {} corrected, and {}",
            listed(&changed),
            if changed.len() == 1 { "was" } else { "were" },
            places.join(", and ")
        ));
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Corrected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "pkb-letters: {} corrected after the letter or text message was made, and nothing was made again:",
            counted(self.rows.len() as u64, "row was", "rows were")
        )?;
        for line in &self.first {
            writeln!(f, "  {line}")?;
        }
        let more = (self.rows.len() - self.first.len()) as u64;
        if more > 0 {
            writeln!(f, "  and {}", counted(more, "more row", "more rows"))?;
        }
        let rows: Vec<String> = self.rows.iter().map(u64::to_string).collect();
        let rows = rows.join(",");
        write!(
            f,
            "  Remove these letters and text messages if they have not been sent. Then make new ones with new codes. Run: pkb-tokens --reissue \
             {rows}, and then: pkb-letters --reissue {rows}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(last_name: &str, mobile: &str, line: &str) -> Record {
        let record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 3, "of": 3},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "first_name": "Ann", "last_name": last_name,
                "date_of_birth": "1990-05-01", "mobile": mobile, "address": [line, "Byker"], "postcode": "NE1 1XC",
            },
            "deliveries": [
                {"channel": "letter", "file": "letters-0001.pdf", "pages": [4, 4]},
                {"channel": "sms", "file": "sms-0001.csv"},
            ],
        });
        serde_json::from_value(record).unwrap()
    }

    fn said(then: &Record, now: &Record) -> String {
        let patient = then.patient.as_ref().unwrap();
        let mut corrected = Corrected::default();
        let places = Places::of(&then.deliveries);
        corrected.compare(now, PrintedValues::of(patient), &places);
        if corrected.is_empty() {
            return String::new();
        }
        corrected.to_string()
    }

    #[test]
    fn what_was_corrected_is_named_with_what_was_made_and_no_value() {
        let first = record("Lee", "07700900001", "1 Main Street");
        assert_eq!(said(&first, &first), "");
        let text = said(&first, &record("Lea", "07700900002", "2 Main Street"));
        assert!(
            text.contains(
                "row 3: the name, address and mobile number were corrected, and its letter is letters-0001.pdf, page 4, and its \
                 text message is in sms-0001.csv"
            ),
            "{text}"
        );
        for value in ["Lea", "Lee", "07700", "Main"] {
            assert!(!text.contains(value), "{text}");
        }
    }

    #[test]
    fn all_corrected_rows_are_made_again_also_those_that_are_not_named() {
        let then = record("Lee", "07700900001", "1 Main Street");
        let values = PrintedValues::of(then.patient.as_ref().unwrap());
        let places = Places::of(&then.deliveries);
        let mut corrected = Corrected::default();
        let last = NAMED as u64 + 2;
        for row in 1..=last {
            let mut now = record("Lea", "07700900001", "1 Main Street");
            now.row.number = row;
            corrected.compare(&now, values, &places);
        }
        let text = corrected.to_string();
        assert!(
            text.contains(&format!("{last} rows were corrected")),
            "{text}"
        );
        assert!(text.contains("and 2 more rows"), "{text}");
        assert_eq!(text.matches(" corrected, and ").count(), NAMED, "{text}");
        let rows: Vec<String> = (1..=last).map(|row| row.to_string()).collect();
        let rows = rows.join(",");
        for program in ["pkb-tokens", "pkb-letters"] {
            assert!(
                text.contains(&format!("{program} --reissue {rows}")),
                "{text}"
            );
        }
    }

    #[test]
    fn an_address_does_not_matter_to_who_has_a_text_alone() {
        let mut first = record("Lee", "07700900001", "1 Main Street");
        first.deliveries.remove(0);
        assert_eq!(
            said(&first, &record("Lee", "07700900001", "2 Main Street")),
            ""
        );
        assert_ne!(
            said(&first, &record("Lee", "07700900002", "1 Main Street")),
            ""
        );
    }
}
