//! Whether what went on is about the patients on the rows.

use std::collections::BTreeSet;

use pkb_sandbox::Sandbox;
use serde_json::Value;

use super::{
    A_SIGN, Damaged, FEW,
    damage::Damage,
    hospital::{BORN, FIRST_NAME, LAST_NAME, MOBILE, NUMBER, POSTCODE, Row, STREET},
};
use crate::harness::Ended;

/// Knows what is true, and lists what was wrong.
pub struct Judge<'a> {
    campaign: &'a Damaged,
    /// The rows of the file, with the damage of cells.
    rows: &'a [Row],
    sandbox: &'a Sandbox,
    pub wrong: Vec<String>,
}

impl<'a> Judge<'a> {
    pub fn new(campaign: &'a Damaged, rows: &'a [Row], sandbox: &'a Sandbox) -> Self {
        Self {
            campaign,
            rows,
            sandbox,
            wrong: Vec::new(),
        }
    }

    /// Enters what is wrong if the claim does not hold.
    pub fn claim(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.wrong
                .push(format!("{}: {}", self.campaign.described(), otherwise()));
        }
    }

    /// Nothing was uploaded.
    pub fn stopped(&mut self, uploaded: &Ended) {
        self.claim(uploaded.code == 65, || {
            format!("stopped with {}", uploaded.code)
        });
        let is_whole = matches!(self.campaign.damage, Damage::None) && !self.campaign.may_ask();
        self.claim(!is_whole, || {
            format!("a good file was stopped: {}", uploaded.stderr)
        });
    }

    /// Something was uploaded; the records as pkb-tokens leaves them. How many have codes.
    pub fn sent(&mut self, records: &[Value]) -> usize {
        self.claim(self.known_with_another_date() < A_SIGN, || {
            "three dates of birth differ, and it was sent".to_owned()
        });
        let with_codes: Vec<&Value> = records
            .iter()
            .filter(|record| record["invitation"].is_object())
            .collect();
        let mut others = [0; 4];
        let mut seen = BTreeSet::new();
        for record in &with_codes {
            let number = text(&record["patient"]["national_id"]["value"]);
            self.claim(seen.insert(number.clone()), || "a patient twice".to_owned());
            self.codes(record, &number);
            self.reading(record, &number);
            if self.campaign.hospital.known.contains(&number) {
                self.known(record, &number, &mut others);
            }
        }
        self.claim(others.iter().all(|count| *count <= FEW), || {
            format!("known patients with a first name, last name, street or postcode of somebody else: {others:?}")
        });
        let is_whole = matches!(self.campaign.damage, Damage::None);
        let (got, all) = (with_codes.len(), self.rows.len());
        self.claim(!is_whole || got == all, || {
            format!("only {got} of {all} got codes of a good file")
        });
        got
    }

    /// PKB has the date of birth of each known patient that it had.
    pub fn pkb(&mut self) {
        for number in &self.campaign.hospital.known {
            let born = self
                .sandbox
                .patient(number)
                .and_then(|view| view.date_of_birth);
            let truth = &self.campaign.hospital.patient(number).unwrap()[BORN];
            self.claim(born.is_some_and(|born| born.to_string() == *truth), || {
                "a date was overwritten".to_owned()
            });
        }
    }

    /// Known patients of whom the file has another date of birth, in a row that is in order.
    fn known_with_another_date(&self) -> usize {
        let is_alone = |row: &&Row| {
            self.rows
                .iter()
                .filter(|other| other[NUMBER] == row[NUMBER])
                .count()
                == 1
        };
        let is_whole = |row: &&Row| {
            row.len() > BORN
                && row[..=BORN]
                    .iter()
                    .enumerate()
                    .all(|(at, cell)| at == 1 || !cell.is_empty())
        };
        let Damage::Moved(_) = &self.campaign.damage else {
            return 0;
        };
        let rows = self.rows.iter().filter(is_whole).filter(is_alone);
        let known = rows.filter(|row| self.campaign.hospital.known.contains(&row[NUMBER]));
        known
            .filter(|row| self.campaign.hospital.patient(&row[NUMBER]).unwrap()[BORN] != row[BORN])
            .count()
    }

    /// The codes were made for this number.
    fn codes(&mut self, record: &Value, number: &str) {
        let invitation = &record["invitation"];
        let pair = (text(&invitation["code"]), text(&invitation["token"]));
        let made = self.sandbox.invitations(number);
        let is_own = made
            .iter()
            .any(|made| (&made.code, &made.token) == (&pair.0, &pair.1));
        self.claim(is_own, || "codes of somebody else".to_owned());
    }

    /// The record is what the file says of the patient in this row; with damage to text, what it said.
    fn reading(&mut self, record: &Value, number: &str) {
        let place = record["row"]["number"].as_u64().unwrap() as usize;
        let expected = match &self.campaign.damage {
            Damage::Moved(_) | Damage::CopiedDown { .. } | Damage::None => self.rows.get(place - 2),
            Damage::Hidden { rows, said } => {
                let is_left_out = *said == Some("drop") && rows.contains(&(place - 2));
                self.claim(said.is_some() && !is_left_out, || {
                    format!("row {place} is hidden, and was used")
                });
                self.rows.get(place - 2)
            }
            _ => self.campaign.hospital.patient(number),
        };
        let Some(expected) = expected else {
            return self.claim(false, || format!("row {place} is nobody's"));
        };
        // A value that only the letter or text needs is left out if it is none any more.
        let loses = matches!(self.campaign.damage, Damage::CellsLost { .. })
            || self.campaign.damage.is_of_text();
        for (at, (said, written)) in read_of(record)
            .into_iter()
            .zip(as_read(expected))
            .enumerate()
        {
            let may_lose = loses && at >= ADDRESS;
            let is_same =
                said == written || may_lose && said.iter().all(|line| written.contains(line));
            self.claim(is_same, || {
                format!("row {place} was read as {said:?} and is {written:?}")
            });
        }
    }

    /// What PKB can tell of a patient whom it knows. `others`: counts of what one patient alone may have changed.
    fn known(&mut self, record: &Value, number: &str, others: &mut [usize; 4]) {
        let patient = &record["patient"];
        let truth = self.campaign.hospital.patient(number).unwrap();
        self.claim(text(&patient["date_of_birth"]) == truth[BORN], || {
            "a known patient with another date".to_owned()
        });
        if self.campaign.is_fhir {
            return;
        }
        let values = [
            &patient["first_name"],
            &patient["last_name"],
            &patient["address"][0],
            &patient["postcode"],
        ];
        let columns = [
            FIRST_NAME..=FIRST_NAME,
            LAST_NAME..=LAST_NAME,
            STREET..=POSTCODE - 1,
            POSTCODE..=POSTCODE,
        ];
        // No value, or another line of the own address, is nobody else's.
        let is_own = |value: &Value, mut own: std::slice::Iter<'_, String>| {
            value.is_null() || own.any(|own| plain(own) == plain(&text(value)))
        };
        let differs: Vec<bool> = values
            .into_iter()
            .zip(columns)
            .map(|(value, columns)| !is_own(value, truth[columns].iter()))
            .collect();
        self.claim(!(differs[0] && differs[1]), || {
            "a known patient with both names of another".to_owned()
        });
        for (count, differs) in others.iter_mut().zip(differs) {
            *count += usize::from(differs);
        }
    }
}

