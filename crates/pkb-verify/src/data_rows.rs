//! The rows of one data file for a mail company, read again with different code from the code that wrote them, and each compared
//! with its record.

use std::borrow::Cow;

use pkb_core::{
    Fatal, Reason, Record, Verdict,
    clock::uk_date,
    record::{Delivery, Invitation, Patient},
    rehearsal::Origin,
};
use pkb_print_files::data_profile::{
    Column, Content, CsvForm, DataProfile, Encoding, Form, Quoting, REHEARSAL, Value,
};
use pkb_values::{PersonName, Postcode};
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    csv_reader::{self, Dialect},
    expected::{HOME, Owners, ShortText, forbidden, last_day, with_same_code},
};

/// A data file, as it was read.
pub struct DataRows<'p> {
    profile: Cow<'p, DataProfile>,
    rows: Vec<Vec<String>>,
    /// Whether it says that it is a rehearsal's.
    is_rehearsal: bool,
}

/// What is wrong with a row, and its place in the file, from 0.
pub type Doubtful = Vec<(usize, Verdict)>;

impl<'p> DataRows<'p> {
    /// Reads a file; `None` if it is not what the profile says.
    #[must_use]
    pub fn read(profile: Cow<'p, DataProfile>, bytes: &[u8]) -> Option<Self> {
        let mut rows = match &profile.form {
            Form::Csv(form) => rows_of_csv(form, bytes)?,
            Form::JsonLines => rows_of_json(bytes)?,
        };
        let columns = profile.columns.iter().map(|column| &column.header);
        let headers: Vec<&String> = columns.collect();
        let header = match rows.is_empty() {
            true => return None,
            false => rows.remove(0),
        };
        let (own, more) = header.split_at_checked(headers.len())?;
        let is_rehearsal = more == [REHEARSAL];
        let is_whole = own.iter().eq(headers) && (more.is_empty() || is_rehearsal);
        is_whole.then_some(Self {
            profile,
            rows,
            is_rehearsal,
        })
    }

