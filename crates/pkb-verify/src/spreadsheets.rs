//! The spreadsheets of text messages, read again with different code, and each row compared with its record.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use pkb_core::{
    Fatal, Record,
    record::{Channel, Delivery},
    rehearsal::{FILE_PREFIX, Origin},
};

use crate::{
    csv_reader,
    expected::{Owners, ShortText, forbidden, last_day, with_same_code},
    report::Report,
};
use pkb_core::spool::{Place, SpooledRecords};
use pkb_print_files::editions::plain_name;
use pkb_values::gsm;

/// The columns, in their order.
const COLUMNS: [&str; 7] = [
    "phone number",
    "first name",
    "organisation",
    "invitation code",
    "access code",
    "expiry",
    "link",
];

/// The column behind them in a rehearsal, and what its cells say.
const REHEARSAL: &str = "REHEARSAL";

/// A record with a text message.
struct Text {
    row: u64,
    record: Place,
    /// Invitation and access code.
    codes: [ShortText; 2],
}

/// Records with codes that do not say where they went.
struct Unplaced {
    text: Text,
    /// Whether it has a letter.
    has_letter: bool,
}

/// Which text is in which spreadsheet.
#[derive(Default)]
pub(super) struct Spreadsheets {
    texts: BTreeMap<String, Vec<Text>>,
    /// By the invitation code.
    unplaced: HashMap<ShortText, Unplaced>,
    /// Rows of texts that were replaced by others.
    spare: HashMap<String, usize>,
}

/// The spreadsheets of those deliveries that are text messages.
fn texts<'a>(deliveries: impl Iterator<Item = &'a Delivery>) -> impl Iterator<Item = &'a String> {
    let texts = deliveries.filter(|delivery| delivery.channel == Channel::Sms);
    texts.map(|text| &text.file)
}

impl Spreadsheets {
    /// Enters what a record says of its texts. `has_letter` if one is in a manifest.
    pub(super) fn enter(
        &mut self,
        record: &Record,
        has_letter: bool,
        place: impl FnOnce() -> Result<Place, Fatal>,
    ) -> Result<(), Fatal> {
        let own = record.delivery(Channel::Sms).map(|text| &text.file);
        let replaced = record.deliveries.iter().flat_map(|own| &own.replaces);
        let earlier = record.earlier.iter().flat_map(|one| &one.deliveries);
        for sheet in texts(replaced.chain(earlier)) {
            if Some(sheet) != own {
                *self.spare.entry(sheet.clone()).or_default() += 1;
            }
        }
        let Some(codes) = &record.invitation else {
            // These codes have expired and are no longer kept: nothing can be compared.
            if let Some(sheet) = own {
                *self.spare.entry(sheet.clone()).or_default() += 1;
            }
            return Ok(());
        };
        let text = |record_place| Text {
            row: record.row.number,
            record: record_place,
            codes: [codes.code.expose_code(), codes.token.expose_code()].map(ShortText::of),
        };
        if let Some(sheet) = own {
            let texts = self.texts.entry(sheet.clone()).or_default();
            texts.push(text(place()?));
        } else if record.deliveries.is_empty() && record.outcome.is_none() {
            let text = text(place()?);
            let unplaced = Unplaced { text, has_letter };
            self.unplaced
                .insert(ShortText::of(codes.code.expose_code()), unplaced);
        }
        Ok(())
    }

    /// Enters a record whose texts are of a run before.
    pub(super) fn pass_by(&mut self, record: &Record) {
        for sheet in texts(record.all_deliveries()) {
            *self.spare.entry(sheet.clone()).or_default() += 1;
        }
    }

    /// Compares all spreadsheets in some folders with their records.
    pub(super) fn check(
        mut self,
        folders: &[PathBuf],
        records: &SpooledRecords,
        report: &mut Report,
    ) -> Result<(), Fatal> {
        let mut paths = BTreeMap::new();
        for folder in folders {
            find(folder, &mut paths)?;
        }
        for (name, path) in paths {
            let own = self.texts.remove(&name).unwrap_or_default();
            let spare = self.spare.remove(&name).unwrap_or_default();
            let sheet = fs::read(&path).ok().and_then(|bytes| Sheet::of(&bytes));
            report.spreadsheets += 1;
            match sheet {
                Some(sheet) => self.check_sheet(&name, &sheet, own, spare, records, report)?,
                None => report.fail(
                    &name,
                    "the file is not a spreadsheet for GOV.UK Notify, or is damaged",
                ),
            }
        }
        for (name, texts) in &self.texts {
            for text in texts {
                let place = format!("{name} (row {})", text.row);
                report.fail(&place, "the spreadsheet is missing");
            }
        }
        let left = self.unplaced.into_values().filter(|own| !own.has_letter);
        report.without_letter.extend(left.map(|own| own.text.row));
        Ok(())
    }

