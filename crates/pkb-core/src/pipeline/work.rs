//! What the task of a batch does: the stage's work, and what it comes to for each record.

use super::records::{Kept, Records, line_of};
use crate::{
    Batch, Fatal, Kind, Record, Stage, StageName, Verdict,
    owners::{Belongings, Salt},
    rehearsal::Origins,
    stage::{Conclusion, IntentLog},
    tally::{Settled, What},
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
pub(super) struct Worked<G> {
    pub(super) place: u64,
    pub(super) settled: Settled,
    pub(super) stopped: Option<What>,
    /// What the journal is to know, unless the next run is to try again.
    pub(super) journal: bool,
    /// Its line, without the line end.
    pub(super) line: Box<[u8]>,
    /// What is written instead, after a conclusion was drawn.
    pub(super) concluded: Option<Box<[u8]>>,
    /// What is to be collected.
    pub(super) gleaned: Option<Box<G>>,
    /// What the work has brought that must be no other patient's.
    pub(super) brought: Option<Box<Belongings>>,
}

/// The number of a batch in this run, and of its first piece of work.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) batch: u64,
    pub(super) first: u64,
}

/// Works on a batch.
///
/// # Errors
/// What stops the stage.
pub(super) async fn work_on<S: Stage>(
    stage: &S,
    number: Number,
    pieces: Vec<Piece<S::Work>>,
    intents: IntentLog,
    salt: &Salt,
    origins: &Origins,
) -> Result<Vec<Worked<S::Gleaned>>, Fatal> {
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
            "a batch came back with another number of results".into(),
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
                        .filter(|_| had_shared_codes && S::BRINGS_OWN.codes)
                    {
                        codes.instead_of_shared = true;
                    }
                    Settled::Advanced
                }
                Err(verdict) => {
                    stop(&mut record, verdict, S::NAME);
                    Settled::Stopped
                }
            };
            lines_of(stage, place, record, settled, salt)
        })
        .collect()
}

/// The lines of a record that has been worked on.
fn lines_of<S: Stage>(
    stage: &S,
    place: u64,
    mut record: Box<Record>,
    settled: Settled,
    salt: &Salt,
) -> Result<Worked<S::Gleaned>, Fatal> {
    let journal = record.is_settled_by(S::NAME);
    // Before the conclusion: the journal is to know what was done, and not what follows from it today.
    let line = line_of(&record)?;
    let (settled, is_changed) = match settled {
        Settled::Advanced => conclude(stage, &mut record, settled),
        other => (other, false),
    };
    let is_advanced = settled == Settled::Advanced;
    let gleaned = is_advanced.then(|| stage.glean(&record)).flatten();
    Ok(Worked {
        place,
        settled,
        stopped: record.outcome.as_ref().map(What::of),
        journal,
        line,
        concluded: is_changed.then(|| line_of(&record)).transpose()?,
        gleaned: gleaned.map(Box::new),
        brought: brought::<S>(&record, salt),
    })
}

/// What the work of a stage has brought into a record that must be no other patient's.
pub(super) fn brought<S: Stage>(record: &Record, salt: &Salt) -> Option<Box<Belongings>> {
    if !S::BRINGS_OWN.any() {
        return None;
    }
    Belongings::of(record, salt)?
        .only(S::BRINGS_OWN)
        .map(Box::new)
}

/// What follows for a record that is `settled`, and whether it was changed.
pub(super) fn conclude<S: Stage>(
    stage: &S,
    record: &mut Record,
    settled: Settled,
) -> (Settled, bool) {
    match stage.conclude(record) {
        Conclusion::AsItIs => (settled, false),
        Conclusion::Changed => (settled, true),
        Conclusion::Stop(verdict) => {
            stop(record, verdict, S::NAME);
            (Settled::Stopped, true)
        }
    }
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
