//! Text messages through GOV.UK Notify, as a spreadsheet and template texts that a person uploads.
//!
//! * [`args`]: what can be asked.
//! * [`text`]: the template texts, and what stands in a message.
//! * [`sheet`]: the spreadsheet.
//! * `bill`: what the messages cost, and which of them need a look.
//!
//! All texts are in one language. Where there is to be another, [`Texts`] is what a row's language
//! chooses, and a sheet is for one choice: Notify takes one template a sheet.

pub mod args;
mod bill;
pub mod sheet;
pub mod text;

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use pkb_cli::progress::tell;
use pkb_core::{
    Fatal,
    print_files::shared_mobiles::{self, SharedMobiles},
    rehearsal::FILE_PREFIX,
};
use pkb_files::atomic_file::AtomicFile;

use self::{args::SmsArgs, bill::Bill};
pub use self::{
    sheet::{SheetNumbers, SmsRow, SmsSheets},
    text::Texts,
};

/// All that a campaign writes about its text messages: sheets, texts, shared mobiles, and the bill.
pub struct TextMessages {
    folder: PathBuf,
    texts: Texts,
    sheets: SmsSheets,
    bill: Bill,
    shared: SharedMobiles,
    is_rehearsal: bool,
}

impl TextMessages {
    /// Nothing yet, for `folder`.
    ///
    /// # Errors
    /// The organisation's own texts cannot be used.
    pub fn new(
        folder: &Path,
        args: &SmsArgs,
        organisation: &str,
        is_rehearsal: bool,
    ) -> Result<Self, Fatal> {
        let texts = Texts::open(&args.sms_template)
            .map_err(|error| Fatal::Usage(format!("--sms-template: {error}")))?;
        let texts = if args.sms_fold { texts.folded() } else { texts };
        let prefix = args.sms_prefix.as_deref().unwrap_or(organisation);
        Ok(Self {
            folder: folder.to_owned(),
            bill: Bill::new(prefix, args.sms_price),
            texts,
            sheets: SmsSheets::new(folder, is_rehearsal),
            shared: SharedMobiles::default(),
            is_rehearsal,
        })
    }

    /// Counts the message to the patient of `row_number`, and writes its row into `sheet` unless
    /// that is finished (`None`).
    ///
    /// # Errors
    /// The sheet cannot be written.
    pub fn add(&mut self, row_number: u64, sheet: Option<&str>, row: &SmsRow) -> Result<(), Fatal> {
        self.bill.add(row_number, &self.texts, row);
        self.shared.add(row_number, &row.phone_number);
        match sheet {
            Some(sheet) => self.sheets.add(sheet, row),
            None => Ok(()),
        }
    }

    /// Gives the files their names, and says what there is to say about the messages.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(self) -> Result<(), Fatal> {
        if self.bill.is_empty() {
            return Ok(());
        }
        if self.sheets.is_open() {
            self.texts.write(&self.folder)?;
        }
        self.sheets.finish()?;
        let rehearsal = if self.is_rehearsal { FILE_PREFIX } else { "" };
        let name = format!("{rehearsal}{}", shared_mobiles::FILE_NAME);
        let path = self.folder.join(name);
        AtomicFile::write(&path, self.shared.csv().as_bytes())?;
        tell(self.bill.to_string());
        if let Some(warning) = self.shared.warning(&path) {
            tell(warning);
        }
        Ok(())
    }
}

/// A cell without line breaks and without white space at its ends: Notify would fold it, too.
fn one_line(text: &str) -> Cow<'_, str> {
    let is_plain = !text.contains(|c: char| c.is_control() || (c.is_whitespace() && c != ' '))
        && !text.contains("  ")
        && text.trim() == text;
    if is_plain {
        return Cow::Borrowed(text);
    }
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    Cow::Owned(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_line() {
        for (text, line) in [
            ("Mary Ann", "Mary Ann"),
            (" Mary\r\n Ann\t", "Mary Ann"),
            ("Mary\u{85}Ann", "Mary Ann"),
            ("", ""),
        ] {
            assert_eq!(one_line(text), line);
        }
    }
}
