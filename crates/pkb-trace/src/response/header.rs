//! The columns of a response file, and what may stand before them.

use csv::ByteRecord;

use crate::profile::{Field, Meaning, Profile};

/// Which field each column of a file holds.
#[derive(Debug)]
pub struct Header {
    fields: Vec<Option<Field>>,
}

/// What the first rows of a file can be.
pub enum FirstRow {
    /// The row of column names.
    Header(Header),
    /// A record about the file.
    AboutFile {
        /// Of how many data rows it speaks, if it does.
        rows: Option<u64>,
    },
    /// An answer: there are no column names.
    Answer(Header),
}

/// A record about the file has fewer columns than this.
const COLUMNS_OF_A_FILE_RECORD: usize = 8;

impl Header {
    /// The columns in the order of the profile, for a file that does not name them.
    fn usual(profile: &Profile) -> Self {
        let columns = profile.order.iter();
        Self {
            fields: columns.map(|name| profile.field(name)).collect(),
        }
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// The cells of a row with their fields.
    pub fn cells<'a>(&'a self, row: &'a ByteRecord) -> impl Iterator<Item = (Field, &'a [u8])> {
        let cells = self.fields.iter().zip(row.iter());
        cells.filter_map(|(field, cell)| Some(((*field)?, cell.trim_ascii())))
    }

    /// The cell of one field.
    pub fn cell<'a>(&'a self, field: Field, row: &'a ByteRecord) -> Option<&'a [u8]> {
        let mut cells = self.cells(row);
        cells.find_map(|(own, cell)| (own == field).then_some(cell))
    }
}

impl FirstRow {
    /// What a row at the start of a file is.
    ///
    /// # Errors
    /// It is none of these: in words. `Err(None)`: the register refused the request as a whole.
    pub fn of(row: &ByteRecord, profile: &Profile, is_first: bool) -> Result<Self, String> {
        let fields: Vec<Option<Field>> = row
            .iter()
            .map(|cell| profile.field(&String::from_utf8_lossy(cell)))
            .collect();
        let has = |field| fields.contains(&Some(field));
        if fields.iter().flatten().count() > 1 || (profile.is_list && has(Field::NhsNumber)) {
            let missing: Vec<&str> = profile
                .needed()
                .filter_map(|(field, name)| (!has(field)).then_some(name))
                .collect();
            if !missing.is_empty() {
                return Err(format!("the file has no column {}", missing.join(", ")));
            }
            return Ok(Self::Header(Header { fields }));
        }
        if profile.is_list {
            return Err("the file has no column with national numbers".into());
        }
        if is_first && row.len() < COLUMNS_OF_A_FILE_RECORD {
            return about_file(row, profile);
        }
        let usual = Header::usual(profile);
        match row.len() == usual.len() {
            true => Ok(Self::Answer(usual)),
            false => Err(format!(
                "the file has no row of column names, and {} columns instead of {}",
                row.len(),
                usual.len()
            )),
        }
    }
}

/// What a record about the file says. Its form is published for the older service only: reference, workflow, time, and the number of
/// data rows. A code of a fault in it means that nothing was traced.
fn about_file(row: &ByteRecord, profile: &Profile) -> Result<FirstRow, String> {
    for cell in row {
        let code = String::from_utf8_lossy(cell.trim_ascii());
        if let Some(Meaning::Fault(words)) = profile.meaning(&code) {
            return Err(format!(
                "the register did not trace anybody: code {code}, {words}"
            ));
        }
    }
    let rows = (4..=5).contains(&row.len()).then(|| row.get(3)).flatten();
    let rows = rows.and_then(|cell| std::str::from_utf8(cell).ok()?.trim().parse().ok());
    Ok(FirstRow::AboutFile { rows })
}
