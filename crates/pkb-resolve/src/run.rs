//! The stage.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use pkb_cli::{
    app::{self, StageRun},
    args::Api,
    progress::{Asking, CallsNote},
};
use pkb_client::{
    access_watch::AccessWatch,
    directory::{Directory, FhirDirectory, RestDirectory},
    known_patient::KnownPatient,
    rest::PathTemplate,
};
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict,
    monitor::{Monitor, Why},
    record::{Patient, PkbAnswer, Unknown},
    stage::{BatchResult, NextStep, Plan},
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

use crate::{
    args::{Args, RegisteredCheck},
    eligibility::{Rules, Whom, name_differs},
    exclusions::{Exclusions, Files},
    follow_up::FollowUp,
    recheck,
    waves::Waves,
};

/// Runs the stage from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(mut args: Args) -> Result<ExitCode, Fatal> {
    args.stream = args.stream.with_usual_journal(None);
    let clock = args.stream.clock();
    let rules = Rules {
        min_age: args.eligibility.min_age,
        campaign_date: clock.today(),
        allow_name_differs: args.eligibility.allow_name_differs,
        also_emailed: args.eligibility.also_emailed,
    };
    let exclusions = Exclusions::read(
        &Files {
            lists: &args.exclusions.exclude,
            addresses: &args.exclusions.exclude_address,
            ledgers: &args.exclusions.invited_before,
            registered: &args.registered.registered,
            not_again_within: args.exclusions.not_again_within.unwrap_or_default(),
        },
        clock.today(),
    )?;
    if args.explain {
        return explain(&rules, &exclusions, args.recheck.follow_up(&clock).as_ref());
    }
    exclusions.tell_origins(args.stream.progress.monitor.origins())?;
    let whom = Whom { rules, exclusions };
    if args.recheck.recheck {
        return recheck::run(whom, &args).await;
    }
    let decision = Decision {
        whom,
        waves: args.waves.waves(clock.today()),
        wait_until: Instant::now() + args.wait_for_records,
        oldest_answer: clock.ago(args.max_age_of_answer),
        clock,
        monitor: Arc::clone(&args.stream.progress.monitor),
    };
    let pkb = args.pkb.client(&args.stream.progress.monitor)?;
    app::say_rehearsal(StageName::Resolve, &args.stream.progress);
    match args.api.api {
        Api::Fhir => {
            let directory = FhirDirectory::new(pkb)?;
            let batch_rows = args.api.batch_rows(FhirDirectory::MAX_BATCH);
            if args.check_names {
                let batch_rows = batch_rows.min(RestDirectory::MAX_BATCH);
                return run_with(directory.with_names(), batch_rows, decision, &args).await;
            }
            args.stream
                .progress
                .monitor
                .note(NAMES_NOT_COMPARED.to_owned());
            run_with(directory, batch_rows, decision, &args).await
        }
        Api::Rest => {
            let path = PathTemplate::of_user(&args.user_path)?;
            let directory = RestDirectory::new(pkb, path);
            let is_told = decision.whom.exclusions.tell_registered();
            let possible = directory.can_check_registered();
            if is_registered_check_wanted(args.registered_check, possible, is_told)? {
                // One question about many, for each of which there is another one alone.
                let batch_rows = args.api.batch_rows(RestDirectory::MAX_BATCH);
                let directory = directory.with_registered_check();
                return run_with(directory, batch_rows, decision, &args).await;
            }
            run_with(directory, 1, decision, &args).await
        }
    }
}

async fn run_with<D: Directory>(
    directory: D,
    batch_rows: usize,
    decision: Decision,
    args: &Args,
) -> Result<ExitCode, Fatal> {
    let asks_of_many = args.api.api == Api::Fhir && !args.check_names;
    let asking = Asking {
        program: StageName::Resolve.program(),
        patients_a_call: if asks_of_many { batch_rows } else { 1 },
        with_fhir: (args.api.api == Api::Rest).then_some(FhirDirectory::MAX_BATCH),
    };
    let stage = Resolve {
        names_searched: args.api.api == Api::Fhir && args.check_names,
        calls: CallsNote::of_stream(asking, &args.pkb, &args.stream),
        directory,
        access: AccessWatch::default(),
        batch_rows,
        linger: args.api.linger,
        decision,
    };
    let records = args.stream.written();
    let command = records.command("pkb-tokens", "--output invited.ndjson");
    let run = StageRun {
        stage,
        source: args.input.open()?,
        output: args.stream.target()?,
        in_flight: args.pkb.at_a_time(),
        next_step: Some(NextStep::Then(command)),
    };
    app::run_stage(run, &args.stream).await
}

