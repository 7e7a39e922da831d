//! What became of a batch that was sent and not answered.
//!
//! PKB is asked about each patient of the batch who can show it, never about a sample: whoever was not there before and is now was taken, and
//! so was whoever has by now what the upload changes. While some lack that, PKB may still be at work: it is asked again until the number has
//! not changed for the set time. PKB works on one file at a time, so nothing else is sent before.

mod evidence;
mod found;
mod messages;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use pkb_core::{
    Clock, Fatal, Reason, Verdict,
    monitor::{Monitor, Why},
    stage::IntentLog,
};
use pkb_files::{journal::Key, signals::EndSignal};
use pkb_values::NationalId;

pub use evidence::{ArrivalCounts, BatchFinding};
pub use found::Found;

use crate::{
    comparison::{FileRow, FileRows, Hasher, Values},
    pkb_directory::PkbDirectory,
    pkb_file::PkbFile,
    sent_before::{BegunBatch, BegunRow, Taken, notes},
};
use evidence::{AtPkb, BatchRow, Evidence};
use pkb_patients::PatientFile;

/// First pause before PKB is asked again; doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause, unless asking takes longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often somebody who stops the program is noticed.
const LOOK_UP: Duration = Duration::from_millis(200);

/// What it takes to find out.
pub struct LostUploads {
    /// Where patients are looked up.
    pub directory: PkbDirectory,
    /// Who is in the batches.
    pub file: Arc<PatientFile>,
    /// How long the number of those who arrived must stay the same.
    pub settle_for: Duration,
    /// The time.
    pub clock: Clock,
    /// Where waits are noted.
    pub monitor: Arc<Monitor>,
    /// Makes values comparable.
    pub hasher: Hasher,
}

/// A batch that was not answered.
#[derive(Clone, Copy)]
pub struct Unanswered<'b> {
    /// The batch.
    pub batch: &'b BegunBatch,
    /// Its rows that are not settled.
    pub rows: &'b [BegunRow],
    /// What earlier runs found out about the others.
    pub taken: Taken,
    /// Some rows of other batches that PKB has.
    pub at_pkb: &'b [Key],
    /// Whether this run has sent it: it then stops unless PKB has all of it, so there is no use in waiting where nothing can be seen.
    pub is_of_this_run: bool,
}

/// A row that is asked about.
struct Asked {
    key: Key,
    number: u64,
    national_id: NationalId,
    ours: Values,
    row: BatchRow,
}

