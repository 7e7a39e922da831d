//! What a mail company sends back: the status of each letter, and weeks later the letters that came back.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use pkb_synthetic::derive;

use super::args::MailFault;
use super::delivery::{Letter, Standing};
use super::fate::{Fates, REASONS, Way};

/// Columns of a status file.
pub(super) const STATUS: [&str; 6] = [
    "reference",
    "status",
    "at",
    "reasonCode",
    "reasonText",
    "sheets",
];

/// Columns of a status file in the words of GOV.UK Notify's printer (alphagov/notifications-api).
pub(super) const DVLA: [&str; 5] = [
    "reference",
    "jobStatus",
    "totalSheets",
    "postageClass",
    "productionRunDate",
];

/// Columns of a returns file.
pub(super) const RETURNS: [&str; 4] = ["reference", "returned_at", "reasonCode", "reasonText"];

/// Columns of the report of returned letters (alphagov/notifications-admin, `returned_letters.py`).
pub(super) const NOTIFY: [&str; 10] = [
    "Notification ID",
    "Reference",
    "Date sent",
    "Sent by",
    "Template name",
    "Template ID",
    "Template version",
    "Spreadsheet file name",
    "Spreadsheet row number",
    "Uploaded letter",
];

/// From acceptance to each further step: two working days at most (NHS Notify).
const PRINTED: SignedDuration = SignedDuration::from_hours(20);
const ENCLOSED: SignedDuration = SignedDuration::from_hours(22);
const DISPATCHED: SignedDuration = SignedDuration::from_hours(26);
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// Days from dispatch to the scan of a returned letter.
const RETURNED_AFTER: std::ops::Range<u64> = 14..43;

/// Letters and what became of them, for the rows of all files.
pub(super) struct Reports<'a> {
    pub(super) letters: &'a [Letter],
    pub(super) fates: &'a Fates,
    pub(super) faults: &'a [MailFault],
    pub(super) seed: u64,
    /// When the letters were accepted.
    pub(super) at: Timestamp,
}

/// A file: column names and rows.
pub(super) struct Table {
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
}

