//! The rows of data that pkb-letters wrote, as GOV.UK Notify gets them: read again, and each compared with its record.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use pkb_client::notify::Template;
use pkb_core::{Fatal, Reason, Record, Verdict, record::Delivery, text_message::folded};
use pkb_files::encryption;
use pkb_print_files::data_profile::{Column, Content, DataProfile, Value};
use pkb_verify::{data_rows::DataRows, expected::Owners, profile_of};

use crate::sending::not_postable;

/// The option that names the template.
pub(super) const TEMPLATE: &str = "--letter-template-id";

/// The rows of a folder.
pub(super) struct RowFiles {
    folder: PathBuf,
    profile: DataProfile,
    /// The columns that the template has, beside the address.
    wanted: Vec<String>,
    /// The file that was read last: the rows of a file come after each other.
    last: Mutex<Option<(String, Arc<RowFile>)>>,
}

/// A file, as it was read.
struct RowFile {
    rows: DataRows<'static>,
    by_reference: HashMap<String, usize>,
}

impl RowFiles {
    /// The rows of a folder, for a template.
    ///
    /// # Errors
    /// The folder has no rows with an address for Notify, the template is none for letters, it has a placeholder without a column,
    /// or it does not tell the codes.
    pub(super) fn new(folder: PathBuf, template: &Template) -> Result<Self, Fatal> {
        let profile = profile_of(&folder)?;
        if template.kind != "letter" {
            return Err(Fatal::Usage(format!(
                "{TEMPLATE} is not for letters. Give the id of a letter template"
            )));
        }
        let has_address = |column: &Column| matches!(address_line(column), Some(1));
        if !profile.columns.iter().any(has_address) {
            return Err(Fatal::Usage(format!(
                "the rows in {} have no address lines for GOV.UK Notify. What to do: make them with pkb-letters --channel data \
                 --data-profile notify-letter",
                folder.display()
            )));
        }
        let mut wanted = Vec::new();
        let mut told = Vec::new();
        for placeholder in &template.placeholders {
            let same = |column: &&Column| folded(&column.header) == folded(placeholder);
            let Some(column) = profile.columns.iter().find(same) else {
                let headers = profile.columns.iter().map(|column| column.header.as_str());
                return Err(Fatal::Usage(format!(
                    "{TEMPLATE} has the placeholder {placeholder:?}, which the rows do not have. Use {}",
                    headers.collect::<Vec<_>>().join(", ")
                )));
            };
            if address_line(column).is_none() {
                wanted.push(column.header.clone());
            }
            told.push(&column.content);
        }
        let tells = |value: Value| told.contains(&&Content::Value(value));
        let both_codes = tells(Value::InvitationCode) && tells(Value::AccessCode);
        if !both_codes && !tells(Value::JoinLink) {
            return Err(Fatal::Usage(format!(
                "the letter of {TEMPLATE} has neither the link nor both codes. What to do: put the link or both codes \
                 into the template at GOV.UK Notify"
            )));
        }
        Ok(Self {
            folder,
            profile,
            wanted,
            last: Mutex::default(),
        })
    }

    /// What Notify needs for the letter of a record: the lines of the address, and the values of the template's placeholders.
    ///
    /// # Errors
    /// The file cannot be read; inside, why the row is not sent.
    pub(super) fn personalisation(
        &self,
        record: &Record,
        delivery: &Delivery,
    ) -> Result<Result<BTreeMap<String, String>, Verdict>, Fatal> {
        if let Some(words) = unreadable(&delivery.file) {
            return Ok(Err(not_postable(words)));
        }
        let file = self.file(&delivery.file)?;
        let reference = delivery.reference.as_ref().map(|own| own.as_str());
        let at = reference.and_then(|own| file.by_reference.get(own).copied());
        let Some(at) = at else {
            return Ok(Err(not_postable("its row is not in the file")));
        };
        let failures = file.rows.failures(at, record, delivery, &Owners::default());
        if let Some(words) = failures.first() {
            let words = format!("its row was read again: {words}");
            return Ok(Err(Verdict::with_detail(Reason::DoubtfulPage, words)));
        }
        let cells = file.rows.cells(at);
        let values = cells.filter_map(|(column, cell)| {
            let name = match address_line(column) {
                Some(line) => format!("address_line_{line}"),
                None if self.wanted.contains(&column.header) => column.header.clone(),
                None => return None,
            };
            (!cell.is_empty()).then(|| (name, cell.to_owned()))
        });
        Ok(Ok(values.collect()))
    }

