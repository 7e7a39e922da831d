//! The comparison with PKB before anything is sent.
//!
//! An upload overwrites the date of birth by which pkb-resolve recognises the patient: after an upload that comparison
//! always agrees. So PKB is asked before the first batch which of the patients it has, and with which date of birth (over REST
//! also which name and address). A row that differs is not uploaded; a file of which too many differ is not sent at all.
//! That is decided over all rows together, because a fault may be in the last batch.

mod before_upload;
mod differences;
mod figures;
mod file_rows;
mod notes;
mod sample;
mod told;
mod values;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use clap::ValueEnum;
use foldhash::{HashMap, HashMapExt as _};
use pkb_client::{Client, directory::RestDirectory};
use pkb_core::{
    Clock, Fatal, Reason, Verdict,
    monitor::{Monitor, Why},
    stage::IntentLog,
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

pub use before_upload::BeforeUpload;
pub use differences::{Differences, Sent};
pub use figures::{Figures, Refusal};
pub use file_rows::{FileRow, FileRows};
pub use notes::{FIELD, Noted, Standing};
pub use sample::Sampled;
pub use told::Told;
pub use values::{Hasher, Values};

use crate::{
    args::CompareArgs, limit::Limit, patient_file::PatientFile, pkb_directory::PkbDirectory,
    pkb_file::PkbFile,
};

/// What to upload for patients that PKB already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Known {
    /// All columns
    Full,
    /// Names and number only, as PKB advises: other details at PKB stay as they are
    Minimal,
    /// Nothing: the rows go on to pkb-resolve as they are
    Skip,
}

/// How much may differ before nothing is sent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Known patients with a different date of birth, name, or a value of a neighbour's row.
    pub mismatches: Limit,
    /// Known patients who live in another house.
    pub address_changes: Limit,
}

/// If PKB has shown none of so many patients, it will show none of the others.
const ENOUGH_REFUSALS: u64 = 50;

/// What it takes to compare a patient file with PKB.
pub struct Comparison {
    directory: PkbDirectory,
    limits: Limits,
    clock: Clock,
    monitor: Arc<Monitor>,
}

/// What is to become of each row.
pub struct ComparedRows {
    /// By the key of the row: what PKB had, or why it is not uploaded.
    rows: HashMap<Key, Result<Standing, Verdict>>,
    /// Rows that must not be uploaded, with what is different.
    pub mismatches: Vec<(u64, Verdict)>,
    /// What was counted.
    pub figures: Figures,
    /// What is known of names and addresses where FHIR was asked.
    pub sampled: Sampled,
    /// Why nothing may be sent, if so.
    pub refusal: Option<Refusal>,
}

impl Comparison {
    /// With the settings of `args`. Nothing is asked yet.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn new(
        args: &CompareArgs,
        pkb: Arc<Client>,
        clock: Clock,
        monitor: &Arc<Monitor>,
    ) -> Result<Self, Fatal> {
        Ok(Self {
            directory: PkbDirectory::new(args, &pkb)?,
            limits: Limits {
                mismatches: args.max_mismatches,
                address_changes: args.max_address_changes,
            },
            clock,
            monitor: Arc::clone(monitor),
        })
    }

    /// Compares all rows of `file` that are not settled. `noted` is what the journal says; `is_unsettled` whether a row may
    /// have been sent by an earlier run. What is found out is noted in `intents`.
    ///
    /// # Errors
    /// PKB cannot be asked, or shows nobody; or the file cannot be read.
    pub async fn compare(
        &self,
        file: &PatientFile,
        pkb_file: &PkbFile,
        noted: &Noted,
        is_unsettled: impl Fn(Key) -> bool,
        intents: &IntentLog,
    ) -> Result<ComparedRows, Fatal> {
        let hasher = Hasher::default();
        let rows = tokio::task::block_in_place(|| FileRows::read(file, pkb_file, &hasher))?;
        let mut compared = ComparedRows::new();
        let mut to_ask = Vec::new();
        for (place, row) in rows.rows().iter().enumerate() {
            if noted.is_settled(row.key) {
                continue;
            }
            match noted.standing(row.key, self.clock, is_unsettled(row.key)) {
                Some(standing) => compared.add(row, Ok(standing)),
                None => to_ask.push(place),
            }
        }
        let mut left = to_ask.len() as u64;
        for part in to_ask.chunks(self.directory.part_rows()) {
            let _asking = self.monitor.wait(Why::Comparing(left), None);
            self.compare_part(&rows, part, &hasher, &mut compared, intents)
                .await?;
            left -= part.len() as u64;
            compared.check_access(left == 0)?;
        }
        let in_order = rows.dates_are_in_order();
        compared.refusal = compared.figures.refusal(self.limits, in_order);
        if let PkbDirectory::Fhir(_, rest) = &self.directory {
            compared.sample(rest, &rows, &hasher).await?;
            if let (None, Sampled::Compared(figures)) = (&compared.refusal, &compared.sampled) {
                compared.refusal = figures.refusal(self.limits, in_order);
            }
        }
        Ok(compared)
    }

    /// Asks for the patients at `places`, and notes who may be uploaded.
    async fn compare_part(
        &self,
        rows: &FileRows,
        places: &[usize],
        hasher: &Hasher,
        compared: &mut ComparedRows,
        intents: &IntentLog,
    ) -> Result<(), Fatal> {
        let ids: Vec<NationalId> = places
            .iter()
            .map(|place| rows.rows()[*place].national_id)
            .collect();
        let asked_at = self.clock.now();
        let row_at = |at: usize| Some(rows.rows()[*places.get(at)?].number);
        let answers = self.directory.look_up(&ids).await;
        let answers = answers.map_err(|fatal| advised(fatal).in_row(row_at))?;
        let theirs: Vec<Option<Values>> = answers
            .iter()
            .map(|answer| answer.as_ref().ok().map(|known| hasher.theirs(known)))
            .collect();
        let neighbour = |place: Option<usize>| rows.neighbour(place, places, &theirs);
        let mut may_be_uploaded = Vec::with_capacity(places.len());
        for ((place, answer), theirs) in places.iter().zip(answers).zip(&theirs) {
            let row = &rows.rows()[*place];
            let standing = match (answer, theirs) {
                (Ok(_), Some(theirs)) => {
                    let (above, below) =
                        (neighbour(place.checked_sub(1)), neighbour(Some(place + 1)));
                    let differences = Differences::between(&row.values, theirs, above, below);
                    Ok(Standing::Known(differences))
                }
                (Ok(_), None) => return Err(Fatal::Bug("an answer was lost".into())),
                (Err(verdict), _) => unknown(verdict),
            };
            if let Ok(standing) = &standing
                && !matches!(standing, Standing::Known(d) if d.mismatch().is_some())
            {
                may_be_uploaded.push((row.key, *standing));
            }
            compared.add(row, standing);
        }
        if may_be_uploaded.is_empty() {
            return Ok(());
        }
        intents.note(notes::note(asked_at, &may_be_uploaded))
    }
}