    /// Compares a whole file with its records, in their order.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn compare<'a>(
        &self,
        records: impl Iterator<Item = Result<(Cow<'a, Record>, &'a Delivery), Fatal>>,
    ) -> Result<Doubtful, Fatal> {
        let records: Vec<_> = records.collect::<Result<_, _>>()?;
        let mut owners = Owners::default();
        let mut doubtful = Doubtful::new();
        for (at, (record, _)) in records.iter().enumerate() {
            let row = record.row.number;
            if let Some(codes) = codes_of(record)
                && let Some(other) = owners.enter(codes, row)
            {
                let mut before = records.iter().take(at);
                let other_at = before.position(|(record, _)| record.row.number == other);
                doubtful.extend(other_at.map(|at| (at, shared(row))));
                doubtful.push((at, shared(other)));
            }
        }
        for (at, (record, delivery)) in records.iter().enumerate() {
            let words = self.failures(at, record, delivery, &owners);
            let verdict = |words: String| Verdict::with_detail(Reason::DoubtfulPage, words);
            doubtful.extend(words.into_iter().map(|words| (at, verdict(words))));
        }
        if self.rows.len() != records.len() {
            return Err(Fatal::Bug(
                "a data file has not as many rows as letters".into(),
            ));
        }
        Ok(doubtful)
    }

    /// How many rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// The cell of a value in a row.
    #[must_use]
    pub fn cell(&self, at: usize, value: Value) -> Option<&str> {
        let is_it = |column: &Column| column.content == Content::Value(value);
        let column = self.profile.columns.iter().position(is_it)?;
        self.rows.get(at)?.get(column).map(String::as_str)
    }

    /// The cells of a row, each with its column.
    pub fn cells(&self, at: usize) -> impl Iterator<Item = (&Column, &str)> {
        let row = self.rows.get(at).into_iter().flatten();
        let cells = self.profile.columns.iter().zip(row);
        cells.map(|(column, cell)| (column, cell.as_str()))
    }

    /// Everything that is wrong with a row of which the record is known.
    pub fn failures(
        &self,
        at: usize,
        record: &Record,
        delivery: &Delivery,
        owners: &Owners,
    ) -> Vec<String> {
        let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) else {
            return vec!["no patient or no codes".to_owned()];
        };
        let Some(row) = self.rows.get(at) else {
            return vec!["the row is missing".to_owned()];
        };
        let expected = Letter {
            patient,
            codes,
            delivery,
            place: [at + 1, self.rows.len()],
            postage: self.profile.postage.as_str(),
        };
        let mut failures = Vec::new();
        for (column, cell) in self.profile.columns.iter().zip(row) {
            let is_right = match &column.content {
                Content::Text(text) => text == cell,
                Content::Value(value) => expected.is(*value, cell),
            };
            if !is_right {
                failures.push(format!(
                    "the column \"{}\" does not match the record",
                    column.header
                ));
            }
        }
        failures.extend(self.address_failure(at, patient).map(str::to_owned));
        if self.is_rehearsal != (Origin::of(record) == Some(Origin::Rehearsal)) {
            failures.push("its rehearsal mark does not match the record".to_owned());
        }
        let numbers = [&patient.mobile].into_iter().flatten();
        let numbers = numbers.map(|mobile| mobile.expose_e164().replace("+44", ""));
        let never: Vec<String> = forbidden(patient).into_iter().chain(numbers).collect();
        let is_seen = |value: &String| row.iter().any(|cell| cell.contains(value.as_str()));
        if never.iter().any(is_seen) {
            failures.push(
                "the row has the date of birth, the national number or a phone number, which must not be in this file".to_owned(),
            );
        }
        let words = row
            .iter()
            .flat_map(|cell| cell.split(|c: char| !c.is_alphanumeric()));
        let mut others = words.filter_map(|word| owners.owner(word));
        if let Some(other) = others.find(|other| *other != record.row.number) {
            failures.push(format!("a code of row {other} is in the row"));
        }
        failures
    }

    /// Whether the row has the whole address of the record, and nothing else in its address.
    fn address_failure(&self, at: usize, patient: &Patient) -> Option<&'static str> {
        let row = self.rows.get(at)?;
        let columns = self.profile.columns.iter().zip(row);
        let cells: Vec<String> = columns
            .filter(|(column, _)| is_address(column))
            .map(|(_, cell)| folded(cell))
            .filter(|cell| !cell.is_empty())
            .collect();
        let has_columns = self.profile.columns.iter().any(is_address);
        if !has_columns {
            return None;
        }
        let postcode = patient.postcode.as_ref().filter(|code| !code.is_pseudo());
        let postcode = postcode.map(Postcode::expose_postcode).map(folded);
        let lines: Vec<String> = patient
            .address
            .iter()
            .map(|line| folded(line.expose_line().trim_matches([' ', ',', ';', ':', '.'])))
            .filter(|line| !line.is_empty())
            .collect();
        let is_home = |line: &String| {
            HOME.iter()
                .any(|home| folded(home) == line.replace('.', ""))
        };
        let needed = lines.iter().filter(|line| !is_home(line));
        let mut needed = needed.chain(&postcode);
        if !needed.all(|line| cells.contains(line)) {
            return Some("a line of the address, or the postcode, is not in the row");
        }
        let name = folded(&patient.expose_full_name());
        let mut others = cells.iter();
        let is_own = |cell: &String| {
            lines.contains(cell) || postcode.as_ref() == Some(cell) || *cell == name
        };
        (!others.all(is_own)).then_some("a line of the address does not match the record")
    }
}

/// What becomes of a row with a code that row `other` also has.
fn shared(other: u64) -> Verdict {
    Verdict::with_detail(Reason::SharedCodes, with_same_code(other))
}

/// The codes of a record.
pub(crate) fn codes_of(record: &Record) -> Option<[ShortText; 2]> {
    let codes = record.invitation.as_ref()?;
    Some([codes.code.expose_code(), codes.token.expose_code()].map(ShortText::of))
}

fn is_address(column: &Column) -> bool {
    matches!(
        column.content,
        Content::Value(
            Value::AddressLine(_) | Value::LetterLine(_) | Value::PostCode | Value::Country
        )
    )
}

/// A line as it can be compared: a town is in capitals.
fn folded(line: &str) -> String {
    let line = line.nfc().filter(|c| !c.is_whitespace());
    line.flat_map(char::to_uppercase).collect()
}

/// What a row must say.
struct Letter<'a> {
    patient: &'a Patient,
    codes: &'a Invitation,
    delivery: &'a Delivery,
    /// Its number in the file, and how many there are.
    place: [usize; 2],
    postage: &'static str,
}

