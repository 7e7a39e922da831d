//! Data for a mail company, which has the template and makes the letters: a table with everything that varies.
//!
//! * `args`: what can be asked. The profile is pkb-print-files' (`data_profile`), because `pkb verify` reads by it.
//! * `row`: the values of a row. `table`: rows as bytes.
//! * `numbers`: the names of files, and what earlier runs made.
//!
//! A batch is a file. It is noted in the journal before it has its name, and its records come after. So a file that was made, and
//! perhaps sent and deleted, is never made a second time.

pub mod args;
mod numbers;
mod row;
mod table;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use pkb_cli::progress::tell;
use pkb_core::{
    Fatal, Reason, Record, Verdict,
    pipeline::Records,
    record::{Channel, Delivery},
    rows::counted,
    stage::Recalled,
};
use pkb_files::{atomic_file::AtomicFile, encryption::Encryption};
use pkb_print_files::data_profile;
use pkb_values::NationalId;
use pkb_verify::data_rows::DataRows;

use self::{
    numbers::FileNumbers,
    row::{Place, RowValues},
    table::Table,
};
use super::{
    letter::rules::LetterRules,
    maker::{DeliveryBatch, DeliveryMaker, Invitee, Made, Setup},
    sequencer::Sequencer,
};

/// What makes rows for a mail company.
pub(crate) struct DataMaker {
    is_chosen: bool,
    folder: PathBuf,
    rules: Arc<LetterRules>,
    table: Table,
    rows_per_file: u32,
    is_read_again: bool,
    encryption: Option<Encryption>,
    numbers: Mutex<FileNumbers>,
    naming: Sequencer,
    made: Mutex<Count>,
}

/// What was made.
#[derive(Default)]
struct Count {
    rows: u64,
    files: u64,
    /// Rows that a spreadsheet program would change.
    like_formulas: BTreeSet<u64>,
}

/// So many rows are named.
const NAMED: usize = 10;

impl DataMaker {
    /// No rows yet.
    ///
    /// # Errors
    /// The profile or the key cannot be used, or the folder has files of another profile.
    pub(super) fn new(setup: &Setup<'_>) -> Result<Self, Fatal> {
        let args = &setup.args.data;
        let is_chosen = setup.args.channels().contains(&Channel::Data);
        let (profile, text) = args.profile()?;
        let rows_per_file = args.rows_per_file.unwrap_or(profile.rows_per_file);
        let table = Table::new(profile, setup.series.is_rehearsal());
        let refused =
            |words| Fatal::Usage(format!("--data-profile {}: {words}", args.data_profile));
        let start = table.start().and_then(|_| table.end(0));
        start.map_err(|refusal| refused(refusal.words()))?;
        let key = args.encrypt_to.as_ref().filter(|_| is_chosen);
        let encryption = key.map(|key| Encryption::open(key)).transpose()?;
        if is_chosen {
            keep_profile(setup.folder, &text)?;
        }
        Ok(Self {
            is_chosen,
            folder: setup.folder.to_owned(),
            rules: Arc::clone(&setup.rules),
            table,
            rows_per_file,
            is_read_again: !setup.args.no_verify,
            encryption,
            numbers: Mutex::new(FileNumbers::new(setup.folder, setup.series, setup.edition)?),
            naming: Sequencer::default(),
            made: Mutex::default(),
        })
    }

    fn values(&self, to: &Invitee<'_>, delivery: &Delivery) -> Result<RowValues, Verdict> {
        RowValues::of(to, delivery, &self.rules, self.table.profile())
    }

    /// Makes the file of a batch, in the order of the batches.
    async fn write(
        &self,
        batch: DeliveryBatch<'_>,
    ) -> Result<Vec<Result<Delivery, Verdict>>, Fatal> {
        let make = || match batch.drafts.is_empty() {
            true => Ok(Vec::new()),
            false => self.write_file(&batch),
        };
        self.naming.run(batch.number, make).await
    }

