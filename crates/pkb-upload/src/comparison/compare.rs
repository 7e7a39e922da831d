//! Asks PKB about the rows of a file, part by part.

use std::sync::Arc;

use pkb_cli::{args::ProgressArgs, progress::CallsNote};
use pkb_client::Client;
use pkb_core::{
    Clock, Fatal, Reason, Verdict,
    monitor::{Monitor, Why},
    record::Patient,
    stage::IntentLog,
};
use pkb_files::journal::Key;
use pkb_patients::PatientFile;
use pkb_values::NationalId;

use super::{
    compared_rows::ComparedRows,
    differences::Differences,
    figures::Limits,
    file_rows::FileRows,
    notes::{self, Noted, StateAtPkb},
    sample::Sampled,
    values::{Hasher, Values},
};
use crate::{args::CompareArgs, pkb_directory::PkbDirectory};

/// What it takes to compare a patient file with PKB.
pub struct Comparison {
    directory: PkbDirectory,
    calls: CallsNote,
    limits: Limits,
    clock: Clock,
    monitor: Arc<Monitor>,
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
        progress: &ProgressArgs,
    ) -> Result<Self, Fatal> {
        let directory = PkbDirectory::new(args, &pkb)?;
        let calls = CallsNote::new(directory.asking(), args.pkb.calls(), progress.quiet);
        Ok(Self {
            directory,
            calls,
            limits: Limits {
                mismatches: args.max_mismatches,
                address_changes: args.max_address_changes,
            },
            clock,
            monitor: Arc::clone(&progress.monitor),
        })
    }

    /// Compares all rows of `file` that are not settled. `key` is how the journal knows a row; `noted` is what the journal says; `is_unsettled` whether a row may
    /// have been sent by an earlier run. What is found out is noted in `intents`.
    ///
    /// # Errors
    /// PKB cannot be asked, or shows nobody; or the file cannot be read.
    pub async fn compare(
        &self,
        file: &PatientFile,
        key: impl Fn(&Patient) -> Key,
        noted: &Noted,
        is_unsettled: impl Fn(Key) -> bool,
        intents: &IntentLog,
    ) -> Result<ComparedRows, Fatal> {
        let hasher = Hasher::default();
        let rows = tokio::task::block_in_place(|| FileRows::read(file, key, &hasher))?;
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
        self.calls.tell(Some(left));
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
                    Ok(StateAtPkb::Known(differences))
                }
                (Ok(_), None) => return Err(Fatal::Bug("an answer was lost".into())),
                (Err(verdict), _) => unknown(verdict),
            };
            if let Ok(standing) = &standing
                && !matches!(standing, StateAtPkb::Known(d) if d.mismatch().is_some())
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
            "{refusal}. Nothing was sent, because PKB is asked before an upload which patients it has. If the client may \
             upload \
             but not read, ask PKB for read access, or upload without the comparison: --no-compare"
        )),
        other => other,
    }
}

/// The standing of a patient whose record PKB does not show; `Err` if its answer does not say.
fn unknown(verdict: Verdict) -> Result<StateAtPkb, Verdict> {
    match verdict.reason {
        Reason::NotFound => Ok(StateAtPkb::New),
        Reason::NoAccess => Ok(StateAtPkb::NoAccess),
        _ => Err(verdict),
    }
}
