//! What is to become of each row that was compared.

use clap::ValueEnum;
use foldhash::{HashMap, HashMapExt as _};
use pkb_client::directory::RestDirectory;
use pkb_core::{Fatal, Verdict, record::Compared};
use pkb_files::journal::Key;

use super::{
    figures::{ComparisonRefusal, Figures},
    file_rows::{FileRow, FileRows},
    notes::StateAtPkb,
    sample::{self, Sampled},
    values::Hasher,
};

/// What to upload for patients that PKB already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Known {
    /// All columns
    Full,
    /// Names and number only, as PKB advises: other details at PKB stay as they are. A message also has gender and date of birth
    Minimal,
    /// Nothing: the rows go on to pkb-resolve as they are
    Skip,
}

/// What becomes of a row after the comparison.
pub enum Choice {
    /// All of it is uploaded.
    Full(StateAtPkb),
    /// Only what is sent of patients whose other details are to stay as PKB has them.
    Minimal(StateAtPkb),
    /// PKB has the patient, and nothing is uploaded.
    Skip(Compared),
    /// It must not be uploaded, or not yet.
    Stop(Verdict),
}

/// If PKB has shown none of so many patients, it will show none of the others.
const ENOUGH_REFUSALS: u64 = 50;

/// What is to become of each row.
pub struct ComparedRows {
    /// By the key of the row: what PKB had, or why it is not uploaded.
    rows: HashMap<Key, Result<StateAtPkb, Verdict>>,
    /// Rows that must not be uploaded, with what is different.
    pub mismatches: Vec<(u64, Verdict)>,
    /// What was counted.
    pub figures: Figures,
    /// What is known of names and addresses where FHIR was asked.
    pub sampled: Sampled,
    /// Why nothing may be sent, if so.
    pub refusal: Option<ComparisonRefusal>,
}

impl ComparedRows {
    /// Before anything was compared.
    pub(super) fn new() -> Self {
        Self {
            rows: HashMap::new(),
            mismatches: Vec::new(),
            figures: Figures::default(),
            sampled: Sampled::NotNeeded,
            refusal: None,
        }
    }

    /// Compares names and addresses of a sample of the known patients, and stops those who are somebody else.
    pub(super) async fn sample(
        &mut self,
        rest: &RestDirectory,
        rows: &FileRows,
        hasher: &Hasher,
    ) -> Result<(), Fatal> {
        let is_known = |row: &FileRow| matches!(self.of(row.key), Some(Ok(StateAtPkb::Known(_))));
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

    /// What is to become of a row by what was found out, and by what is uploaded for patients that PKB has. Of patients whose
    /// record PKB does not show only the least is sent.
    ///
    /// # Errors
    /// The row was not compared.
    pub fn choose(&self, key: Key, known: Known) -> Result<Choice, Fatal> {
        let standing = match self.of(key) {
            Some(Ok(standing)) => *standing,
            Some(Err(verdict)) => return Ok(Choice::Stop(verdict.clone())),
            None => return Err(Fatal::Bug("a row was not compared with PKB".into())),
        };
        Ok(match (standing.compared(), known) {
            (Compared::New, _) | (Compared::Known, Known::Full) => Choice::Full(standing),
            (compared @ (Compared::Known | Compared::NoAccess), Known::Skip) => {
                Choice::Skip(compared)
            }
            (Compared::Known, Known::Minimal)
            | (Compared::NoAccess, Known::Full | Known::Minimal) => Choice::Minimal(standing),
        })
    }

    /// What was found out about a row; `None` if it was not compared.
    fn of(&self, key: Key) -> Option<&Result<StateAtPkb, Verdict>> {
        self.rows.get(&key)
    }

    /// Notes what was found out about a row.
    pub(super) fn add(&mut self, row: &FileRow, standing: Result<StateAtPkb, Verdict>) {
        match &standing {
            Ok(StateAtPkb::New) => self.figures.new += 1,
            Ok(StateAtPkb::NoAccess) => self.figures.no_access += 1,
            Ok(StateAtPkb::Known(differences)) => {
                self.figures.count_known(row.number, *differences)
            }
            Err(_) => self.figures.unclear += 1,
        }
        let mismatch = match &standing {
            Ok(StateAtPkb::Known(differences)) => differences.mismatch(),
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
    pub(super) fn check_access(&self, is_all: bool) -> Result<(), Fatal> {
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