impl Letter<'_> {
    /// Whether a cell says what it must. Lines of the address are compared together.
    fn is(&self, value: Value, cell: &str) -> bool {
        let (patient, delivery) = (self.patient, self.delivery);
        let [code, token] = [
            self.codes.code.expose_code(),
            self.codes.token.expose_code(),
        ];
        let languages = delivery.languages.unwrap_or_default();
        let day_in_words = |at: usize| {
            let day = last_day(self.codes, languages).nth(at);
            day.map_or(cell.is_empty(), |day| day.value == cell)
        };
        match value {
            Value::Reference => delivery
                .reference
                .as_ref()
                .is_some_and(|own| own.as_str() == cell),
            Value::Sequence => cell == self.place[0].to_string(),
            Value::Of => cell == self.place[1].to_string(),
            Value::Title => cell == patient.title.as_ref().map_or("", PersonName::expose_name),
            Value::FirstName => cell == patient.first_name.expose_name(),
            Value::LastName => cell == patient.last_name.expose_name(),
            Value::NameLine | Value::LetterLine(1) => cell == patient.expose_full_name(),
            Value::PostCode => {
                let postcode = patient.postcode.as_ref().filter(|code| !code.is_pseudo());
                cell == postcode.map_or("", Postcode::expose_postcode)
            }
            Value::AddressLine(_) | Value::LetterLine(_) | Value::Country => true,
            Value::Dps => cell.is_empty(),
            Value::InvitationCode => cell == code,
            Value::AccessCode => cell == token,
            Value::CodesEnd => uk_date(self.codes.expires_at)
                .yesterday()
                .is_ok_and(|day| day.to_string() == cell),
            Value::CodesEndText => day_in_words(0),
            Value::CodesEndText2 => day_in_words(1),
            Value::JoinLink => {
                let query = cell.split_once('?').map_or("", |(_, query)| query);
                let has = |part: String| query.split('&').any(|own| own == part);
                has(format!("t1={code}")) && has(format!("t2={token}"))
            }
            Value::JoinAddress => !cell.is_empty() && !cell.contains(['?', ' ']),
            Value::Language => cell == languages.as_str(),
            Value::Format => cell == delivery.format.unwrap_or_default().as_str(),
            Value::Design => cell == delivery.design.unwrap_or_default().as_str(),
            Value::Postage => cell == self.postage,
        }
    }
}

/// Header and rows of a table.
fn rows_of_csv(form: &CsvForm, bytes: &[u8]) -> Option<Vec<Vec<String>>> {
    let text = decoded(form.encoding, bytes)?;
    let end = form.line_end.as_str();
    let (table, trailer) = match form.trailer {
        None => (text.as_str(), None),
        Some(_) => {
            let whole = text.strip_suffix(end)?;
            let (table, trailer) = whole.rsplit_once(end)?;
            (text.get(..table.len() + end.len())?, Some(trailer))
        }
    };
    let dialect = Dialect {
        separator: form.separator,
        has_quotes: form.quoting != Quoting::Never,
    };
    let rows = csv_reader::rows_of(table, dialect)?;
    let own = form.trailer_of(rows.len().saturating_sub(1));
    (own.as_deref() == trailer && table.ends_with(end)).then_some(rows)
}

/// Keys and values of objects, all of which have the same keys.
fn rows_of_json(bytes: &[u8]) -> Option<Vec<Vec<String>>> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in text.split('\n') {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
        let keys: Vec<String> = object.keys().cloned().collect();
        match rows.first() {
            None => rows.push(keys),
            Some(header) if *header == keys => {}
            Some(_) => return None,
        }
        let values = object
            .values()
            .map(|value| value.as_str().map(str::to_owned));
        rows.push(values.collect::<Option<_>>()?);
    }
    Some(rows)
}

fn decoded(encoding: Encoding, bytes: &[u8]) -> Option<String> {
    let utf8 = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    match encoding {
        Encoding::Utf8 => utf8(bytes),
        Encoding::Utf8Bom => utf8(bytes.strip_prefix(b"\xEF\xBB\xBF")?),
        Encoding::Windows1252 => bytes.iter().map(|byte| of_windows(*byte)).collect(),
    }
}

/// The characters of Windows-1252 from 80 to 9F, as unicode.org has them (CP1252.TXT); a space where there is none.
const OF_WINDOWS: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

fn of_windows(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9F => {
            let character = OF_WINDOWS.chars().nth(usize::from(byte) - 0x80);
            character.filter(|character| *character != ' ')
        }
        other => Some(char::from(other)),
    }
}

#[cfg(test)]
#[path = "data_rows_tests.rs"]
mod tests;