impl Damaged {
    /// Whether the file is one of those that are asked about, though it is a good one.
    fn may_ask(&self) -> bool {
        matches!(
            self.form,
            super::Form::Text {
                encoding: "cp850" | "macintosh" | "iso-8859-14" | "windows-1252",
                ..
            }
        )
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Quotation marks and apostrophes as a keyboard has them, and stray marks away.
fn plain(text: &str) -> String {
    text.replace(['"', '“', '”'], "")
        .replace('’', "'")
        .trim()
        .to_owned()
}

/// From here on, what a record may be without.
const ADDRESS: usize = 3;

/// Name, date of birth, address, postcode and mobile of a record.
fn read_of(record: &Value) -> [Vec<String>; 6] {
    let patient = &record["patient"];
    let lines = patient["address"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text);
    let one = |name: &str| {
        Vec::from_iter(
            patient[name]
                .as_str()
                .map(plain)
                .filter(|value| !value.is_empty()),
        )
    };
    [
        one("first_name"),
        one("last_name"),
        one("date_of_birth"),
        lines.map(|line| plain(&line)).collect(),
        one("postcode"),
        one("mobile"),
    ]
}

/// The same of a row of the file.
fn as_read(row: &Row) -> [Vec<String>; 6] {
    let cells = |columns: std::ops::RangeInclusive<usize>| -> Vec<String> {
        row[columns]
            .iter()
            .map(|cell| plain(cell))
            .filter(|cell| !cell.is_empty())
            .collect()
    };
    let mobile = cells(MOBILE..=MOBILE)
        .into_iter()
        .map(|mobile| format!("+44{}", &mobile[1..].replace(' ', "")));
    [
        cells(FIRST_NAME..=FIRST_NAME),
        cells(LAST_NAME..=LAST_NAME),
        cells(BORN..=BORN),
        cells(STREET..=POSTCODE - 1),
        cells(POSTCODE..=POSTCODE),
        mobile.collect(),
    ]
}
