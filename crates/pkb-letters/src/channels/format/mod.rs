//! Letters in other formats than print: the text of each as a file, from which a specialist supplier makes braille, audio and so
//! on, and a list of them. These patients are not among the printed letters.
//!
//! A file is named after the letter's reference, so a run that was stopped writes the same files again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use pkb_cli::progress::tell;
use pkb_core::{
    Fatal, Reason, Record, Verdict,
    record::{Channel, Delivery, Patient},
    rows::counted,
};
use pkb_files::atomic_file::{self, AtomicFile};
use pkb_print_files::{
    formats::{FormatRow, file_name, list_name},
    series::Series,
};
use pkb_typeset::typesetter::Typesetter;
use pkb_verify::expected::{Expected, Owners};
use tokio::task::block_in_place;

use super::{
    letter::rules::LetterRules,
    maker::{DeliveryBatch, DeliveryMaker, Invitee, Made, Setup},
};

/// What stands above the text of a rehearsal's letter.
const REHEARSAL: &str = "REHEARSAL\n\n";

/// What makes letters in other formats.
pub(crate) struct FormatMaker {
    folder: PathBuf,
    series: Series,
    rules: Arc<LetterRules>,
    typesetter: Arc<Typesetter>,
    is_read_again: bool,
    /// The list, by row and reference.
    rows: Mutex<BTreeMap<(u64, String), FormatRow>>,
}

impl FormatMaker {
    /// No letters yet.
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            folder: setup.folder.to_owned(),
            series: setup.series,
            rules: Arc::clone(&setup.rules),
            typesetter: Arc::clone(&setup.typesetter),
            is_read_again: !setup.args.no_verify,
            rows: Mutex::default(),
        }
    }

    /// Writes the text of a letter.
    fn write(&self, record: &Record, draft: Delivery) -> Result<Result<Delivery, Verdict>, Fatal> {
        let was_admitted = || Fatal::Bug("a letter that was admitted cannot be made".into());
        let to = Invitee::of(record).ok_or_else(was_admitted)?;
        let letter = self.rules.letter(to.patient, to.codes);
        let letter = letter.map_err(|_| was_admitted())?;
        let text = match self.typesetter.plain_text(&letter) {
            Ok(text) => text,
            Err(fault) => return Ok(Err(fault.into())),
        };
        let text = match self.series.is_rehearsal() {
            true => format!("{REHEARSAL}{text}"),
            false => text,
        };
        if self.is_read_again {
            let languages = draft.languages.unwrap_or_default();
            let expected = Expected::of(record, languages, self.rules.design);
            let expected = expected.ok_or_else(was_admitted)?;
            let failures = expected.failures_in_text(&text, &Owners::default());
            if let Some(words) = failures.first() {
                let words = format!("a check of the finished text found: {words}");
                return Ok(Err(Verdict::with_detail(Reason::DoubtfulPage, words)));
            }
        }
        let file = file_name(&draft, self.series);
        let path = self.folder.join(&file);
        for folder in folders_above(&file) {
            atomic_file::create_private_folder(&self.folder.join(folder))?;
        }
        AtomicFile::write(&path, text.as_bytes())?;
        Ok(Ok(Delivery { file, ..draft }))
    }

    async fn write_all(
        &self,
        batch: DeliveryBatch<'_>,
    ) -> Result<Vec<Result<Delivery, Verdict>>, Fatal> {
        let write = |(place, draft): (usize, Delivery)| {
            let record = batch.records.get(place)?;
            self.write(&record, draft)
        };
        block_in_place(|| batch.drafts.into_iter().map(write).collect())
    }
}

/// The folders that a file is in, the outermost first.
fn folders_above(file: &str) -> Vec<&Path> {
    let mut folders: Vec<&Path> = Path::new(file).ancestors().skip(1).collect();
    folders.retain(|folder| !folder.as_os_str().is_empty());
    folders.reverse();
    folders
}

/// Whether a patient needs a letter that is not printed here.
pub(crate) fn is_needed_by(patient: &Patient) -> bool {
    patient.format.is_some_and(|format| !format.is_printed())
}

impl DeliveryMaker for FormatMaker {
    fn channel(&self) -> Channel {
        Channel::Format
    }

    fn can_reprint(&self) -> bool {
        true
    }

    fn draft(&self, to: &Invitee<'_>) -> Result<Delivery, Verdict> {
        self.rules.draft(Channel::Format, to)
    }

    fn make<'a>(&'a self, batch: DeliveryBatch<'a>) -> Made<'a> {
        Box::pin(self.write_all(batch))
    }

    fn enter(&self, record: &Record) -> Result<(), Fatal> {
        let mut rows = self.rows.lock();
        for delivery in record.all_deliveries() {
            if let Some(row) = FormatRow::of(record, delivery) {
                rows.insert((row.row, row.reference.clone()), row);
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Fatal> {
        let rows = std::mem::take(&mut *self.rows.lock());
        if rows.is_empty() {
            return Ok(());
        }
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let mut formats: BTreeMap<&str, u64> = BTreeMap::new();
        for row in rows.values() {
            // Writing to memory cannot fail.
            let _ = writer.serialize(row);
            *formats.entry(&row.format).or_default() += 1;
        }
        let path = self.folder.join(list_name(self.series));
        AtomicFile::write(&path, &writer.into_inner().unwrap_or_default())?;
        let formats: Vec<String> = formats
            .into_iter()
            .map(|(format, count)| format!("{count} {format}"))
            .collect();
        tell(format!(
            "pkb-letters: {} for a specialist supplier, not for the printer: {}. The list is {}. Send the texts encrypted: pkb package \
             --formats --encrypt-to KEYFILE",
            counted(rows.len() as u64, "letter is", "letters are"),
            formats.join(", "),
            path.display()
        ));
        Ok(())
    }
}
