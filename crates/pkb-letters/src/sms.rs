//! The spreadsheet and the template texts for text messages through GOV.UK Notify.
//!
//! Notify takes at most 100,000 rows and 10 MiB a file; each `((placeholder))` of a template needs
//! its column. PKB advises two texts, so that no code is split between two messages.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use pkb_core::{Fatal, atomic_file::AtomicFile};

/// Rows of a sheet at most (Notify).
const MAX_ROWS: u64 = 100_000;
/// Bytes of a sheet at most (Notify).
const MAX_BYTES: u64 = 10 << 20;

/// The columns. Only `phone number` is Notify's own; the others are the placeholders of the texts.
const COLUMNS: [&str; 7] = [
    "phone number",
    "first name",
    "organisation",
    "invitation code",
    "access code",
    "expiry",
    "link",
];

/// First text: who writes and why, so that the second is not taken for fraud.
const FIRST_TEXT: &str = "Dear ((first name)), ((organisation)) invites you to see your health record online. \
Your codes follow in a second message. If you did not expect this, ask us: use a number that you know.\n";

/// Second text: the codes and the link.
const SECOND_TEXT: &str = "Your codes from ((organisation)): invitation code ((invitation code)) and access code \
((access code)), until ((expiry)). Register here: ((link))\n";

/// One patient's row.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsRow {
    /// Mobile number in E.164 form.
    pub phone_number: String,
    /// First name.
    pub first_name: String,
    /// Who invites.
    pub organisation: String,
    /// Invitation code.
    pub invitation_code: String,
    /// Access code.
    pub access_code: String,
    /// Last day of the codes.
    pub expiry: String,
    /// Join page with both codes filled in.
    pub link: String,
}

impl fmt::Debug for SmsRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmsRow(…)")
    }
}

impl SmsRow {
    fn line(&self) -> Vec<u8> {
        line([
            &self.phone_number,
            &self.first_name,
            &self.organisation,
            &self.invitation_code,
            &self.access_code,
            &self.expiry,
            &self.link,
        ])
    }
}

/// One line by RFC 4180, with its line end.
fn line<T: AsRef<[u8]>>(cells: [T; 7]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

/// Sheets that are being written.
pub struct SmsSheets {
    folder: PathBuf,
    open: Option<AtomicFile>,
    number: u32,
    rows: u64,
    bytes: u64,
}

impl SmsSheets {
    /// No sheet yet.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            open: None,
            number: 0,
            rows: 0,
            bytes: 0,
        }
    }

    /// Adds a row, in a new sheet if the one before is full, and returns the name of the sheet.
    ///
    /// # Errors
    /// The sheet cannot be written.
    pub fn add(&mut self, row: &SmsRow) -> Result<String, Fatal> {
        let line = row.line();
        if self.open.is_none()
            || self.rows == MAX_ROWS
            || self.bytes + line.len() as u64 > MAX_BYTES
        {
            self.start_sheet()?;
        }
        self.rows += 1;
        self.write(&line)?;
        Ok(self.name())
    }

    /// Gives the last sheet its name, and writes the two texts if there is any sheet.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(mut self) -> Result<(), Fatal> {
        let Some(sheet) = self.open.take() else {
            return Ok(());
        };
        sheet.finish()?;
        for (name, text) in [
            ("sms-text-1.txt", FIRST_TEXT),
            ("sms-text-2.txt", SECOND_TEXT),
        ] {
            AtomicFile::write(&self.folder.join(name), text.as_bytes())?;
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("sms-{:04}.csv", self.number)
    }

    fn start_sheet(&mut self) -> Result<(), Fatal> {
        if let Some(full) = self.open.take() {
            full.finish()?;
        }
        self.number += 1;
        (self.rows, self.bytes) = (0, 0);
        self.open = Some(AtomicFile::create(&self.folder.join(self.name()))?);
        self.write(&line(COLUMNS))
    }

    fn write(&mut self, line: &[u8]) -> Result<(), Fatal> {
        use std::io::Write as _;
        self.bytes += line.len() as u64;
        let path = self.folder.join(self.name());
        match &mut self.open {
            Some(sheet) => sheet
                .write_all(line)
                .map_err(|source| Fatal::cannot_write(&path, source)),
            None => Err(Fatal::Bug("no SMS sheet is open".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_of_the_texts_has_its_column() {
        for text in [FIRST_TEXT, SECOND_TEXT] {
            for placeholder in text
                .split("((")
                .skip(1)
                .filter_map(|rest| rest.split("))").next())
            {
                assert!(COLUMNS.contains(&placeholder), "{placeholder}");
            }
        }
    }

    #[test]
    fn neither_text_asks_for_or_tells_a_date_of_birth() {
        for word in ["birth", "born", "dob"] {
            assert!(
                !format!("{FIRST_TEXT}{SECOND_TEXT}")
                    .to_lowercase()
                    .contains(word)
            );
        }
    }

    #[test]
    fn a_sheet_that_is_full_is_finished_and_another_begun() {
        let folder = tempfile::tempdir().unwrap();
        let mut sheets = SmsSheets::new(folder.path());
        let row = SmsRow {
            phone_number: "+447700900123".into(),
            first_name: "x".repeat(3 << 20),
            organisation: "Northtown, North".into(),
            invitation_code: "NKcYiAciBU".into(),
            access_code: "KVPnrFYPay".into(),
            expiry: "21 December 2026".into(),
            link: "https://joinpkb.com/".into(),
        };
        let names: Vec<String> = (0..5).map(|_| sheets.add(&row).unwrap()).collect();
        assert_eq!(
            names,
            [
                "sms-0001.csv",
                "sms-0001.csv",
                "sms-0001.csv",
                "sms-0002.csv",
                "sms-0002.csv"
            ]
        );
        sheets.finish().unwrap();
        for name in ["sms-0001.csv", "sms-0002.csv"] {
            let path = folder.path().join(name);
            assert!(path.metadata().unwrap().len() <= MAX_BYTES);
            let mut sheet = csv::Reader::from_path(path).unwrap();
            assert_eq!(sheet.headers().unwrap(), COLUMNS.as_slice());
            assert_eq!(
                &sheet.records().next().unwrap().unwrap()[2],
                "Northtown, North"
            );
        }
        assert!(folder.path().join("sms-text-2.txt").exists());
    }
}
