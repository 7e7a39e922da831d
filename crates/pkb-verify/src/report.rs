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
    pub(crate) squares: u64,
    /// Text messages, and the spreadsheets that have them.
    pub(crate) texts: u64,
    pub(crate) spreadsheets: u64,
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

    pub(crate) fn print(self, dir: &Path, rehearsal: Option<&str>) -> Result<ExitCode, Fatal> {
        let mut text = rehearsal.map_or_else(String::new, |words| format!("{words}\n"));
        text.push_str(&format!(
            "{}: {} in {}, {} read\n",
            dir.display(),
            counted(self.letters, "letter", "letters"),
            counted(self.files.len() as u64, "file", "files"),
            counted(self.squares, "square code", "square codes"),
        ));
        if self.spreadsheets > 0 {
            text.push_str(&format!(
                "{}: {} in {}\n",
                dir.display(),
                counted(self.texts, "text message", "text messages"),
                counted(self.spreadsheets, "spreadsheet", "spreadsheets"),
            ));
        }
        for path in &self.not_for_the_printer {
            text.push_str(&format!(
                "warning: {} has codes and is not for the printer: keep it beside the folder\n",
                path.display()
            ));
        }
        if !self.without_letter.is_empty() {
            let rows: Vec<String> = self
                .without_letter
                .iter()
                .take(10)
                .map(u64::to_string)
                .collect();
            text.push_str(&format!(
                "{} codes and no letter or text message ({} {}{}): the records that pkb-letters wrote say why\n",
                counted(self.without_letter.len() as u64, "record has", "records have"),
                if self.without_letter.len() == 1 { "row" } else { "rows" },
                rows.join(", "),
                if self.without_letter.len() > rows.len() { ", ..." } else { "" }
            ));
        }
        if self.failed == 0 {
            text.push_str("every sheet is its patient's\n");
            if self.spreadsheets > 0 {
                text.push_str("every text message is its patient's\n");
            }
            app::print(&text)?;
            return Ok(ExitCode::Done);
        }
        text.push_str(&format!(
            "{}: {}\n",
            counted(self.failed, "failure", "failures"),
            match self.spreadsheets {
                0 => "do not post these letters",
                _ => "do not post these letters, and do not send these text messages",
            }
        ));
        for failure in &self.failures {
            text.push_str(&format!("  {failure}\n"));
        }
        app::print(&text)?;
        Ok(ExitCode::SomeRowsRejected)
    }
}
