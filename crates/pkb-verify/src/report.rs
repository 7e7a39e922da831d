//! What was found in a folder, as it is said at the end.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use pkb_cli::app;
use pkb_core::{ExitCode, Fatal, rows::counted};

/// So many failures are listed.
const LISTED: usize = 100;

/// What was found.
#[derive(Default)]
pub(crate) struct Report {
    /// Files beside the letters that must not leave with them.
    pub(crate) not_for_the_printer: BTreeSet<PathBuf>,
    pub(crate) files: HashSet<String>,
    pub(crate) letters: u64,
    pub(crate) qr_codes: u64,
    /// Text messages, and the spreadsheets that have them.
    pub(crate) texts: u64,
    pub(crate) spreadsheets: u64,
    /// Letters in other formats than print.
    pub(crate) formats: u64,
    /// Rows for a mail company, and the files that have them.
    pub(crate) data_rows: u64,
    pub(crate) data_files: u64,
    /// Those of them that only the company can read.
    pub(crate) encrypted_rows: u64,
    pub(crate) encrypted_files: u64,
    pub(crate) failures: Vec<String>,
    pub(crate) failed: u64,
    /// Rows with codes for which there is no letter, where the records do not say why.
    pub(crate) without_letter: BTreeSet<u64>,
}

impl Report {
    pub(crate) fn fail(&mut self, place: &str, words: &str) {
        self.failed += 1;
        if self.failures.len() < LISTED {
            self.failures.push(format!("{place}: {words}"));
        }
    }

    /// What is said of rows with codes and no letter.
    fn of_rows_without_letter(&self) -> String {
        let mut text = String::new();
        if !self.without_letter.is_empty() {
            let rows: Vec<String> = self
                .without_letter
                .iter()
                .take(10)
                .map(u64::to_string)
                .collect();
            text.push_str(&format!(
                "{} but no letter or text message ({} {}{}). The records that pkb-letters wrote say why\n",
                counted(self.without_letter.len() as u64, "record has codes", "records have codes"),
                if self.without_letter.len() == 1 { "row" } else { "rows" },
                rows.join(", "),
                if self.without_letter.len() > rows.len() { ", ..." } else { "" }
            ));
        }
        text
    }

    /// What was found of data for a mail company.
    fn of_data(&self, dir: &Path) -> String {
        let mut text = String::new();
        let words = |rows, files, kind: [&str; 2]| {
            format!(
                "{} in {}",
                counted(rows, "row for a mail company", "rows for a mail company"),
                counted(files, kind[0], kind[1])
            )
        };
        if self.data_files > 0 {
            let read = words(self.data_rows, self.data_files, ["file", "files"]);
            text.push_str(&format!("{}: {read}\n", dir.display()));
        }
        if self.encrypted_files > 0 {
            let kind = ["encrypted file", "encrypted files"];
            let not_read = words(self.encrypted_rows, self.encrypted_files, kind);
            text.push_str(&format!(
                "not verified: {not_read}. Only the mail company can read them. pkb-letters read each row again before it encrypted it\n"
            ));
        }
        text
    }

    pub(crate) fn print(self, dir: &Path, rehearsal: Option<&str>) -> Result<ExitCode, Fatal> {
        let mut text = rehearsal.map_or_else(String::new, |words| format!("{words}\n"));
        text.push_str(&format!(
            "{}: {} in {}, {} read\n",
            dir.display(),
            counted(self.letters, "letter", "letters"),
            counted(self.files.len() as u64, "file", "files"),
            counted(self.qr_codes, "QR code", "QR codes"),
        ));
        if self.spreadsheets > 0 {
            text.push_str(&format!(
                "{}: {} in {}\n",
                dir.display(),
                counted(self.texts, "text message", "text messages"),
                counted(self.spreadsheets, "spreadsheet", "spreadsheets"),
            ));
        }
        if self.formats > 0 {
            text.push_str(&format!(
                "{}: {}\n",
                dir.display(),
                counted(
                    self.formats,
                    "letter in a different format",
                    "letters in other formats"
                ),
            ));
        }
        text.push_str(&self.of_data(dir));
        for path in &self.not_for_the_printer {
            text.push_str(&format!(
                "warning: {} has codes and is not for the printer. Keep this file beside the folder\n",
                path.display()
            ));
        }
        text.push_str(&self.of_rows_without_letter());
        if self.failed == 0 {
            text.push_str("every sheet matches its patient's record\n");
            if self.spreadsheets > 0 {
                text.push_str("every text message matches its patient's record\n");
            }
            if self.formats > 0 {
                text.push_str("every letter in a different format matches its patient's record\n");
            }
            if self.data_files > 0 {
                text.push_str(
                    "every row for a mail company that can be read matches its patient's record\n",
                );
            }
            app::print(&text)?;
            return Ok(ExitCode::Done);
        }
        text.push_str(&format!(
            "{}: {}\n",
            counted(self.failed, "failure", "failures"),
            match self.spreadsheets + self.data_files + self.encrypted_files {
                0 => "do not post these letters",
                _ => "do not post these letters, and do not send these text messages or data files",
            }
        ));
        for failure in &self.failures {
            text.push_str(&format!("  {failure}\n"));
        }
        app::print(&text)?;
        Ok(ExitCode::SomeRowsRejected)
    }
}