    fn check_sheet(
        &mut self,
        name: &str,
        sheet: &Sheet,
        mut own: Vec<Text>,
        spare: usize,
        records: &SpooledRecords,
        report: &mut Report,
    ) -> Result<(), Fatal> {
        let codes = sheet.rows.iter().map(|row| ShortText::of(row.cell(3)));
        own.extend(codes.filter_map(|code| Some(self.unplaced.remove(&code)?.text)));
        let mut owners = Owners::default();
        for text in &own {
            if let Some(other) = owners.enter(text.codes.clone(), text.row) {
                let place = format!("{name} (row {})", text.row);
                report.fail(&place, &with_same_code(other));
            }
        }
        let mut by_code: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, row) in sheet.rows.iter().enumerate() {
            by_code.entry(row.cell(3)).or_default().push(at);
        }
        let mut claimed = 0;
        for text in own {
            report.texts += 1;
            let found = by_code.remove(text.codes[0].to_text().as_str());
            let lines: String = found
                .iter()
                .flatten()
                .map(|at| format!(", line {}", at + 2))
                .collect();
            let place = format!("{name}{lines} (row {})", text.row);
            match found.as_deref() {
                None => report.fail(&place, "no line of the spreadsheet has its invitation code"),
                Some([at]) => {
                    claimed += 1;
                    let record = records.record(text.record)?;
                    let of_rehearsal = Origin::of(&record) == Some(Origin::Rehearsal);
                    let said = [sheet.is_rehearsal, name.starts_with(FILE_PREFIX)];
                    if said.iter().any(|said| *said != of_rehearsal) {
                        let words = "name or columns do not say whether it is of a rehearsal";
                        report.fail(&place, words);
                    }
                    if let Some(row) = sheet.rows.get(*at) {
                        for words in row.failures(&record, &owners) {
                            report.fail(&place, &words);
                        }
                    }
                }
                Some(several) => {
                    claimed += several.len();
                    report.fail(&place, "several lines have its invitation code");
                }
            }
        }
        let left = sheet.rows.len().saturating_sub(claimed);
        if left > spare {
            let lines =
                pkb_core::rows::counted((left - spare) as u64, "line belongs", "lines belong");
            report.fail(
                name,
                &format!("{lines} to nobody, because no record has these codes"),
            );
        }
        Ok(())
    }
}

/// Notes the spreadsheets of a folder.
fn find(folder: &Path, paths: &mut BTreeMap<String, PathBuf>) -> Result<(), Fatal> {
    let cannot = |source| Fatal::cannot_read(folder, source);
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if let Some(name) = entry.file_name().to_str()
            && is_spreadsheet(name)
        {
            paths.insert(name.to_owned(), entry.path());
        }
    }
    Ok(())
}

