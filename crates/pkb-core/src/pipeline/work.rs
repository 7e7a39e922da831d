//! What the task of a batch does: the stage's work, and what it comes to for each record.

use super::records::{Kept, Records, line_of};
use crate::{
    Batch, Fatal, Kind, Record, Stage, StageName, Verdict,
    ndjson::Line,
    owners::{PatientIdentifiers, Salt},
    rehearsal::Origins,
    stage::IntentLog,
    tally::Settled,
};

/// A record that waits for its batch, and the work on it.
pub(super) struct Piece<W> {
    /// Its place in the stream, from 0.
    pub(super) place: u64,
    pub(super) work: W,
    pub(super) kept: Kept,
    /// Its earlier codes also belong to a different patient.
    pub(super) had_shared_codes: bool,
}

/// A record that has been worked on.
pub(super) struct Worked {
    pub(super) place: u64,
    pub(super) settled: Settled,
    /// Whether the journal is to have it; if not, the next run tries again.
    pub(super) is_for_journal: bool,
    pub(super) line: Line,
    /// What the work has brought that must be no other patient's.
    pub(super) brought: Option<Box<PatientIdentifiers>>,
}

/// The number of a batch in this run, and of its first piece of work.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) batch: u64,
    pub(super) first: u64,
}

/// Works on a batch of the stage that is called `name`.
///
/// # Errors
/// What stops the stage.
pub(super) async fn work_on<S: Stage>(
    (stage, name): (&S, StageName),
    number: Number,
    pieces: Vec<Piece<S::Work>>,
    intents: IntentLog,
    salt: &Salt,
    origins: &Origins,
) -> Result<Vec<Worked>, Fatal> {
    let mut places = Vec::with_capacity(pieces.len());
    let (work, kept): (Vec<S::Work>, Vec<Kept>) = pieces
        .into_iter()
        .map(|piece| {
            places.push((piece.place, piece.had_shared_codes));
            (piece.work, piece.kept)
        })
        .unzip();
    let records = Records::new(kept);
    let batch = Batch {
        number: number.batch,
        first: number.first,
        work,
        records: records.clone(),
        intents,
    };
    let results = stage.advance(batch).await?;
    let records = records.into_all()?;
    if results.len() != places.len() {
        return Err(Fatal::Bug(
            "a batch has a different number of results".into(),
        ));
    }
    let worked = places.into_iter().zip(records).zip(results);
    worked
        .map(|(((place, had_shared_codes), kept), result)| {
            let mut record = kept.into_record()?;
            record.rehearsal |= origins.is_rehearsal();
            let settled = match result {
                Ok(done) => {
                    record.outcome = None;
                    stage.apply(&mut record, done);
                    if let Some(codes) = (record.invitation.as_mut())
                        .filter(|_| had_shared_codes && name.brings_own().codes)
                    {
                        codes.instead_of_shared = true;
                    }
                    Settled::Advanced
                }
                Err(verdict) => {
                    stop(&mut record, verdict, name);
                    Settled::Stopped
                }
            };
            Ok(Worked {
                place,
                settled,
                is_for_journal: record.is_settled_by(name),
                brought: brought(name, &record, salt),
                line: Line {
                    raw: line_of(&record)?,
                    record,
                },
            })
        })
        .collect()
}

/// What the work of a stage has brought into a record that must be no other patient's.
pub(super) fn brought(
    name: StageName,
    record: &Record,
    salt: &Salt,
) -> Option<Box<PatientIdentifiers>> {
    let kinds = name.brings_own();
    if !kinds.any() {
        return None;
    }
    PatientIdentifiers::of(record, salt)?
        .only(kinds)
        .map(Box::new)
}

/// Writes a verdict into a record.
pub(super) fn stop(record: &mut Record, verdict: Verdict, stage: StageName) {
    let outcome = verdict.at(stage);
    let detail = outcome.detail.as_deref().unwrap_or(outcome.reason.advice());
    let (row, kind, reason) = (
        record.row.number,
        outcome.kind.as_str(),
        outcome.reason.as_str(),
    );
    match outcome.kind {
        Kind::Excluded => tracing::info!("row {row}: {kind}: {reason}: {detail}"),
        Kind::Rejected | Kind::Failed => tracing::warn!("row {row}: {kind}: {reason}: {detail}"),
    }
    record.outcome = Some(outcome);
}
