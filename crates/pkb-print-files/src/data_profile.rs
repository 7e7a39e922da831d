//! The form of a data file for a mail company: its columns, and how they are written. There is no standard for it, so it is
//! data: a file in TOML that is agreed with the company once. pkb-letters writes by it, and `pkb verify` reads by it.

mod settings;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// The profile of the data files in a folder, beside them.
pub const FILE_NAME: &str = "data-profile.toml";

/// The column behind the others in a rehearsal, and what its cells say.
pub const REHEARSAL: &str = "REHEARSAL";

/// The profiles that need no file, by their names.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("default", include_str!("profiles/default.toml")),
    ("notify-letter", include_str!("profiles/notify-letter.toml")),
    ("jsonl", include_str!("profiles/jsonl.toml")),
];

/// Rows of a file at most: what a mail company takes in one piece is less.
pub const MOST_ROWS: u32 = 100_000;

/// The form of a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataProfile {
    /// How rows are written.
    pub form: Form,
    /// What a row has, in this order.
    pub columns: Vec<Column>,
    /// Rows of a file at most.
    pub rows_per_file: u32,
    /// Characters of the name or of a line of the address at most, if the company cuts what is longer.
    pub longest_line: Option<usize>,
    /// Characters with which no value of the patient may begin.
    pub refused_first: String,
    /// Whether addresses must be those that GOV.UK Notify prints.
    pub notify_addresses: bool,
    /// How the letters go.
    pub postage: Postage,
}

/// How rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Cells in lines, under a line with the headers.
    Csv(CsvForm),
    /// One JSON object a line, in UTF-8.
    JsonLines,
}

/// How the cells of a table are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvForm {
    /// Between the cells.
    pub separator: char,
    /// Which cells are quoted.
    pub quoting: Quoting,
    /// The characters.
    pub encoding: Encoding,
    /// After each line.
    pub line_end: LineEnd,
    /// A line behind the rows, in which `{rows}` is their number.
    pub trailer: Option<String>,
}

/// Which cells are in quotes, by RFC 4180.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quoting {
    /// Those that need it.
    #[default]
    Needed,
    /// All.
    All,
    /// None: the company's importer does not know quotes.
    Never,
}

/// The characters of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-8 after a byte-order mark.
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    /// Windows-1252.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnd {
    /// As on Windows, and in RFC 4180.
    #[default]
    Crlf,
    /// As on Unix.
    Lf,
}

impl LineEnd {
    /// Its characters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crlf => "\r\n",
            Self::Lf => "\n",
        }
    }
}

/// How fast a letter goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Postage {
    /// First class.
    First,
    /// Second class.
    #[default]
    Second,
    /// Economy.
    Economy,
}

impl Postage {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Economy => "economy",
        }
    }

    /// Working days from the day of posting to the doormat at most (GOV.UK Notify, delivery times).
    #[must_use]
    pub fn most_working_days(self) -> u8 {
        match self {
            Self::First => 2,
            Self::Second => 4,
            Self::Economy => 6,
        }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What the company calls it.
    pub header: String,
    /// What its cells say.
    pub content: Content,
}

/// What the cells of a column say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A value of the letter.
    Value(Value),
    /// The same text in each row.
    Text(String),
}