impl LostUploads {
    /// Finds out what became of a batch.
    ///
    /// # Errors
    /// PKB cannot be asked, the file cannot be read again, or somebody stops the program.
    pub async fn settle(
        &self,
        unanswered: Unanswered<'_>,
        pkb_file: &PkbFile,
        intents: &IntentLog,
    ) -> Result<Found, Fatal> {
        let Unanswered { batch, taken, .. } = unanswered;
        let (mut asked, witnesses) = self.read(unanswered, pkb_file)?;
        if !asked.is_empty() {
            tracing::warn!(
                "{}",
                messages::asking(&batch.name, asked.len(), self.settle_for)
            );
        }
        let (mut there, since) = taken.there;
        let passed = self.clock.now().duration_since(since);
        let passed = Duration::try_from(passed).unwrap_or_default();
        let mut quiet_until = Instant::now() + self.settle_for.saturating_sub(passed);
        let mut pause = FIRST_PAUSE;
        let mut is_blind = false;
        let counts = loop {
            let began = Instant::now();
            self.ask(batch, there, &mut asked).await?;
            let counts = count(&asked, taken);
            if counts.finding() == BatchFinding::Whole {
                break counts;
            }
            if counts.there() != there {
                there = counts.there();
                intents.note(notes::there(&batch.name, there, self.clock.now()))?;
                quiet_until = Instant::now() + self.settle_for;
            } else if began >= quiet_until {
                break counts;
            }
            if !counts.may_change() {
                if !unanswered.is_of_this_run && !asked.is_empty() {
                    self.wait(batch, counts, quiet_until).await?;
                }
                break counts;
            }
            pause = pause.max(began.elapsed());
            self.wait(batch, counts, quiet_until.min(Instant::now() + pause))
                .await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        let mut finding = counts.finding();
        if finding == BatchFinding::None && !self.shows_any(&witnesses).await? {
            (finding, is_blind) = (BatchFinding::Open, true);
        }
        let seen = asked
            .iter()
            .filter(|asked| asked.row.seen == Evidence::Taken);
        let last = seen.map(|asked| asked.row.line).max().unwrap_or_default();
        Ok(Found {
            finding,
            counts,
            is_blind,
            rows: (asked.iter().map(|asked| (asked.key, asked.row))).collect(),
            last_taken: last.max(taken.last_line),
        })
    }

    /// The rows to ask about, and some patients who are at PKB. Rows that are no longer in the file as they were sent are left out.
    fn read(
        &self,
        unanswered: Unanswered<'_>,
        pkb_file: &PkbFile,
    ) -> Result<(Vec<Asked>, Vec<NationalId>), Fatal> {
        let key = |patient: &_| pkb_file.key(patient);
        let rows = tokio::task::block_in_place(|| FileRows::read(&self.file, key, &self.hasher))?;
        let by_key: HashMap<Key, &FileRow> = rows.rows().iter().map(|row| (row.key, row)).collect();
        let asked = unanswered.rows.iter().filter_map(|begun| {
            let row = by_key.get(&begun.key)?;
            Some(Asked {
                key: begun.key,
                number: row.number,
                national_id: row.national_id,
                ours: row.values,
                row: BatchRow {
                    line: begun.line,
                    before: begun.before,
                    seen: Evidence::Untold,
                },
            })
        });
        let of_witness = |key| by_key.get(key).map(|row| row.national_id);
        let witnesses = unanswered.at_pkb.iter().filter_map(of_witness).collect();
        Ok((asked.collect(), witnesses))
    }

    /// Asks about all who have not shown yet that the batch was taken.
    async fn ask(&self, batch: &BegunBatch, there: u64, asked: &mut [Asked]) -> Result<(), Fatal> {
        let _asking = self.monitor.wait(
            Why::Arriving {
                batch: batch.name.clone(),
                there,
            },
            None,
        );
        let open = asked
            .iter_mut()
            .filter(|row| row.row.seen != Evidence::Taken);
        let mut open: Vec<&mut Asked> = open.collect();
        for part in open.chunks_mut(self.directory.part_rows()) {
            let ids: Vec<NationalId> = part.iter().map(|asked| asked.national_id).collect();
            let answers = self.directory.look_up(&ids).await;
            let row_at = |at: usize| part.get(at).map(|asked| asked.number);
            let answers = answers.map_err(|fatal| fatal.in_row(row_at))?;
            for (asked, answer) in part.iter_mut().zip(answers) {
                match answer {
                    Ok(known) => {
                        let theirs = self.hasher.theirs(&known);
                        asked.row.look(&asked.ours, AtPkb::There(&theirs));
                    }
                    Err(verdict) => asked.row.look(&asked.ours, without_record(&verdict)?),
                }
            }
            self.heed_stop()?;
        }
        Ok(())
    }

    /// Waits until `until`, or until somebody stops the program.
    async fn wait(
        &self,
        batch: &BegunBatch,
        counts: ArrivalCounts,
        until: Instant,
    ) -> Result<(), Fatal> {
        let why = Why::Arriving {
            batch: batch.name.clone(),
            there: counts.there(),
        };
        let _waiting = self.monitor.wait(why, Some(until));
        loop {
            self.heed_stop()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(LOOK_UP)).await;
        }
    }

    fn heed_stop(&self) -> Result<(), Fatal> {
        match self.monitor.is_stopping() {
            // The pipeline knows by what.
            true => Err(Fatal::Interrupted(EndSignal::Interrupt)),
            false => Ok(()),
        }
    }

    /// Whether PKB shows this client any of the patients, if there are any: otherwise "not found" says nothing.
    async fn shows_any(&self, witnesses: &[NationalId]) -> Result<bool, Fatal> {
        if witnesses.is_empty() {
            return Ok(true);
        }
        let answers = self.directory.look_up(witnesses).await?;
        Ok(answers.iter().any(|answer| match answer {
            Ok(_) => true,
            Err(verdict) => verdict.reason == Reason::NoAccess,
        }))
    }
}

fn count(asked: &[Asked], taken: Taken) -> ArrivalCounts {
    let rows: Vec<BatchRow> = asked.iter().map(|asked| asked.row).collect();
    ArrivalCounts::of(&rows, taken.rows)
}

/// What PKB says of a patient whose record it has not shown.
///
/// # Errors
/// It could not be asked.
fn without_record(verdict: &Verdict) -> Result<AtPkb<'static>, Fatal> {
    match verdict.reason {
        Reason::NotFound => Ok(AtPkb::Absent),
        Reason::NoAccess => Ok(AtPkb::Hidden),
        Reason::Unavailable | Reason::Unanswered => Err(Fatal::TryLater(format!(
            "PKB could not be asked which rows of an upload it has taken: {}. What to do: run the same command again later (with \
             --journal). It asks again before it sends anything",
            verdict.detail.as_deref().unwrap_or(verdict.reason.advice())
        ))),
        _ => Ok(AtPkb::Untold),
    }
}