    fn write_file(
        &self,
        batch: &DeliveryBatch<'_>,
    ) -> Result<Vec<Result<Delivery, Verdict>>, Fatal> {
        let (bytes, doubtful) = self.checked(batch)?;
        let rows = batch.drafts.len() - doubtful.len();
        let name = match rows {
            0 => String::new(),
            _ => self.write_bytes(&bytes, rows, batch)?,
        };
        let drafts = batch.drafts.iter().enumerate();
        let made = drafts.map(|(at, (_, draft))| match doubtful.get(&at) {
            Some(verdict) => Err(verdict.clone()),
            None => Ok(Delivery {
                file: name.clone(),
                ..draft.clone()
            }),
        });
        Ok(made.collect())
    }

    /// The bytes of a file, after they were read again with other code, and the rows that are not among them because it is not
    /// certain that they say what their records say.
    fn checked(
        &self,
        batch: &DeliveryBatch<'_>,
    ) -> Result<(Vec<u8>, BTreeMap<usize, Verdict>), Fatal> {
        let mut doubtful = BTreeMap::new();
        loop {
            let drafts = batch.drafts.iter().enumerate();
            let sound: Vec<_> = drafts
                .filter(|(at, _)| !doubtful.contains_key(at))
                .collect();
            let bytes = self.rows(&batch.records, &sound)?;
            if !self.is_read_again || sound.is_empty() {
                return Ok((bytes, doubtful));
            }
            let file = DataRows::read(Cow::Borrowed(self.table.profile()), &bytes);
            let file = file.ok_or_else(|| {
                Fatal::Bug(
                    "a data file was read again before it was written, and cannot be read".into(),
                )
            })?;
            let records = sound
                .iter()
                .map(|(_, (place, draft))| Ok((batch.records.get(*place)?, draft)));
            let found = file.compare(records)?;
            if found.is_empty() {
                return Ok((bytes, doubtful));
            }
            for (at, verdict) in found {
                if let Some((place, _)) = sound.get(at) {
                    doubtful.entry(*place).or_insert(verdict);
                }
            }
        }
    }

    /// Writes a file, noted before it has its name; that name.
    fn write_bytes(
        &self,
        bytes: &[u8],
        rows: usize,
        batch: &DeliveryBatch<'_>,
    ) -> Result<String, Fatal> {
        let name = self.name();
        let path = self.folder.join(&name);
        let written = |source| Fatal::cannot_write(&path, source);
        let file = match &self.encryption {
            Some(encryption) => {
                let write = |to: &mut dyn io::Write| to.write_all(bytes).map_err(written);
                encryption.encrypt(&path, write)?.1
            }
            None => {
                let mut file = AtomicFile::create(&path)?;
                file.write_all(bytes).map_err(written)?;
                file
            }
        };
        let first = batch.drafts.first();
        batch.intents.note(serde_json::json!({
            "file": name, "rows": rows,
            "edition": first.map_or("", |(_, draft)| draft.edition.as_str()),
        }))?;
        file.finish()?;
        let mut made = self.made.lock();
        made.files += 1;
        made.rows += rows as u64;
        Ok(name)
    }

    /// The name of the next file.
    fn name(&self) -> String {
        let extension = self.table.profile().extension();
        let extension = match &self.encryption {
            Some(encryption) => format!("{extension}.{}", encryption.extension()),
            None => extension.to_owned(),
        };
        self.numbers.lock().next(&extension)
    }

    /// The bytes of a file.
    fn rows(
        &self,
        records: &Records,
        drafts: &[(usize, &(usize, Delivery))],
    ) -> Result<Vec<u8>, Fatal> {
        let was_admitted = || Fatal::Bug("a row that was admitted cannot be written".into());
        let mut bytes = self.table.start().map_err(|_| was_admitted())?;
        for (at, (_, (place, draft))) in drafts.iter().enumerate() {
            let record = records.get(*place)?;
            let to = Invitee::of(&record).ok_or_else(was_admitted)?;
            let values = self.values(&to, draft).map_err(|_| was_admitted())?;
            let place = Place {
                sequence: at + 1,
                of: drafts.len(),
            };
            let row = self.table.row(&values, place).map_err(|_| was_admitted())?;
            bytes.extend(row);
            if values.is_like_a_formula() {
                self.made.lock().like_formulas.insert(record.row.number);
            }
        }
        let end = self.table.end(drafts.len()).map_err(|_| was_admitted())?;
        bytes.extend(end);
        Ok(bytes)
    }
}