/// Prints the rules.
fn explain(
    rules: &Rules,
    exclusions: &Exclusions,
    follow_up: Option<&FollowUp>,
) -> Result<ExitCode, Fatal> {
    let mut text = rules.explain();
    text.push_str("The patient must not be on one of your lists. Otherwise: excluded_by_list, excluded_address, invited_recently\n");
    for line in exclusions.describe() {
        text.push_str(&format!("  - {line}\n"));
    }
    if let Some(follow_up) = follow_up {
        text.push_str(&follow_up.explain());
    }
    app::print(&text)?;
    Ok(ExitCode::Done)
}

fn is_registered_check_wanted(
    wanted: RegisteredCheck,
    possible: bool,
    is_told_by_a_list: bool,
) -> Result<bool, Fatal> {
    match (wanted, possible) {
        (RegisteredCheck::Off, _) => Ok(false),
        (_, true) => Ok(true),
        (RegisteredCheck::Required, false) => Err(Fatal::Usage(
            "--registered-check required needs PKB_ORG_ID and PKB_FHIR_URL".into(),
        )),
        (RegisteredCheck::Auto, false) if is_told_by_a_list => Ok(false),
        (RegisteredCheck::Auto, false) => {
            tracing::warn!(
                "who has registered already is not known: PKB tells that by FHIR only. Set PKB_ORG_ID and PKB_FHIR_URL, \
                 or give PKB's download of registered patients (--registered FILE). Without them such patients get letters"
            );
            Ok(false)
        }
    }
}

/// What FHIR's operation leaves open.
const NAMES_NOT_COMPARED: &str = "last names were not compared with PKB's: --api fhir does not tell them (--check-names searches for each \
     patient, one call each)";

/// First pause before PKB is asked again for patients whom it does not have.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What PKB knows of a patient, or why that is unknown.
type Answer = Result<KnownPatient, Verdict>;

struct Resolve<D> {
    directory: D,
    access: AccessWatch,
    calls: CallsNote,
    /// Last names are compared by a search for each patient.
    names_searched: bool,
    batch_rows: usize,
    linger: Duration,
    decision: Decision,
}

/// By what it is decided who may be invited.
struct Decision {
    whom: Whom,
    /// Who is asked about on which day, if not all at once.
    waves: Option<Waves>,
    /// Until when PKB may still be working through an upload.
    wait_until: Instant,
    /// Answers of earlier runs count if they are not older.
    oldest_answer: Timestamp,
    clock: Clock,
    monitor: Arc<Monitor>,
}

/// What is needed to ask PKB about a patient and to judge the answer.
struct Resolvable {
    patient: Patient,
    /// What speaks against an invitation before PKB is asked.
    objections: Vec<Verdict>,
}

impl<D: Directory> Resolve<D> {
    /// What PKB knows of the patients, and when it was asked. Those whom it does not have are asked for
    /// again, while that may change.
    async fn look_up(&self, ids: &[NationalId]) -> Result<Vec<(Timestamp, Answer)>, Fatal> {
        let mut answers = self.ask(ids).await?;
        self.access.note(answers.iter().map(|(_, answer)| answer))?;
        let mut pause = FIRST_PAUSE;
        let mut waiting = None;
        loop {
            let is_absent = |answer: &Answer| matches!(answer, Err(verdict) if verdict.reason == Reason::NotFound);
            let absent: Vec<usize> = (0..ids.len())
                .filter(|at| is_absent(&answers[*at].1))
                .collect();
            let left = self
                .decision
                .wait_until
                .saturating_duration_since(Instant::now());
            if absent.is_empty() || left.is_zero() {
                return Ok(answers);
            }
            let ask_at = Instant::now() + pause.min(left);
            let why = Why::Absent(absent.len() as u64);
            // The one before ends after this one has begun: asking in between is no end of the wait.
            drop(waiting.replace(self.decision.monitor.wait(why, Some(ask_at))));
            tokio::time::sleep_until(ask_at.into()).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let again: Vec<NationalId> = absent.iter().map(|at| ids[*at]).collect();
            match self.ask(&again).await {
                Ok(later) => {
                    for (at, answer) in absent.iter().zip(later) {
                        answers[*at] = answer;
                    }
                }
                // What is known of the others is not thrown away; the next batch meets the trouble, too.
                Err(Fatal::TryLater(_)) => return Ok(answers),
                Err(fatal) => return Err(fatal.at_place(|place| absent.get(place).copied())),
            }
        }
    }

    async fn ask(&self, ids: &[NationalId]) -> Result<Vec<(Timestamp, Answer)>, Fatal> {
        let asked_at = self.decision.clock.now();
        let answers = self.directory.look_up(ids).await?;
        Ok(answers
            .into_iter()
            .map(|answer| (asked_at, answer))
            .collect())
    }

