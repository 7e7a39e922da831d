//! `--recheck`: which of the patients who were invited have registered since, and what follows for the others
//! ([`crate::follow_up`]).
//!
//! What PKB says is the stage's work, and is in the journal. What follows depends on it, on the settings and on the time. It is
//! decided again in every run, and no journal answers it.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use parking_lot::Mutex;
use pkb_cli::{
    app::{self, StageRun},
    progress::{Asking, CallsNote, tell},
};
use pkb_client::{directory::Registrations, fhir::PatientStatus, known_patient::KnownPatient};
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict,
    record::{Patient, PkbAnswer, Unknown, Uptake},
    rows::counted,
    stage::{BatchResult, Conclusion, Handled, Plan},
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

use crate::{
    args::Args,
    eligibility::Whom,
    follow_up::{Decision, FollowUp},
    newer_file::NewerFile,
};

/// Runs the stage from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(whom: Whom, args: &Args) -> Result<ExitCode, Fatal> {
    let clock = args.stream.clock();
    let follow_up = args.recheck.follow_up(&clock);
    let newer_file = args.recheck.newer_file.as_deref();
    let newer_map = || args.recheck.newer_map.clone();
    let newer = newer_file.map(|path| NewerFile::read(path, newer_map(), clock.today()));
    let newer = newer.transpose()?;
    if follow_up.is_none() && !args.exclusions.is_empty() {
        return Err(Fatal::Usage(
            "lists say who is not to be invited, and --recheck alone invites nobody. What to do: add --due-reminder or --plan"
                .into(),
        ));
    }
    let counts = Arc::new(Mutex::new(Counts {
        due: follow_up.as_ref().map(|follow_up| (follow_up.what(), 0)),
        ..Counts::default()
    }));
    let batch_rows = args.api.batch_rows(Registrations::MAX_BATCH);
    let whom = Arc::new(whom);
    let stage = Recheck {
        source: source(&whom, batch_rows, args)?,
        newer,
        batch_rows,
        linger: args.api.linger,
        follow_up: follow_up.map(|due| (due, whom)),
        same_since: clock.ago(args.recheck.same_recheck_within),
        clock,
        counts: Arc::clone(&counts),
    };
    let run = StageRun {
        stage,
        source: args.input.open()?,
        output: args.stream.target()?,
        in_flight: args.pkb.at_a_time(),
        next_step: None,
    };
    let code = app::run_stage(run, &args.stream).await?;
    counts.lock().tell();
    Ok(code)
}

/// Who tells who has registered.
enum Source {
    /// PKB, by FHIR.
    Pkb {
        registrations: Registrations,
        calls: CallsNote,
    },
    /// Lists, of this moment.
    Lists { whom: Arc<Whom>, at: Timestamp },
}

fn source(whom: &Arc<Whom>, batch_rows: usize, args: &Args) -> Result<Source, Fatal> {
    if let Some(at) = args.registered.at()? {
        let monitor = &args.stream.progress.monitor;
        monitor.note("PKB was not asked, so it is not known who has died since. What to do: trace the patients, or give \
            --newer-file".to_owned());
        let whom = Arc::clone(whom);
        return Ok(Source::Lists { whom, at });
    }
    let purpose =
        "PKB tells by FHIR alone who has registered (without FHIR: --registered FILE): --recheck";
    let asking = Asking {
        program: StageName::Recheck.program(),
        patients_a_call: batch_rows,
        with_fhir: None,
    };
    Ok(Source::Pkb {
        registrations: Registrations::new(
            args.pkb.client(&args.stream.progress.monitor)?,
            purpose,
        )?,
        calls: CallsNote::of_stream(asking, &args.pkb, &args.stream),
    })
}

struct Recheck {
    source: Source,
    newer: Option<NewerFile>,
    batch_rows: usize,
    linger: Duration,
    /// Whether the stream is made ready for what follows, and by which rules.
    follow_up: Option<(FollowUp, Arc<Whom>)>,
    /// Answers in the journal are of this very recheck if they are not older.
    same_since: Timestamp,
    clock: Clock,
    counts: Arc<Mutex<Counts>>,
}

/// What is needed to ask PKB about a patient and to judge the answer.
struct Invited {
    patient: Patient,
    /// PKB has said so: it is not asked again.
    is_registered: bool,
}

/// Whether a patient has registered.
enum Registration {
    /// As the record has it.
    Known,
    /// As PKB said just now.
    Heard { registered: bool, at: Timestamp },
}