/// Keeps the profile beside the files that are made by it, so that they can be read by it.
fn keep_profile(folder: &Path, text: &str) -> Result<(), Fatal> {
    let path = folder.join(data_profile::FILE_NAME);
    match std::fs::read_to_string(&path) {
        Ok(before) if before == text => Ok(()),
        Ok(_) => Err(Fatal::Usage(format!(
            "{} has data files of a different profile. What to do: use --data-profile {}, or choose a new folder",
            folder.display(),
            path.display()
        ))),
        Err(_) => AtomicFile::write(&path, text.as_bytes()),
    }
}

impl DeliveryMaker for DataMaker {
    fn channel(&self) -> Channel {
        Channel::Data
    }

    fn rows_per_file(&self) -> Option<u32> {
        self.is_chosen.then_some(self.rows_per_file)
    }

    fn recall(&self, line: &Recalled) -> Result<(), Fatal> {
        self.numbers.lock().recall(line)
    }

    fn unfinished(&self) -> HashSet<NationalId> {
        match self.is_chosen {
            true => self.numbers.lock().unfinished(),
            false => HashSet::new(),
        }
    }

    /// Only if it was asked for: a run that was not has another profile, and no key.
    fn can_reprint(&self) -> bool {
        self.is_chosen
    }

    fn draft(&self, to: &Invitee<'_>) -> Result<Delivery, Verdict> {
        if !self.is_chosen {
            return Err(Reason::Unmailable.into());
        }
        let design = self.rules.design;
        let draft = Delivery {
            languages: Some(self.rules.languages_of(to.patient)),
            format: Some(to.patient.format.unwrap_or(self.rules.format)),
            design: (design != Default::default()).then_some(design),
            ..Delivery::new(Channel::Data, String::new())
        };
        let most = self.rows_per_file as usize;
        let place = Place {
            sequence: most,
            of: most,
        };
        self.table.row(&self.values(to, &draft)?, place)?;
        Ok(draft)
    }

    fn make<'a>(&'a self, batch: DeliveryBatch<'a>) -> Made<'a> {
        Box::pin(self.write(batch))
    }

    fn stop(&self) {
        self.naming.stop();
    }

    fn enter(&self, _: &Record) -> Result<(), Fatal> {
        Ok(())
    }

    fn finish(&self) -> Result<(), Fatal> {
        let made = self.made.lock();
        if made.rows == 0 {
            return Ok(());
        }
        tell(format!(
            "pkb-letters: {} for a mail company in {}{}",
            counted(made.rows, "row", "rows"),
            counted(made.files, "file", "files"),
            match &self.encryption {
                Some(encryption) => format!(
                    ", encrypted to {}. Compare this key with what the company told you by phone",
                    encryption.recipient()
                ),
                None => ", not encrypted. Send them only with pkb package --encrypt-to".to_owned(),
            }
        ));
        if !made.like_formulas.is_empty() {
            let rows = made.like_formulas.iter().take(NAMED).map(u64::to_string);
            let rows: Vec<String> = rows.collect();
            let noun = if rows.len() == 1 { "row" } else { "rows" };
            let more = match made.like_formulas.len() - rows.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            tell(format!(
                "  warning: {} a name or address that begins with =, +, - or @ ({noun} {}{more}). A spreadsheet program changes such \
                 cells. What to do: tell the company not to open the file in one",
                counted(made.like_formulas.len() as u64, "row has", "rows have"),
                rows.join(", ")
            ));
        }
        Ok(())
    }
}