/// `sms-0001.csv`, or `sms-03-0001.csv` of a shard; not the list of shared mobiles.
fn is_spreadsheet(name: &str) -> bool {
    let number = plain_name(name)
        .strip_prefix("sms-")
        .and_then(|rest| rest.strip_suffix(".csv"));
    number.is_some_and(|number| {
        !number.is_empty()
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// A spreadsheet.
struct Sheet {
    rows: Vec<SheetRow>,
    /// Whether it says that it is a rehearsal's.
    is_rehearsal: bool,
}

struct SheetRow(Vec<String>);

impl Sheet {
    fn of(bytes: &[u8]) -> Option<Self> {
        let rows = csv_reader::rows(std::str::from_utf8(bytes).ok()?)?;
        let (header, rows) = rows.split_first()?;
        let (columns, more) = header.split_at_checked(COLUMNS.len())?;
        let is_rehearsal = more == [REHEARSAL];
        (columns == COLUMNS && (more.is_empty() || is_rehearsal)).then(|| Self {
            rows: rows.iter().cloned().map(SheetRow).collect(),
            is_rehearsal,
        })
    }
}

impl SheetRow {
    fn cell(&self, column: usize) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }

    /// Everything that is wrong with a line of which the record is known.
    fn failures(&self, record: &Record, owners: &Owners) -> Vec<String> {
        let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) else {
            return vec!["no patient or no codes".to_owned()];
        };
        let mut failures = Vec::new();
        let mut check = |is_right: bool, words: &str| {
            if !is_right {
                failures.push(words.to_owned());
            }
        };
        let mobile = patient.mobile.as_ref().map(|mobile| mobile.expose_e164());
        check(
            mobile == Some(self.cell(0)),
            "the phone number does not match the record: the text message would go to a different person, or to an earlier number",
        );
        let name = one_line(patient.first_name.expose_name());
        let is_name = self.cell(1) == name || self.cell(1) == gsm::folded(&name);
        check(is_name, "the first name does not match the record");
        let [code, token] = [codes.code.expose_code(), codes.token.expose_code()];
        check(
            self.cell(3) == code,
            "the invitation code does not match the record",
        );
        check(
            self.cell(4) == token,
            "the access code does not match the record",
        );
        let day = last_day(codes, pkb_values::LetterLanguages::default()).next();
        let is_day = day.is_some_and(|day| day.value == self.cell(5));
        check(
            is_day,
            "the day on which the codes expire does not match the record",
        );
        let query = self.cell(6).split_once('?').map_or("", |(_, query)| query);
        let has = |part: String| query.split('&').any(|own| own == part);
        let is_link = has(format!("t1={code}")) && has(format!("t2={token}"));
        check(is_link, "the link does not have the record's codes");
        let is_seen = |value: &String| self.0.iter().any(|cell| cell.contains(value.as_str()));
        check(
            !forbidden(patient).iter().any(is_seen),
            "the date of birth or the national number is in the line, and must not be",
        );
        let words = self
            .0
            .iter()
            .flat_map(|cell| cell.split(|c: char| !c.is_alphanumeric()));
        let others = words.filter_map(|word| owners.owner(word));
        if let Some(other) = others.into_iter().find(|other| *other != record.row.number) {
            failures.push(format!("a code of row {other} is in the line"));
        }
        failures
    }
}

/// A value as a cell has it.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_shared_mobiles_is_not_a_spreadsheet_for_text_messages() {
        assert!(is_spreadsheet("sms-0001.csv") && is_spreadsheet("sms-03-0001.csv"));
        assert!(!is_spreadsheet("sms-shared-mobiles.csv") && !is_spreadsheet("manifest.csv"));
    }

    fn record() -> Record {
        let record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 3, "of": 3},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "first_name": "Siân", "last_name": "Richards",
                "date_of_birth": "1990-05-01", "mobile": "+447700900123",
            },
            "invitation": {"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": "2026-12-23T09:00:00Z"},
        });
        serde_json::from_value(record).unwrap()
    }

    fn owners() -> Owners {
        let mut owners = Owners::default();
        owners.enter(["NKcYiAciBU", "KVPnrFYPay"].map(ShortText::of), 3);
        owners.enter(["OtherCode1", "OtherTokn1"].map(ShortText::of), 4);
        owners
    }

    const RIGHT: [&str; 7] = [
        "+447700900123",
        "Siân",
        "Northtown",
        "NKcYiAciBU",
        "KVPnrFYPay",
        "22 December 2026",
        "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay",
    ];

    #[test]
    fn each_cell_of_a_line_is_compared_with_the_record() {
        let failures = |column: usize, cell: &str| {
            let mut row = RIGHT.map(str::to_owned);
            row[column] = cell.to_owned();
            SheetRow(row.to_vec()).failures(&record(), &owners())
        };
        assert!(failures(1, "Siân").is_empty());
        assert!(failures(1, "Sian").is_empty(), "without accents");
        for (column, cell, words) in [
            (0, "+447700900124", "the phone number does not match"),
            (1, "Ann", "the first name does not match"),
            (2, "born 1990-05-01", "the date of birth"),
            (2, "OtherTokn1", "a code of row 4"),
            (4, "OtherTokn1", "the access code does not match"),
            (5, "23 December 2026", "the day on which"),
            (
                6,
                "https://joinpkb.com/?t1=NKcYiAciBU&t2=OtherTokn1",
                "the link does not have",
            ),
        ] {
            let found = failures(column, cell);
            assert!(
                found.iter().any(|own| own.starts_with(words)),
                "{words}: {found:?}"
            );
        }
    }
}