impl Recheck {
    /// What an answer says of a registration, or why a patient is stopped whatever the day is.
    fn judge(&self, asked: &Invited, status: PatientStatus) -> Result<bool, Verdict> {
        let (registered, deceased, objections) = match status {
            PatientStatus::Found {
                deceased,
                registered,
                date_of_birth,
            } => {
                let known = KnownPatient {
                    id: None,
                    deceased,
                    registered: Some(registered),
                    date_of_birth,
                    first_name: None,
                    last_name: None,
                    address: None,
                };
                let objections =
                    |(_, whom): &(_, Arc<Whom>)| whom.rules.objections(&asked.patient, &known);
                (
                    registered,
                    deceased,
                    self.follow_up.as_ref().map(objections),
                )
            }
            // The patient may have taken it from us, as who registers can.
            PatientStatus::NoAccess {
                deceased,
                registered,
            } => {
                let objections = self.follow_up.as_ref().map(|_| vec![Reason::NoAccess]);
                (registered, deceased, objections)
            }
            PatientStatus::NotFound => {
                return Err(Verdict::with_detail(
                    Reason::NotFound,
                    "PKB had a record when the patient was invited, and has none now",
                ));
            }
            PatientStatus::Missing => return Err(Reason::OmittedByPkb.into()),
            PatientStatus::Unreadable(what) => {
                return Err(Verdict::with_detail(Reason::NotUnderstood, what));
            }
            PatientStatus::Contradictory => {
                return Err(Verdict::with_detail(
                    Reason::OmittedByPkb,
                    "PKB gave two different answers for the patient",
                ));
            }
        };
        if deceased {
            return Err(Reason::Deceased.into());
        }
        if registered {
            return Ok(true);
        }
        let objections = objections.unwrap_or_default();
        Verdict::of_all(objections.into_iter().map(Verdict::from)).map_or(Ok(false), Err)
    }

    /// What lists say, without a call.
    fn by_lists(&self, work: &[Invited]) -> Vec<Result<Registration, Verdict>> {
        let Source::Lists { whom, at } = &self.source else {
            return Vec::new();
        };
        let results = work.iter().map(|invited| match invited.is_registered {
            true => Ok(Registration::Known),
            false => Ok(Registration::Heard {
                registered: whom
                    .exclusions
                    .registered_row(&invited.patient.national_id.value)
                    .is_some(),
                at: *at,
            }),
        });
        results.collect()
    }

    /// What speaks against writing to a patient again, beside what PKB said and the rules of what follows.
    fn objection(&self, record: &Record, whom: &Whom) -> Option<Verdict> {
        let patient = record.patient.as_ref()?;
        let newer = self.newer.as_ref();
        newer
            .and_then(|newer| newer.objection(patient))
            .or_else(|| whom.objections_since(record, patient))
    }

    /// What becomes of the record of a patient about whom PKB was asked.
    fn decide(&self, record: &mut Record, registered: bool) -> (Decision, bool) {
        let Some((follow_up, whom)) = &self.follow_up else {
            return (Decision::Wait, false);
        };
        if registered {
            return (follow_up.registered(record), false);
        }
        let has_moved = match (&self.newer, &mut record.patient) {
            (Some(newer), Some(patient)) => newer.correct(patient),
            _ => false,
        };
        let decision = match self.objection(record, whom) {
            Some(verdict) => Decision::Stop(verdict),
            None => follow_up.decide(record),
        };
        let is_changed = decision == Decision::Due && follow_up.make_ready(record);
        self.counts.lock().moved += u64::from(has_moved);
        (decision, is_changed || has_moved)
    }
}

impl Stage for Recheck {
    type Work = Invited;
    type Done = Registration;

    fn plan(&self) -> Plan {
        Plan {
            stage: StageName::Recheck,
            batch_rows: self.batch_rows,
            linger: (self.batch_rows > 1).then_some(self.linger),
        }
    }

