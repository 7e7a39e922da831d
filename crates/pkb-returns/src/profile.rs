//! The layout of a company's reports, as data: columns, and what their words mean.

use std::collections::HashMap;

use pkb_core::{Fatal, record::PrintStatus};
use pkb_files::profile::text_of;
use pkb_patients::toml_file;
use pkb_values::folded_header;
use serde::Deserialize;

/// The profiles that come with the program: name, text.
const BUILT_IN: [(&str, &str); 3] = [
    ("default", include_str!("../data/default.toml")),
    ("dvla", include_str!("../data/dvla.toml")),
    ("notify", include_str!("../data/notify.toml")),
];

/// A layout.
#[derive(Debug, Clone)]
pub struct Profile {
    columns: ColumnNames,
    words: HashMap<String, PrintStatus>,
}

/// The headers of each column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnNames {
    reference: Vec<String>,
    notification: Vec<String>,
    status: Vec<String>,
    at: Vec<String>,
    reason: Vec<String>,
    sheets: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    columns: ColumnNames,
    words: HashMap<String, PrintStatus>,
}

/// Where the columns of a file are.
#[derive(Debug, Default)]
pub struct Columns {
    /// Our reference, or the number printed on the letter.
    pub reference: Option<usize>,
    /// The id of GOV.UK Notify.
    pub notification: Option<usize>,
    /// How far the letter is; a file without it is a list of returned letters.
    pub status: Option<usize>,
    /// When.
    pub at: Option<usize>,
    /// Why it came back.
    pub reason: Option<usize>,
    /// Sheets of paper.
    pub sheets: Option<usize>,
}

impl Profile {
    /// A profile by its name, or from a file.
    ///
    /// # Errors
    /// There is none, or it is not understood.
    pub fn find(name: &str) -> Result<Self, Fatal> {
        let text = text_of("--profile", name, &BUILT_IN)?;
        Self::parse(&text).map_err(|words| Fatal::Usage(format!("--profile {name}: {words}")))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let Text { columns, words } = toml_file::parse(text)?;
        if columns.reference.is_empty() && columns.notification.is_empty() {
            return Err("[columns] has neither reference nor notification".into());
        }
        let words = words
            .into_iter()
            .map(|(word, status)| (folded_header(&word), status));
        Ok(Self {
            columns,
            words: words.collect(),
        })
    }

    /// Where the columns are in a file with these headers; `None` if none of them names a letter.
    pub fn columns<'a>(&self, headers: impl Iterator<Item = &'a [u8]>) -> Option<Columns> {
        let headers: Vec<String> = headers
            .map(|header| folded_header(&String::from_utf8_lossy(header)))
            .collect();
        let find = |names: &[String]| {
            let mut names = names.iter().map(|name| folded_header(name));
            names.find_map(|name| headers.iter().position(|header| *header == name))
        };
        let columns = Columns {
            reference: find(&self.columns.reference),
            notification: find(&self.columns.notification),
            status: find(&self.columns.status),
            at: find(&self.columns.at),
            reason: find(&self.columns.reason),
            sheets: find(&self.columns.sheets),
        };
        (columns.reference.is_some() || columns.notification.is_some()).then_some(columns)
    }

    /// What a word means.
    #[must_use]
    pub fn status(&self, word: &str) -> Option<PrintStatus> {
        self.words.get(&folded_header(word)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_that_come_with_the_program_are_understood() {
        for (name, _) in BUILT_IN {
            Profile::find(name).unwrap();
        }
        let default = Profile::find("default").unwrap();
        assert_eq!(default.status("Despatched"), Some(PrintStatus::Dispatched));
        assert_eq!(default.status("lost"), None);
        let headers = ["Reference", "STATUS", "reason_code"].map(str::as_bytes);
        let columns = default.columns(headers.into_iter()).unwrap();
        assert_eq!(
            (columns.reference, columns.status, columns.reason),
            (Some(0), Some(1), Some(2))
        );
        assert!(
            default
                .columns(["a"].map(str::as_bytes).into_iter())
                .is_none()
        );
        assert!(Profile::find("nobody").is_err());
    }
}