impl Reports<'_> {
    pub(super) fn has(&self, fault: MailFault) -> bool {
        self.faults.contains(&fault)
    }

    /// One row a letter and status, or a letter.
    pub(super) fn status(&self) -> Table {
        let way = self.fates.ways();
        let is_dvla = self.has(MailFault::WordsDvla);
        let mut rows = Vec::new();
        for letter in self.letters {
            let way = way(&letter.reference);
            if is_dvla {
                rows.extend(self.dvla_rows(letter, way));
            } else {
                rows.extend(self.status_rows(letter, way));
            }
        }
        for reference in &self.fates.foreign {
            let letter = Letter {
                reference: reference.clone(),
                pages: 1,
                row: String::new(),
                standing: Standing::Sound,
            };
            rows.push(if is_dvla {
                self.dvla_row(&letter, "DESPATCHED", SignedDuration::ZERO)
            } else {
                self.status_row(&letter, "DISPATCHED", DISPATCHED)
            });
        }
        let columns: &[&str] = if is_dvla { &DVLA } else { &STATUS };
        self.table(columns, rows)
    }

    fn status_rows(&self, letter: &Letter, way: Way) -> Vec<Vec<String>> {
        let row = |status, after| self.status_row(letter, status, after);
        let accepted = row("ACCEPTED", SignedDuration::ZERO);
        match way {
            Way::Rejected => {
                let mut row = row("REJECTED", SignedDuration::ZERO);
                // Reasons of other statuses than RETURNED are agreed with each company.
                row[4] = match letter.standing {
                    Standing::Refused(why) => why,
                    Standing::Sound | Standing::Stopped => "The letter could not be read",
                }
                .to_owned();
                row[5] = String::new();
                vec![row]
            }
            Way::Cancelled => vec![accepted, row("CANCELLED", PRINTED)],
            Way::Lost => vec![accepted],
            Way::Usual | Way::Doubled => {
                let mut rows = vec![
                    accepted,
                    row("PRINTED", PRINTED),
                    row("ENCLOSED", ENCLOSED),
                    row("DISPATCHED", DISPATCHED),
                ];
                if way == Way::Doubled {
                    rows.push(row("DISPATCHED", DISPATCHED + A_DAY));
                }
                rows
            }
            Way::DispatchedFirst => vec![
                row("DISPATCHED", SignedDuration::ZERO),
                row("PRINTED", PRINTED),
                row("ENCLOSED", ENCLOSED),
                row("ACCEPTED", DISPATCHED),
            ],
        }
    }

    fn status_row(&self, letter: &Letter, status: &str, after: SignedDuration) -> Vec<String> {
        vec![
            letter.reference.clone(),
            status.to_owned(),
            self.after(after),
            String::new(),
            String::new(),
            letter.sheets().to_string(),
        ]
    }

    /// That vocabulary has no word for a letter that was accepted.
    fn dvla_rows(&self, letter: &Letter, way: Way) -> Vec<Vec<String>> {
        let despatched = |after| self.dvla_row(letter, "DESPATCHED", after);
        match way {
            Way::Lost | Way::Cancelled => Vec::new(),
            Way::Rejected => vec![self.dvla_row(letter, "REJECTED", SignedDuration::ZERO)],
            Way::Usual | Way::DispatchedFirst => vec![despatched(PRINTED)],
            Way::Doubled => vec![despatched(PRINTED), despatched(PRINTED + A_DAY)],
        }
    }

    fn dvla_row(&self, letter: &Letter, status: &str, after: SignedDuration) -> Vec<String> {
        vec![
            letter.reference.clone(),
            status.to_owned(),
            letter.sheets().to_string(),
            "2ND".to_owned(),
            self.shown(after, "%Y-%m-%d %H:%M"),
        ]
    }

    /// Letters that came back, in the order of their references.
    pub(super) fn returns(&self) -> Table {
        let is_notify = self.has(MailFault::WordsNotify);
        let of_letters: HashMap<&str, &Letter> = self
            .letters
            .iter()
            .map(|letter| (letter.reference.as_str(), letter))
            .collect();
        let returned = self.fates.returned.iter();
        let rows = returned.map(
            |(reference, code)| match of_letters.get(reference.as_str()) {
                Some(letter) if is_notify => self.notify_row(letter),
                _ => self.return_row(reference, code),
            },
        );
        let columns: &[&str] = if is_notify { &NOTIFY } else { &RETURNS };
        self.table(columns, rows.collect())
    }

    fn return_row(&self, reference: &str, code: &str) -> Vec<String> {
        let text = REASONS.iter().find(|(known, _)| *known == code);
        let text = text.map_or("", |(_, text)| text);
        let days = RETURNED_AFTER.end - RETURNED_AFTER.start;
        let share = derive::fraction(self.seed, &["returned", reference]);
        let days = RETURNED_AFTER.start + (share * days as f64) as u64;
        let after = DISPATCHED + SignedDuration::from_hours(24 * days as i64);
        vec![
            reference.to_owned(),
            self.after(after),
            code.to_owned(),
            text.to_owned(),
        ]
    }

    /// The report names no reason.
    fn notify_row(&self, letter: &Letter) -> Vec<String> {
        vec![
            uuid(self.seed, &["notification", &letter.reference]),
            letter.reference.clone(),
            self.shown(SignedDuration::ZERO, "%Y-%m-%d %H:%M"),
            "sandbox@example.org".to_owned(),
            "Invitation".to_owned(),
            uuid(self.seed, &["template"]),
            "1".to_owned(),
            "letters.csv".to_owned(),
            letter.row.clone(),
            String::new(),
        ]
    }

    /// As a scanner writes them: one reference a line.
    pub(super) fn scans(&self) -> Vec<String> {
        let references = self.fates.returned.keys().cloned();
        let rows = references.map(|reference| vec![reference]).collect();
        let table = self.in_order_and_case(rows, 0);
        table.into_iter().flatten().collect()
    }

    fn table(&self, columns: &'static [&'static str], rows: Vec<Vec<String>>) -> Table {
        let reference = columns
            .iter()
            .position(|column| column.eq_ignore_ascii_case("reference"))
            .unwrap_or_default();
        Table {
            columns,
            rows: self.in_order_and_case(rows, reference),
        }
    }

    fn in_order_and_case(&self, mut rows: Vec<Vec<String>>, reference: usize) -> Vec<Vec<String>> {
        if self.has(MailFault::Lowercase) {
            for cell in rows.iter_mut().filter_map(|row| row.get_mut(reference)) {
                *cell = cell.to_lowercase();
            }
        }
        if self.has(MailFault::Reorder) {
            let before = rows.clone();
            fastrand::Rng::with_seed(self.seed).shuffle(&mut rows);
            if rows == before {
                rows.reverse();
            }
        }
        rows
    }

    fn after(&self, after: SignedDuration) -> String {
        self.shown(after, "%Y-%m-%dT%H:%M:%SZ")
    }

    fn shown(&self, after: SignedDuration, format: &str) -> String {
        let at = self.at.saturating_add(after).unwrap_or(self.at);
        at.strftime(format).to_string()
    }
}

/// A UUID of version 4 in form.
fn uuid(seed: u64, parts: &[&str]) -> String {
    let hex = derive::sha256_hex(derive::text(seed, parts, 20).as_bytes());
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}
