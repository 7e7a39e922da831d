//! Rows as bytes, in the form that a profile says. A value that the form cannot hold is an outcome of its row: nothing is
//! cut, and no character is replaced by another one.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;
use pkb_core::{Reason, Verdict};
use pkb_print_files::data_profile::{
    Content, CsvForm, DataProfile, Encoding, Form, Quoting, REHEARSAL,
};

use super::row::{Place, RowValues};

/// The byte-order mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What writes rows.
#[derive(Debug, Clone)]
pub(super) struct Table {
    profile: DataProfile,
    is_rehearsal: bool,
}

/// Why a value cannot be written, and the header of its column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    header: String,
    why: &'static str,
}

impl Refusal {
    pub(super) fn words(&self) -> String {
        format!("the column \"{}\" {}", self.header, self.why)
    }
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::with_detail(Reason::NotInEncoding, refusal.words())
    }
}

impl Table {
    pub(super) fn new(profile: DataProfile, is_rehearsal: bool) -> Self {
        Self {
            profile,
            is_rehearsal,
        }
    }

    pub(super) fn profile(&self) -> &DataProfile {
        &self.profile
    }

    /// What is before the rows.
    ///
    /// # Errors
    /// A header that the form cannot hold.
    pub(super) fn start(&self) -> Result<Vec<u8>, Refusal> {
        let Form::Csv(form) = &self.profile.form else {
            return Ok(Vec::new());
        };
        let mut bytes = match form.encoding {
            Encoding::Utf8Bom => MARK.to_vec(),
            Encoding::Utf8 | Encoding::Windows1252 => Vec::new(),
        };
        let headers = self.headers().map(Cow::Borrowed).collect();
        bytes.extend(self.line(form, headers)?);
        Ok(bytes)
    }

    /// A row.
    ///
    /// # Errors
    /// A value that the form cannot hold.
    pub(super) fn row(&self, values: &RowValues, place: Place) -> Result<Vec<u8>, Refusal> {
        let columns = self.profile.columns.iter();
        let cells = columns.map(|column| match &column.content {
            Content::Value(value) => values.expose(*value, place),
            Content::Text(text) => Cow::Borrowed(text.as_str()),
        });
        let cells = cells.chain(self.is_rehearsal.then_some(Cow::Borrowed(REHEARSAL)));
        self.cells(cells.collect())
    }

    /// The cells of a row, in the order of the columns.
    pub(super) fn cells(&self, cells: Vec<Cow<'_, str>>) -> Result<Vec<u8>, Refusal> {
        match &self.profile.form {
            Form::Csv(form) => self.line(form, cells),
            Form::JsonLines => self.object(&cells),
        }
    }

    /// What is behind the rows.
    ///
    /// # Errors
    /// A trailer that the form cannot hold.
    pub(super) fn end(&self, rows: usize) -> Result<Vec<u8>, Refusal> {
        let Form::Csv(form) = &self.profile.form else {
            return Ok(Vec::new());
        };
        let Some(trailer) = form.trailer_of(rows) else {
            return Ok(Vec::new());
        };
        let line = format!("{trailer}{}", form.line_end.as_str());
        encoded(form.encoding, &line).ok_or_else(|| Refusal {
            header: "trailer".to_owned(),
            why: NOT_IN_ENCODING,
        })
    }

    fn headers(&self) -> impl Iterator<Item = &str> {
        let own = self.profile.columns.iter().map(|own| own.header.as_str());
        own.chain(self.is_rehearsal.then_some(REHEARSAL))
    }

    fn line(&self, form: &CsvForm, cells: Vec<Cow<'_, str>>) -> Result<Vec<u8>, Refusal> {
        for (header, cell) in self.headers().zip(&cells) {
            if let Some(why) = refused(form, cell) {
                let header = header.to_owned();
                return Err(Refusal { header, why });
            }
        }
        let mut writer = csv::WriterBuilder::new()
            .delimiter(u8::try_from(form.separator).unwrap_or(b','))
            .quote_style(match form.quoting {
                Quoting::Needed => csv::QuoteStyle::Necessary,
                Quoting::All => csv::QuoteStyle::Always,
                Quoting::Never => csv::QuoteStyle::Never,
            })
            .terminator(match form.line_end.as_str() {
                "\r\n" => csv::Terminator::CRLF,
                _ => csv::Terminator::Any(b'\n'),
            })
            .from_writer(Vec::new());
        // Writing to memory cannot fail.
        let _ = writer.write_record(cells.iter().map(|cell| cell.as_bytes()));
        let line = writer.into_inner().unwrap_or_default();
        let line = String::from_utf8(line).unwrap_or_default();
        encoded(form.encoding, &line).ok_or_else(|| Refusal {
            header: String::new(),
            why: NOT_IN_ENCODING,
        })
    }

    fn object(&self, cells: &[Cow<'_, str>]) -> Result<Vec<u8>, Refusal> {
        let mut object = serde_json::Map::new();
        for (header, cell) in self.headers().zip(cells) {
            if let Some(why) = has_line_break(cell).then_some(ONE_LINE) {
                let header = header.to_owned();
                return Err(Refusal { header, why });
            }
            object.insert(header.to_owned(), cell.as_ref().into());
        }
        let mut line = serde_json::to_vec(&object).unwrap_or_default();
        line.push(b'\n');
        Ok(line)
    }
}

const NOT_IN_ENCODING: &str = "has a character that the encoding of the profile does not have";
const ONE_LINE: &str = "has a line break or another character that cannot be printed";
const NEEDS_QUOTES: &str = "has the separator in it, and the profile has no quotes";

/// Why a cell cannot be written.
fn refused(form: &CsvForm, cell: &str) -> Option<&'static str> {
    if has_line_break(cell) {
        return Some(ONE_LINE);
    }
    if form.quoting == Quoting::Never && cell.contains(form.separator) {
        return Some(NEEDS_QUOTES);
    }
    encoded(form.encoding, cell)
        .is_none()
        .then_some(NOT_IN_ENCODING)
}

/// Characters that are no part of a line.
fn has_line_break(cell: &str) -> bool {
    cell.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// A text in an encoding; `None` if it does not have all characters.
fn encoded(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom => Some(text.as_bytes().to_vec()),
        Encoding::Windows1252 => {
            let (bytes, _, is_replaced) = WINDOWS_1252.encode(text);
            (!is_replaced).then(|| bytes.into_owned())
        }
    }
}