    /// The person: whether somebody has registered does not depend on how often they were invited.
    fn key(&self, record: &Record) -> Option<Key> {
        let patient = record.patient.as_ref()?;
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            patient.date_of_birth.expose_iso().as_bytes(),
        ]))
    }

    /// Who has registered, or died, has done so for good; else the journal speaks for the same recheck only, and for
    /// reminders only if it was judged then who may be invited.
    fn answers(&self, _: &Record, settled: &Record) -> bool {
        let is_recent = |at: Timestamp| at >= self.same_since;
        let judged = || {
            let pkb = settled.pkb.as_ref();
            self.follow_up.is_none() || pkb.is_some_and(|pkb| is_recent(pkb.checked_at))
        };
        let is_usable =
            |uptake: &Uptake| uptake.registered || is_recent(uptake.checked_at) && judged();
        settled.reasons().any(|reason| reason == Reason::Deceased)
            || settled.uptake.as_ref().is_some_and(is_usable)
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<Invited> {
        if in_journal {
            return Admission::AlreadyDone;
        }
        let (Some(patient), Some(_)) = (&record.patient, record.invitations().next()) else {
            return Admission::NotReady;
        };
        Admission::Work(Invited {
            patient: patient.clone(),
            is_registered: record
                .uptake
                .as_ref()
                .is_some_and(|uptake| uptake.registered),
        })
    }

    async fn advance(&self, batch: Batch<Invited>) -> BatchResult<Registration> {
        let Source::Pkb {
            registrations,
            calls,
        } = &self.source
        else {
            return Ok(self.by_lists(&batch.work));
        };
        let at = self.clock.now();
        calls.tell_of_stream(&batch.records);
        let asked = batch.work.iter().filter(|invited| !invited.is_registered);
        let ids: Vec<NationalId> = asked.map(|invited| invited.patient.national_id).collect();
        let mut answers = match ids.is_empty() {
            true => Vec::new(),
            false => registrations.look_up(&ids).await?,
        }
        .into_iter();
        let results = batch.work.iter().map(|invited| {
            if invited.is_registered {
                return Ok(Registration::Known);
            }
            let answer = answers
                .next()
                .unwrap_or_else(|| Err(Reason::OmittedByPkb.into()));
            let registered = answer.and_then(|status| self.judge(invited, status))?;
            Ok(Registration::Heard { registered, at })
        });
        Ok(results.collect())
    }

    fn apply(&self, record: &mut Record, registration: Registration) {
        let Registration::Heard { registered, at } = registration else {
            return;
        };
        self.counts.lock().new += u64::from(registered);
        let uptake = record.uptake.get_or_insert_with(|| Uptake {
            registered,
            checked_at: at,
            first_seen_at: None,
            unknown: Unknown::new(),
        });
        uptake.registered = registered;
        uptake.checked_at = at;
        uptake.first_seen_at = registered.then_some(at);
        if self.follow_up.is_some() {
            let pkb = record.pkb.get_or_insert_with(|| PkbAnswer {
                id: None,
                registered: None,
                name_differs: false,
                name_asked: false,
                checked_at: at,
                unknown: Unknown::new(),
            });
            pkb.registered = Some(registered);
            pkb.checked_at = at;
        }
    }

    fn conclude(&self, record: &mut Record, handled: Handled) -> Result<Conclusion, Fatal> {
        let mut counts = self.counts.lock();
        if let Some(outcome) = &record.outcome {
            let is_own = outcome.stage == StageName::Recheck;
            if handled == Handled::Passed && !is_own && record.invitations().next().is_some() {
                counts.stopped += 1;
            } else if handled != Handled::Passed && outcome.reason == Reason::Deceased {
                counts.died.push(record.row.number);
            }
            return Ok(Conclusion::AsItIs);
        }
        if handled == Handled::Passed {
            return Ok(Conclusion::AsItIs);
        }
        let uptake = record.uptake.as_ref();
        let registered = uptake.is_some_and(|uptake| uptake.registered);
        counts.invited += 1;
        counts.registered += u64::from(registered);
        drop(counts);
        let (decision, is_changed) = self.decide(record, registered);
        let mut counts = self.counts.lock();
        match decision {
            Decision::Stop(verdict) => return Ok(Conclusion::Stop(verdict)),
            Decision::Due => {
                if let Some((_, due)) = &mut counts.due {
                    *due += 1;
                }
            }
            Decision::Wait => {}
        }
        Ok(match is_changed {
            true => Conclusion::Changed,
            false => Conclusion::AsItIs,
        })
    }
}

/// What the operator is told.
#[derive(Default)]
struct Counts {
    /// Patients whose registration is known, either way.
    invited: u64,
    /// Of these, those who have registered.
    registered: u64,
    /// Of these, those of whom PKB said so for the first time.
    new: u64,
    /// What follows, and for how many, if that is asked for.
    due: Option<(&'static str, u64)>,
    /// Rows of patients who have died since they were invited.
    died: Vec<u64>,
    /// Patients with an invitation whom another stage stopped afterwards.
    stopped: u64,
    /// Patients of whom the newer patient file has other details.
    moved: u64,
}

/// So many rows are named.
const NAMED: usize = 20;

impl Counts {
    fn tell(&self) {
        tell(format!("{}: {self}", StageName::Recheck.program()));
        if self.died.is_empty() {
            return;
        }
        let mut rows: Vec<String> = self.died.iter().take(NAMED).map(u64::to_string).collect();
        if self.died.len() > NAMED {
            rows.push(format!("and {} more", self.died.len() - NAMED));
        }
        let row = if self.died.len() == 1 { "row" } else { "rows" };
        let died = self.died.len() as u64;
        let who = counted(died, "patient has died", "patients have died");
        tracing::warn!(
            "{who} since the invitation: {row} {}. Nothing more is sent to them. Remove letters that are not posted yet, \
             and bring your own records up to date",
            rows.join(", ")
        );
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} with an invitation have registered ({} since the last time)",
            self.registered,
            counted(self.invited, "patient", "patients"),
            self.new
        )?;
        if let Some((what, due)) = self.due {
            let due = counted(due, "patient is", "patients are");
            write!(f, ". {due} due {what}")?;
        }
        if self.moved > 0 {
            let moved = counted(self.moved, "patient has", "patients have");
            write!(f, ". {moved} a new address or mobile in the newer file")?;
        }
        if self.stopped > 0 {
            let stopped = counted(self.stopped, "patient was", "patients were");
            write!(
                f,
                ". {stopped} stopped after the invitation, and PKB was not asked"
            )?;
        }
        Ok(())
    }
}
