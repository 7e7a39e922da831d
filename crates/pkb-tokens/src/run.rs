//! The stage.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pkb_cli::{app, args::Api};
use pkb_client::{
    code_desk::{CodeDesk, FhirDesk, Invitee, RestDesk},
    rest::PathTemplate,
};
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Outcome, Reason, Record, Stage, StageName,
    owners::Kinds,
    record::{Invitation, KeyFields, Unknown},
    stage::{BatchResult, NextStep, Written},
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
            let desk = RestDesk::new(pkb, PathTemplate::new(&args.token_path, &["{id}"])?);
            run_with(desk, &args, 1, args.concurrency.concurrency.into()).await
        }
        Api::Fhir => {
            let desk = FhirDesk::new(pkb, clock.today())?;
            let batch_rows = args.api.batch_rows(FhirDesk::MAX_BATCH);
            run_with(desk, &args, batch_rows, Api::FHIR_IN_FLIGHT).await
        }
    }
}

async fn run_with<D: CodeDesk>(
    desk: D,
    args: &Args,
    batch_rows: usize,
    in_flight: usize,
) -> Result<ExitCode, Fatal> {
    let clock = args.stream.clock();
    let days = |days: u16| SignedDuration::from_hours(24 * i64::from(days));
    let stage = Tokens {
        desk,
        batch_rows,
        linger: args.api.linger,
        valid_for: days(args.valid_days),
        // pkb-letters counts whole days, and the one in which codes end is none.
        still_valid_at: clock.start_of_day_in(args.min_days_left.saturating_add(1)),
        oldest_answer: clock.ago(args.max_age_of_answer),
        reissue: Reissue::new(&args.reissue, clock.ago(args.same_reissue_within)),
        clock,
    };
    let (input, output) = (args.input.open()?, args.stream.target()?);
    app::run_stage(stage, input, output, in_flight, &args.stream).await
}

/// What making codes for a patient needs.
struct Work {
    invitee: Invitee,
    is_reissue: bool,
}

struct Tokens<D> {
    desk: D,
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

impl<D: CodeDesk> Stage for Tokens<D> {
    type Work = Work;
    type Done = Invitation;
    type Gleaned = ();
    const NAME: StageName = StageName::Tokens;
    const NEEDS_OWN: Kinds = Kinds::ID;
    const BRINGS_OWN: Kinds = Kinds::CODES;
    const QUICK_REPLAY: bool = true;
    const JUDGES_ALONE: bool = true;

    fn batch_rows(&self) -> usize {
        self.batch_rows
    }

    fn linger(&self) -> Option<Duration> {
        (self.batch_rows > 1).then_some(self.linger)
    }

    fn key(&self, record: &Record) -> Option<Key> {
        self.quick_key(&KeyFields::of(record))
    }

    fn quick_key(&self, fields: &KeyFields<'_>) -> Option<Key> {
        let (patient, pkb) = (fields.patient.as_ref()?, fields.pkb.as_ref()?);
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            pkb.id.as_ref().map_or("", PkbId::expose_id).as_bytes(),
        ]))
    }

    /// Codes that end too soon to be printed are not, and patients grow older.
    fn still_good(&self, fields: &KeyFields<'_>, place: u64) -> bool {
        // Nowhere else is every line of the journal seen.
        self.reissue.note(fields, place);
        let was_young = fields.reasons().any(|reason| reason == Reason::UnderAge);
        !was_young
            && !fields.is_purged()
            && fields
                .invitation
                .as_ref()
                .is_none_or(|codes| codes.expires_at >= self.still_valid_at)
    }

    fn answers(&self, record: &Record, _: Option<&Outcome>) -> bool {
        !self.reissue.wants(record)
    }

    fn quick_answers(&self, _: &KeyFields<'_>, _: Option<&Outcome>) -> bool {
        self.reissue.is_empty()
    }

    fn admit(&self, record: &Record) -> Admission<Work> {
        let is_reissue = self.reissue.wants(record);
        // Whoever has a letter needs no codes because those on it have ended and are no longer kept.
        let has_codes =
            record.invitation.is_some() || (record.purged.is_some() && record.delivery.is_some());
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
        // Counted from before the request: rather a moment too early than too late.
        let ends = self.clock.now().saturating_add(self.valid_for);
        let ends = ends.map_err(|_| Fatal::Usage("--valid-days is too large".into()))?;
        let (invitees, reissues): (Vec<Invitee>, Vec<bool>) = batch
            .work
            .into_iter()
            .map(|work| (work.invitee, work.is_reissue))
            .unzip();
        let made = self.desk.make_codes(&invitees).await?;
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

    fn next_step(&self, records: Written<'_>) -> Option<NextStep> {
        let command = records.command("pkb-letters", "--out print --output delivered.ndjson");
        Some(NextStep::Then(command))
    }

    fn apply(&self, record: &mut Record, invitation: Invitation) {
        record.invitation = Some(invitation);
        record.purged = None;
        // What was sent had the codes before these.
        record.clear(StageName::Letters);
    }
}
