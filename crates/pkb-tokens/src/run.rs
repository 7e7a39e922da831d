//! The stage.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pkb_cli::{
    app::{self, StageRun},
    args::Api,
    progress::{Asking, CallsNote},
};
use pkb_client::{
    code_source::{CodeSource, FhirCodeSource, Invitee, RestCodeSource},
    rest::PathTemplate,
};
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Reason, Record, Stage, StageName,
    record::{Invitation, Unknown},
    stage::{BatchResult, NextStep, Plan, Recalled},
};
use pkb_files::journal::Key;
use pkb_values::PkbId;

use crate::{args::Args, reissue::Reissue};

/// Runs the stage from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(mut args: Args) -> Result<ExitCode, Fatal> {
    args.stream = args.stream.with_usual_journal(None);
    let pkb = args.pkb.client(&args.stream.progress.monitor)?;
    let clock = args.stream.clock();
    match args.api.api {
        Api::Rest => {
            let code_source = RestCodeSource::new(pkb, PathTemplate::of_token(&args.token_path)?);
            run_with(code_source, &args, 1).await
        }
        Api::Fhir => {
            let code_source = FhirCodeSource::new(pkb, clock.today())?;
            let batch_rows = args.api.batch_rows(FhirCodeSource::MAX_BATCH);
            run_with(code_source, &args, batch_rows).await
        }
    }
}

async fn run_with<C: CodeSource>(
    code_source: C,
    args: &Args,
    batch_rows: usize,
) -> Result<ExitCode, Fatal> {
    let clock = args.stream.clock();
    let days = |days: u16| SignedDuration::from_hours(24 * i64::from(days));
    let asking = Asking {
        program: StageName::Tokens.program(),
        patients_a_call: batch_rows,
        with_fhir: (args.api.api == Api::Rest).then_some(FhirCodeSource::MAX_BATCH),
    };
    let stage = Tokens {
        calls: CallsNote::of_stream(asking, &args.pkb, &args.stream),
        code_source,
        batch_rows,
        linger: args.api.linger,
        valid_for: days(args.valid_days),
        // pkb-letters counts whole days, and the one in which codes end is none.
        still_valid_at: clock.start_of_day_in(args.min_days_left.saturating_add(1)),
        oldest_answer: clock.ago(args.max_age_of_answer),
        reissue: Reissue::new(&args.reissue, clock.ago(args.same_reissue_within)),
        clock,
    };
    let records = args.stream.written();
    let command = records.command("pkb-letters", "--out print --output delivered.ndjson");
    let run = StageRun {
        stage,
        source: args.input.open()?,
        output: args.stream.target()?,
        in_flight: args.pkb.at_a_time(),
        next_step: Some(NextStep::Then(command)),
    };
    app::run_stage(run, &args.stream).await
}

/// What making codes for a patient needs.
struct Work {
    invitee: Invitee,
    is_reissue: bool,
}

struct Tokens<C> {
    code_source: C,
    calls: CallsNote,
    batch_rows: usize,
    linger: Duration,
    valid_for: SignedDuration,
    /// When codes of an earlier run must still be valid.
    still_valid_at: Timestamp,
    /// PKB's answers are too old if they are older.
    oldest_answer: Timestamp,
    /// Rows that get new codes although they have good ones.
    reissue: Reissue,
    clock: Clock,
}

impl<C: CodeSource> Stage for Tokens<C> {
    type Work = Work;
    type Done = Invitation;

    fn plan(&self) -> Plan {
        Plan {
            stage: StageName::Tokens,
            batch_rows: self.batch_rows,
            linger: (self.batch_rows > 1).then_some(self.linger),
        }
    }

    fn key(&self, record: &Record) -> Option<Key> {
        let (patient, pkb) = (record.patient.as_ref()?, record.pkb.as_ref()?);
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            pkb.id.as_ref().map_or("", PkbId::expose_id).as_bytes(),
        ]))
    }

    fn recall(&self, line: &Recalled, _: Option<Key>) -> Result<(), Fatal> {
        if let Recalled::Record(record) = line {
            self.reissue.note(record);
        }
        Ok(())
    }

    /// Codes that expire too soon to be printed are not, and patients grow older.
    fn answers(&self, record: &Record, settled: &Record) -> bool {
        let was_young = settled.reasons().any(|reason| reason == Reason::UnderAge);
        let codes = settled.invitation.as_ref();
        !was_young
            && settled.purged.is_none()
            && codes.is_none_or(|codes| codes.expires_at >= self.still_valid_at)
            && !self.reissue.wants(record)
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<Work> {
        if in_journal {
            return Admission::AlreadyDone;
        }
        let is_reissue = self.reissue.wants(record);
        // Whoever has a letter needs no codes because those on it have ended and are no longer kept.
        let has_codes = record.invitation.is_some()
            || (record.purged.is_some() && !record.deliveries.is_empty());
        match (&record.patient, &record.pkb) {
            _ if has_codes && !is_reissue => Admission::AlreadyDone,
            (Some(_), Some(pkb)) if pkb.checked_at < self.oldest_answer => {
                Admission::Stop(Reason::AnswerTooOld.into())
            }
            (Some(patient), Some(pkb)) => Admission::Work(Work {
                invitee: Invitee {
                    national_id: patient.national_id,
                    id: pkb.id.clone(),
                },
                is_reissue,
            }),
            _ => Admission::NotReady,
        }
    }

    async fn advance(&self, batch: Batch<Work>) -> BatchResult<Invitation> {
        self.calls.tell_of_stream(&batch.records);
        // Counted from before the request: rather a moment too early than too late.
        let ends = self.clock.now().saturating_add(self.valid_for);
        let ends = ends.map_err(|_| Fatal::Usage("--valid-days is too large".into()))?;
        let (invitees, reissues): (Vec<Invitee>, Vec<bool>) = batch
            .work
            .into_iter()
            .map(|work| (work.invitee, work.is_reissue))
            .unzip();
        let made = self.code_source.make_codes(&invitees).await?;
        let now = self.clock.now();
        Ok(made
            .into_iter()
            .zip(reissues)
            .map(|(codes, is_reissue)| {
                codes.map(|codes| Invitation {
                    code: codes.code,
                    token: codes.token,
                    expires_at: codes.expires_at.unwrap_or(ends),
                    reissued_at: is_reissue.then_some(now),
                    instead_of_shared: false,
                    unknown: Unknown::new(),
                })
            })
            .collect())
    }

    fn apply(&self, record: &mut Record, invitation: Invitation) {
        record.invitation = Some(invitation);
        record.purged = None;
        // What was sent had the codes before these.
        record.clear(StageName::Letters);
    }
}