macro_rules! values {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)+) => {
        /// What a letter can be made of. The national number, the date of birth and telephone numbers are not among it, whatever a
        /// profile asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
        pub enum Value {
            $($(#[$doc])* #[serde(rename = $wire)] $name,)+
            /// A line of the address, from 1, without name, post code and country.
            #[serde(untagged, deserialize_with = "address_line")]
            AddressLine(u8),
            /// A line of name, address, and post code or country, from 1.
            #[serde(untagged, deserialize_with = "letter_line")]
            LetterLine(u8),
        }
    };
}

values! {
    /// The name of the letter, which comes back in reports.
    Reference = "reference";
    /// Its number in the file, from 1.
    Sequence = "sequence";
    /// How many letters the file has.
    Of = "of";
    /// Mr, Ms.
    Title = "title";
    /// First name.
    FirstName = "first_name";
    /// Last name.
    LastName = "last_name";
    /// The name as it is printed.
    NameLine = "name_line";
    /// Post code, empty for an address abroad.
    PostCode = "post_code";
    /// The country in capitals, empty in the United Kingdom.
    Country = "country";
    /// Delivery point suffix. Patient files have none, so it is empty: the company looks it up.
    Dps = "dps";
    /// Invitation code.
    InvitationCode = "invitation_code";
    /// Access code.
    AccessCode = "access_code";
    /// The last day on which the codes are valid, as `2026-12-21`.
    CodesEnd = "codes_end";
    /// The same day as it is printed, in the language that comes first.
    CodesEndText = "codes_end_text";
    /// The same in the second language of the letter, if it has one.
    CodesEndText2 = "codes_end_text_2";
    /// The whole link with both codes, for the QR code.
    JoinLink = "join_link";
    /// The page as it is read and typed.
    JoinAddress = "join_address";
    /// `en`, `cy`, `cy+en`.
    Language = "language";
    /// `standard`, `large`.
    Format = "format";
    /// `letter`, `reminder`.
    Design = "design";
    /// `first`, `second`, `economy`.
    Postage = "postage";
}

/// Lines that an address can have in a file.
pub const ADDRESS_LINES: u8 = 6;
/// Lines of name, address, and post code or country (GOV.UK Notify).
pub const LETTER_LINES: u8 = 7;

fn numbered<'de, D: serde::Deserializer<'de>>(
    from: D,
    prefix: &str,
    most: u8,
) -> Result<u8, D::Error> {
    let text = String::deserialize(from)?;
    let number = text.strip_prefix(prefix).and_then(|rest| rest.parse().ok());
    let number = number.filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| serde::de::Error::custom("not a value of a letter"))
}

fn address_line<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    numbered(from, "address_line_", ADDRESS_LINES)
}

fn letter_line<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    numbered(from, "letter_line_", LETTER_LINES)
}

impl DataProfile {
    /// Reads a profile.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let profile = settings::read(text)?;
        profile.check()?;
        Ok(profile)
    }

    /// Whether a column has this value.
    #[must_use]
    pub fn has(&self, value: Value) -> bool {
        let is_it = |column: &Column| column.content == Content::Value(value);
        self.columns.iter().any(is_it)
    }

    /// How the names of its files end.
    #[must_use]
    pub fn extension(&self) -> &'static str {
        match self.form {
            Form::Csv(_) => "csv",
            Form::JsonLines => "jsonl",
        }
    }

    fn check(&self) -> Result<(), String> {
        if !(1..=MOST_ROWS).contains(&self.rows_per_file) {
            return Err(format!("rows_per_file must be from 1 to {MOST_ROWS}"));
        }
        let mut headers = HashSet::new();
        for Column { header, .. } in &self.columns {
            if header.trim().is_empty() || header.contains(char::is_control) {
                return Err("a header must be one line, and not empty".to_owned());
            }
            if header == REHEARSAL || !headers.insert(header) {
                return Err(format!(
                    "the header \"{header}\" must be on one column only"
                ));
            }
        }
        if !self.has(Value::Reference) {
            return Err(
                "a column must have value = \"reference\", by which the company's reports name a letter"
                    .to_owned(),
            );
        }
        let has_codes = self.has(Value::InvitationCode) && self.has(Value::AccessCode);
        if !has_codes && !self.has(Value::JoinLink) {
            return Err(
                "columns must have invitation_code and access_code, or join_link: nobody can register without codes"
                    .to_owned(),
            );
        }
        match &self.form {
            Form::Csv(form) => form.check(),
            Form::JsonLines => Ok(()),
        }
    }
}

impl CsvForm {
    fn check(&self) -> Result<(), String> {
        let separator = self.separator;
        if separator.is_alphanumeric() || "\"\r\n ".contains(separator) || !separator.is_ascii() {
            return Err("separator must be one sign, such as , | ; or \\t".to_owned());
        }
        let is_trailer = |text: &String| text.contains("{rows}") && !text.contains(['\r', '\n']);
        if self.trailer.as_ref().is_some_and(|text| !is_trailer(text)) {
            return Err("trailer must be one line with {rows} in it, such as T,{rows}".to_owned());
        }
        Ok(())
    }

    /// The line behind so many rows, if there is one.
    #[must_use]
    pub fn trailer_of(&self, rows: usize) -> Option<String> {
        let text = self.trailer.as_ref()?;
        Some(text.replace("{rows}", &rows.to_string()))
    }
}

#[cfg(test)]
mod tests;
