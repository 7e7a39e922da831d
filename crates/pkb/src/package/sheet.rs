//! The instruction sheet: what the mail company does with the files, as text and as JSON. Nothing of a patient is in it: references
//! of letters tell nothing without the files.

use std::fmt::Write as _;

use jiff::civil::Date;
use pkb_core::{
    record::{PrintStatus, ReturnReason},
    rows::counted,
};
use serde::{Deserialize, Serialize};

use super::{
    contents::Counts,
    job::{Pack, Reports, TemplateVersion},
};

/// The version of the sheet.
pub(super) const SCHEMA: &str = "pkb-package/1";

/// The sheet.
#[derive(Debug, Serialize)]
pub(super) struct Sheet {
    pub(super) schema: &'static str,
    pub(super) name: String,
    pub(super) made_on: Date,
    pub(super) rehearsal: bool,
    pub(super) customer: String,
    pub(super) campaign: String,
    pub(super) contact: String,
    pub(super) template: TemplateVersion,
    pub(super) files: Vec<PackedFile>,
    /// All letters in the files, also those that are stopped.
    pub(super) counts: Counts,
    /// References of letters in these files that must not be posted.
    pub(super) stop: Vec<String>,
    pub(super) pack: Pack,
    pub(super) postage: &'static str,
    pub(super) not_before: Option<Date>,
    pub(super) not_after: Option<Date>,
    pub(super) days_left_on_arrival: u16,
    pub(super) encrypted_to: Option<String>,
    pub(super) reports: Reports,
    pub(super) keep_days: u16,
}

/// A file of the package.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PackedFile {
    pub(super) file: String,
    pub(super) letters: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sheets: Option<u64>,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// The files in the folder of the letters that it was made of, and their digests.
    pub(super) sources: Vec<Source>,
}

/// What a file was made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) sha256: String,
}

/// What is read of the sheet of an earlier package.
#[derive(Debug, Deserialize)]
pub(super) struct EarlierSheet {
    pub(super) schema: String,
    pub(super) files: Vec<PackedFile>,
}

impl Sheet {
    /// As JSON.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// As text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.rehearsal {
            text.push_str("REHEARSAL: do not print or post anything of this package.\n\n");
        }
        self.write(&mut text).unwrap_or_default();
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "INSTRUCTIONS FOR {}\n", self.name)?;
        writeln!(text, "Customer:  {}", self.customer)?;
        writeln!(text, "Campaign:  {}", self.campaign)?;
        writeln!(text, "Contact:   {}", self.contact)?;
        writeln!(text, "Made on:   {}\n", self.made_on)?;
        self.write_files(text)?;
        self.write_letters(text)?;
        self.write_reports(text)
    }

    fn write_files(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "FILES")?;
        for file in self.files.iter().filter(|file| file.letters > 0) {
            let sheets = file
                .sheets
                .map(|sheets| format!(", {}", counted(sheets, "sheet", "sheets")));
            writeln!(
                text,
                "{}: {}{}, {} bytes\n  SHA-256 {}",
                file.file,
                counted(file.letters, "letter", "letters"),
                sheets.unwrap_or_default(),
                file.bytes,
                file.sha256
            )?;
        }
        if let Some(recipient) = &self.encrypted_to {
            writeln!(text, "The files are encrypted to {recipient}.")?;
        }
        writeln!(
            text,
            "{}.done has the SHA-256 of every file. It is made last: do not begin before it is there.",
            self.name
        )?;
        writeln!(
            text,
            "Codes are text: do not open and save a data file in a spreadsheet program, which changes codes such as 1E55667788.\n"
        )
    }

    fn write_letters(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "LETTERS")?;
        let TemplateVersion {
            name,
            version,
            approved_by,
            approved_on,
        } = &self.template;
        writeln!(
            text,
            "Template:  {name}, version {version}, approved by {approved_by} on {approved_on}"
        )?;
        writeln!(text, "Letters:   {}", self.counts.letters)?;
        for (what, counts) in [
            ("Languages: ", &self.counts.by_language),
            ("Formats:   ", &self.counts.by_format),
            ("Designs:   ", &self.counts.by_design),
        ] {
            let counts = counts.iter().map(|(key, count)| format!("{key} {count}"));
            writeln!(text, "{what}{}", counts.collect::<Vec<_>>().join(", "))?;
        }
        self.write_pack(text)?;
        if let Some(day) = self.not_before {
            writeln!(text, "Post not before {day}.")?;
        }
        if let Some(day) = self.not_after {
            writeln!(
                text,
                "Post not after {day}. Later letters would arrive with fewer than {} days for their codes: ring the contact.",
                self.days_left_on_arrival
            )?;
        }
        if !self.stop.is_empty() {
            writeln!(
                text,
                "STOP these {} letters, and destroy them if they are printed: {}",
                self.stop.len(),
                self.stop.join(" ")
            )?;
        }
        writeln!(text)
    }

    fn write_pack(&self, text: &mut String) -> std::fmt::Result {
        let Pack {
            envelope,
            return_address,
            paper,
            colour,
            sides,
            inserts,
            marks,
        } = &self.pack;
        writeln!(
            text,
            "Envelope:  {envelope}. Return address: {return_address}"
        )?;
        writeln!(text, "Paper:     {paper}, {colour:?}, {sides:?}")?;
        let inserts = match inserts.is_empty() {
            true => "none".to_owned(),
            false => inserts.join(", "),
        };
        writeln!(text, "Inserts:   {inserts}")?;
        if !marks.is_empty() {
            writeln!(text, "Marks:     {marks}")?;
        }
        writeln!(text, "Postage:   {}", self.postage)
    }

    fn write_reports(&self, text: &mut String) -> std::fmt::Result {
        let Reports {
            status,
            returns,
            to,
        } = &self.reports;
        writeln!(text, "WHAT COMES BACK")?;
        writeln!(text, "To:        {to}")?;
        let words = PrintStatus::ALL.map(PrintStatus::as_str);
        writeln!(
            text,
            "Status file, {status}: CSV with the columns reference, status, at, reasonCode, reasonText, sheets.\n  status is one of {}. at is a time in UTC.",
            words.join(", ").to_uppercase()
        )?;
        let reasons = ReturnReason::ALL.into_iter();
        let reasons = reasons.map(|reason| format!("{} {}", reason.code(), reason.words()));
        writeln!(
            text,
            "Returns file, {returns}: CSV with the columns reference, returned_at, reasonCode, reasonText.\n  reasonCode is one of {}.",
            reasons.collect::<Vec<_>>().join(", ")
        )?;
        writeln!(
            text,
            "Spoilt sheets: print the letter again, with the same reference. Letters that come back: scan the reference, then destroy them."
        )?;
        writeln!(
            text,
            "Delete the files {} days after posting, and confirm it in writing.",
            self.keep_days
        )
    }
}
