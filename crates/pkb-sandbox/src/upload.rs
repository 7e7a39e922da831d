//! PKB's "Add many patients" file, taken over HTTP.
//!
//! PKB publishes the columns and the rules, but neither a template file nor a machine endpoint: the order of the columns, the paths, the
//! JSON report and the way to ask for it later (see `processing`) are this project's. The rules of the file (50,000 rows, names and one identifier, an e-mail in one record only) are PKB's.

use jiff::civil::Date;
use pkb_synthetic::{KnownRecord, date_of_parts, nhs_number};
use serde::Serialize;

use crate::faults::upload::ReportFault;

/// What a good row of an upload did.
pub(crate) enum Added {
    Created,
    Updated,
}

/// The most patients that PKB takes in one file.
pub const MAX_ROWS: usize = 50_000;

/// The columns of the file, in order.
pub const COLUMNS: [&str; 22] = [
    "Title",
    "First name",
    "Last name",
    "National Identifier",
    "Organisation Identifier",
    "Team Identifier",
    "E-mail",
    "DD",
    "MM",
    "YYYY",
    "Address1",
    "Address2",
    "City",
    "State/Province/County",
    "Post code",
    "Mobile number",
    "Home number",
    "Work number",
    "Other number",
    "Carer1 first name",
    "Carer1 last name",
    "Carer1 E-mail",
];

/// One patient of the file. An empty text is an empty cell.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) national_id: String,
    pub(crate) organisation_id: String,
    pub(crate) team_id: String,
    /// M, F, I or U. A file has no column for it.
    pub(crate) gender: String,
    pub(crate) email: String,
    pub(crate) date_of_birth: Option<Date>,
    pub(crate) address1: String,
    pub(crate) address2: String,
    pub(crate) city: String,
    pub(crate) county: String,
    pub(crate) postcode: String,
    pub(crate) mobile: String,
    pub(crate) home_phone: String,
}

/// What became of the rows.
#[derive(Clone, Serialize)]
pub(crate) struct Report {
    created: usize,
    updated: usize,
    failed: Vec<Failure>,
}