/// A client that may upload and not read meets the refusal here.
fn advised(fatal: Fatal) -> Fatal {
    match fatal {
        Fatal::Credentials(refusal) => Fatal::Credentials(format!(
            "{refusal}. Nothing was sent: PKB is asked which patients it has before an upload. If the client may upload \
             but not read, ask PKB for read access, or upload without the comparison: --no-compare"
        )),
        other => other,
    }
}

/// The standing of a patient whose record PKB does not show; `Err` if its answer does not say.
fn unknown(verdict: Verdict) -> Result<Standing, Verdict> {
    match verdict.reason {
        Reason::NotFound => Ok(Standing::New),
        Reason::NoAccess => Ok(Standing::NoAccess),
        _ => Err(verdict),
    }
}

impl ComparedRows {
    fn new() -> Self {
        Self {
            rows: HashMap::new(),
            mismatches: Vec::new(),
            figures: Figures::default(),
            sampled: Sampled::NotNeeded,
            refusal: None,
        }
    }

    /// Compares names and addresses of a sample of the known patients, and stops those who are somebody else.
    async fn sample(
        &mut self,
        rest: &RestDirectory,
        rows: &FileRows,
        hasher: &Hasher,
    ) -> Result<(), Fatal> {
        let is_known = |row: &FileRow| matches!(self.of(row.key), Some(Ok(Standing::Known(_))));
        let known: Vec<usize> = (0..rows.rows().len())
            .filter(|place| is_known(&rows.rows()[*place]))
            .collect();
        if known.is_empty() {
            return Ok(());
        }
        let Some(compared) = sample::compare(rest, rows, &sample::places(&known), hasher).await?
        else {
            self.sampled = Sampled::NotCompared;
            return Ok(());
        };
        let mut figures = Figures::of_a_sample();
        for (place, differences) in compared {
            let row = &rows.rows()[place];
            figures.count_known(row.number, differences);
            if let Some(verdict) = differences.mismatch() {
                self.figures.mismatched.add(row.number);
                self.mismatches.push((row.number, verdict.clone()));
                self.rows.insert(row.key, Err(verdict));
            }
        }
        self.mismatches.sort_by_key(|(number, _)| *number);
        self.sampled = Sampled::Compared(Box::new(figures));
        Ok(())
    }

    /// What is to become of a row; `None` if it was not compared.
    pub fn of(&self, key: Key) -> Option<&Result<Standing, Verdict>> {
        self.rows.get(&key)
    }

    fn add(&mut self, row: &FileRow, standing: Result<Standing, Verdict>) {
        match &standing {
            Ok(Standing::New) => self.figures.new += 1,
            Ok(Standing::NoAccess) => self.figures.no_access += 1,
            Ok(Standing::Known(differences)) => self.figures.count_known(row.number, *differences),
            Err(_) => self.figures.unclear += 1,
        }
        let mismatch = match &standing {
            Ok(Standing::Known(differences)) => differences.mismatch(),
            _ => None,
        };
        let outcome = match mismatch {
            Some(verdict) => {
                self.mismatches.push((row.number, verdict.clone()));
                Err(verdict)
            }
            None => standing,
        };
        self.rows.insert(row.key, outcome);
    }

    /// Stops where PKB shows nobody: then nothing can be compared.
    fn check_access(&self, is_all: bool) -> Result<(), Fatal> {
        let refused = self.figures.no_access;
        if self.figures.told() > 0 || refused == 0 || !(is_all || refused >= ENOUGH_REFUSALS) {
            return Ok(());
        }
        Err(Fatal::Credentials(format!(
            "PKB does not let this client read any of {}. Dates of birth cannot be compared before they are overwritten, \
             so nothing was sent. Ask PKB for read access, or upload without the comparison: --no-compare",
            pkb_core::rows::counted(refused, "patient", "patients")
        )))
    }
}