    fn file(&self, name: &str) -> Result<Arc<RowFile>, Fatal> {
        let mut last = self.last.lock();
        if let Some((known, file)) = &*last
            && known == name
        {
            return Ok(Arc::clone(file));
        }
        let path = self.folder.join(name);
        let bytes = std::fs::read(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
        let rows = DataRows::read(Cow::Owned(self.profile.clone()), &bytes).ok_or_else(|| {
            Fatal::Input(format!(
                "{} is damaged, or does not fit the profile beside it. What to do: run pkb verify",
                path.display()
            ))
        })?;
        let reference = |at| Some((rows.cell(at, Value::Reference)?.to_owned(), at));
        let by_reference = (0..rows.count()).filter_map(reference).collect();
        let file = Arc::new(RowFile { rows, by_reference });
        *last = Some((name.to_owned(), Arc::clone(&file)));
        Ok(file)
    }
}

/// Why a file that a record names cannot be read, if so.
fn unreadable(name: &str) -> Option<&'static str> {
    let mut parts = Path::new(name).components();
    let is_plain = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    if !is_plain {
        return Some("the record names no file in the folder of rows");
    }
    encryption::plain_name(name)
        .is_some()
        .then_some("the file is encrypted. Make the rows without --encrypt-to")
}

/// Which line of a letter's address a column has.
fn address_line(column: &Column) -> Option<u8> {
    match column.content {
        Content::Value(Value::LetterLine(line)) => Some(line),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use pkb_print_files::data_profile::{BUILT_IN, FILE_NAME};

    use super::*;

    fn tried(profile: &str, kind: &str, placeholders: &[&str]) -> Result<RowFiles, String> {
        let folder = tempfile::tempdir().unwrap();
        let text = BUILT_IN
            .iter()
            .find(|(name, _)| *name == profile)
            .unwrap()
            .1;
        std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
        let template = Template {
            kind: kind.to_owned(),
            placeholders: placeholders.iter().map(|&name| name.to_owned()).collect(),
        };
        RowFiles::new(folder.path().to_owned(), &template).map_err(|error| error.to_string())
    }

    #[test]
    fn a_template_is_looked_at_before_the_first_letter() {
        let good = [
            "First_Name",
            "invitation code",
            "ACCESS-CODE",
            "address line 1",
        ];
        let files = tried("notify-letter", "letter", &good).unwrap();
        assert_eq!(
            files.wanted,
            ["first name", "invitation code", "access code"]
        );
        assert!(tried("notify-letter", "letter", &["join link"]).is_ok());
        for (profile, kind, placeholders, words) in [
            (
                "notify-letter",
                "sms",
                &["join link"][..],
                "not for letters",
            ),
            ("default", "letter", &["join link"], "no address lines"),
            (
                "notify-letter",
                "letter",
                &["join link", "ward"],
                "\"ward\"",
            ),
            (
                "notify-letter",
                "letter",
                &["invitation code"],
                "neither the link",
            ),
        ] {
            let error = tried(profile, kind, placeholders).err().unwrap();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_record_cannot_name_a_file_elsewhere_or_one_that_is_encrypted() {
        for name in ["../data-0001.csv", "/etc/passwd", "a/b.csv", "", "."] {
            assert!(
                unreadable(name).is_some_and(|words| words.contains("no file")),
                "{name}"
            );
        }
        assert!(
            unreadable("data-0001.csv.gpg")
                .unwrap()
                .contains("encrypted")
        );
        assert_eq!(unreadable("data-0001.csv"), None);
    }
}