impl Report {
    /// From each row's line and what adding it did.
    pub(crate) fn new(added: impl Iterator<Item = (u64, Result<Added, &'static str>)>) -> Self {
        let mut report = Self {
            created: 0,
            updated: 0,
            failed: Vec::new(),
        };
        for (row, added) in added {
            match added {
                Ok(Added::Created) => report.created += 1,
                Ok(Added::Updated) => report.updated += 1,
                Err(message) => report.failed.push(Failure { row, message }),
            }
        }
        report
    }

    /// The same as it should not be; one of a few rows may be as it should.
    pub(crate) fn made_wrong(mut self, fault: ReportFault) -> Self {
        let rows = (self.created + self.updated + self.failed.len()) as u64;
        let (taken, failed): (isize, &[u64]) = match fault {
            ReportFault::Short => (-1, &[]),
            ReportFault::Long => (1, &[]),
            ReportFault::UnknownRow => (-1, &[rows + 2]),
            ReportFault::HeaderRow => (-1, &[1]),
            ReportFault::RepeatedRow => (-2, &[2, 2]),
        };
        let count = match self.created {
            0 => &mut self.updated,
            _ => &mut self.created,
        };
        *count = count.saturating_add_signed(taken);
        let failure = |row: &u64| Failure {
            row: *row,
            message: "not taken",
        };
        self.failed.extend(failed.iter().map(failure));
        self
    }
}

/// A row that was left out. The message tells nothing about the patient.
#[derive(Clone, Serialize)]
struct Failure {
    row: u64,
    message: &'static str,
}

/// The line of each row as a spreadsheet numbers it, the header being 1, and the row or what is wrong with it.
pub(crate) type Rows = Vec<(u64, Result<Row, &'static str>)>;

/// Reads the file; an `Err` says why the whole file is refused.
pub(crate) fn read(file: &[u8]) -> Result<Rows, String> {
    // The CSV reader would skip it in silence, and the first column would look right.
    if file.starts_with("\u{feff}".as_bytes()) {
        return Err("the file begins with a byte-order mark".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    let mut records = reader.records();
    let header = match records.next() {
        None => return Err("the file is empty".to_owned()),
        Some(header) => header.map_err(|_| "the header is not UTF-8 text".to_owned())?,
    };
    check_header(&header)?;
    let mut rows = Rows::new();
    for record in records {
        let record =
            record.map_err(|_| format!("row {} of the data is not UTF-8 text", rows.len() + 1))?;
        if rows.len() == MAX_ROWS {
            return Err(format!("more than {MAX_ROWS} patients in one file"));
        }
        // Counted here: where lines end with CR LF, the reader's own position is a line behind.
        let line = rows.len() as u64 + 2;
        rows.push((line, Row::parse(&record)));
    }
    Ok(rows)
}

/// Names the first difference. What was found is not repeated: in a file without a header it would be a patient.
fn check_header(header: &csv::StringRecord) -> Result<(), String> {
    for (index, expected) in COLUMNS.iter().enumerate() {
        if header.get(index) != Some(expected) {
            return Err(format!(
                "column {} of the header should be \"{expected}\"",
                index + 1
            ));
        }
    }
    if header.len() > COLUMNS.len() {
        return Err(format!(
            "the header has {} columns instead of {}",
            header.len(),
            COLUMNS.len()
        ));
    }
    Ok(())
}

impl Row {
    fn parse(record: &csv::StringRecord) -> Result<Self, &'static str> {
        if record.len() != COLUMNS.len() {
            return Err("the row has another number of cells than the header");
        }
        let cell = |index: usize| record.get(index).unwrap_or_default().trim().to_owned();
        let row = Self {
            title: cell(0),
            first_name: cell(1),
            last_name: cell(2),
            national_id: cell(3),
            organisation_id: cell(4),
            team_id: cell(5),
            gender: String::new(),
            email: cell(6),
            date_of_birth: parse_date(&cell(7), &cell(8), &cell(9))?,
            address1: cell(10),
            address2: cell(11),
            city: cell(12),
            county: cell(13),
            postcode: cell(14),
            mobile: cell(15),
            home_phone: cell(16),
        };
        if row.first_name.is_empty() || row.last_name.is_empty() {
            return Err("first name and last name are mandatory");
        }
        if [&row.national_id, &row.organisation_id, &row.team_id]
            .iter()
            .all(|id| id.is_empty())
        {
            return Err("one of the three identifiers is mandatory");
        }
        if !row.national_id.is_empty() && !nhs_number::is_valid(&row.national_id) {
            return Err("the national identifier is not valid");
        }
        Ok(row)
    }

    /// A record that is there from the start, as an upload of it would have made it.
    pub(crate) fn of_known(record: &KnownRecord, national_id: &str) -> Self {
        Self {
            title: record.title.clone(),
            first_name: record.first_name.clone(),
            last_name: record.last_name.clone(),
            national_id: national_id.to_owned(),
            organisation_id: String::new(),
            team_id: String::new(),
            gender: record.gender.clone(),
            email: String::new(),
            date_of_birth: record.date_of_birth,
            address1: record.address1.clone(),
            address2: record.address2.clone(),
            city: record.city.clone(),
            county: record.county.clone(),
            postcode: record.postcode.clone(),
            mobile: String::new(),
            home_phone: String::new(),
        }
    }

    /// An upload for a patient who is there already: cells with something in them win. Whether PKB lets an empty cell
    /// empty a field is not published; here it does not.
    pub(crate) fn overwrite_with(&mut self, newer: Self) {
        let replace = |old: &mut String, new: String| {
            if !new.is_empty() {
                *old = new;
            }
        };
        replace(&mut self.title, newer.title);
        replace(&mut self.first_name, newer.first_name);
        replace(&mut self.last_name, newer.last_name);
        replace(&mut self.organisation_id, newer.organisation_id);
        replace(&mut self.team_id, newer.team_id);
        replace(&mut self.gender, newer.gender);
        replace(&mut self.email, newer.email);
        replace(&mut self.address1, newer.address1);
        replace(&mut self.address2, newer.address2);
        replace(&mut self.city, newer.city);
        replace(&mut self.county, newer.county);
        replace(&mut self.postcode, newer.postcode);
        replace(&mut self.mobile, newer.mobile);
        replace(&mut self.home_phone, newer.home_phone);
        self.date_of_birth = newer.date_of_birth.or(self.date_of_birth);
    }
}

/// The date of three cells; none where all are empty.
fn parse_date(day: &str, month: &str, year: &str) -> Result<Option<Date>, &'static str> {
    if [day, month, year].iter().all(|part| part.is_empty()) {
        return Ok(None);
    }
    date_of_parts(day, month, year)
        .map(Some)
        .ok_or("the date of birth is not a date")
}