    /// The answer for the record, or everything that speaks against the invitation.
    fn judge(
        &self,
        asked: Resolvable,
        (checked_at, answer): (Timestamp, Answer),
    ) -> Result<PkbAnswer, Verdict> {
        let known = match answer {
            Ok(known) => known,
            // A failure is tried again, and the lists are read again then.
            Err(verdict) if verdict.reason.kind() == pkb_core::Kind::Failed => return Err(verdict),
            Err(verdict) => {
                let all = [verdict].into_iter().chain(asked.objections);
                return Err(Verdict::of_all(all).unwrap_or_else(|| Reason::NotFound.into()));
            }
        };
        let objections = self.decision.whom.rules.objections(&asked.patient, &known);
        let objections = objections.into_iter().map(Verdict::from);
        match Verdict::of_all(objections.chain(asked.objections)) {
            Some(verdict) => Err(verdict),
            None => Ok(PkbAnswer {
                name_differs: name_differs(&asked.patient, &known),
                name_asked: self.names_searched,
                id: known.id,
                registered: known.registered,
                checked_at,
                unknown: Unknown::new(),
            }),
        }
    }
}

impl<D: Directory> Stage for Resolve<D> {
    type Work = Resolvable;
    type Done = PkbAnswer;

    fn plan(&self) -> Plan {
        Plan {
            stage: StageName::Resolve,
            batch_rows: self.batch_rows,
            linger: (self.batch_rows > 1).then_some(self.linger),
        }
    }

    fn key(&self, record: &Record) -> Option<Key> {
        let patient = record.patient.as_ref()?;
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            patient.date_of_birth.expose_iso().as_bytes(),
            patient.last_name.expose_name().as_bytes(),
            &[u8::from(patient.deceased)],
        ]))
    }

    /// Answers that are old, that this run's interface could complete, and that other settings or lists would not give now,
    /// are not.
    fn answers(&self, record: &Record, settled: &Record) -> bool {
        let Some(patient) = &record.patient else {
            return true;
        };
        let rules = &self.decision.whom.rules;
        let is_usable = settled.pkb.as_ref().is_none_or(|pkb| {
            pkb.checked_at >= self.decision.oldest_answer
                && (pkb.registered.is_some() || !self.directory.tells_registered())
                && (pkb.id.is_some() || !self.directory.tells_id())
                && (pkb.id.is_some() || pkb.name_asked || !self.names_searched)
                && (!pkb.name_differs || rules.allow_name_differs)
        });
        let was = |reason| settled.reasons().any(|each| each == reason);
        let is_young = patient.date_of_birth.age_on(rules.campaign_date) < rules.min_age;
        // Somebody who is put on a list, or taken from one, after PKB has answered is judged again.
        let now = self.decision.whom.own_objections(record, patient);
        let is = |reason| now.iter().any(|verdict| verdict.reason == reason);
        is_usable
            && was(Reason::UnderAge) == is_young
            // PKB may have said it before a list does.
            && (was(Reason::Registered) || !is(Reason::Registered))
            && OWN_REASONS.iter().all(|reason| is(*reason) == was(*reason))
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<Resolvable> {
        if in_journal {
            return Admission::AlreadyDone;
        }
        let Some(patient) = &record.patient else {
            return Admission::NotReady;
        };
        let waves = self.decision.waves.as_ref();
        if record.pkb.is_none()
            && let Some(verdict) = waves.and_then(|waves| waves.objection(record))
        {
            return Admission::Stop(verdict);
        }
        if record.pkb.is_none() {
            return Admission::Work(Resolvable {
                patient: patient.clone(),
                objections: self.decision.whom.own_objections(record, patient),
            });
        }
        // PKB was asked in an earlier run; lists and our own file may say more now.
        match self.decision.whom.objections_since(record, patient) {
            Some(verdict) if record.deliveries.is_empty() => Admission::Stop(verdict),
            _ => Admission::AlreadyDone,
        }
    }

    async fn advance(&self, batch: Batch<Resolvable>) -> BatchResult<PkbAnswer> {
        let ids: Vec<NationalId> = batch
            .work
            .iter()
            .map(|asked| asked.patient.national_id)
            .collect();
        self.calls.tell_of_stream(&batch.records);
        let row_of = |place| Some(batch.records.get(place).ok()?.row.number);
        let answers = self.look_up(&ids).await;
        let answers = answers.map_err(|fatal| fatal.in_row(row_of))?;
        Ok(batch
            .work
            .into_iter()
            .zip(answers)
            .map(|(asked, answer)| self.judge(asked, answer))
            .collect())
    }

    fn apply(&self, record: &mut Record, answer: PkbAnswer) {
        record.pkb = Some(answer);
    }
}

/// Reasons that do not come from PKB.
const OWN_REASONS: [Reason; 4] = [
    Reason::ExcludedByList,
    Reason::ExcludedAddress,
    Reason::InvitedRecently,
    Reason::InvitedByEmail,
];
