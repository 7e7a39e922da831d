//! `--recheck`: which of the patients who were invited have registered since, and who of the others gets a
//! reminder.
//!
//! What PKB says is the stage's work, and stands in the journal. Whether a reminder is due follows from it, from the
//! settings and from the day: it is decided anew in every run, and no journal answers it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use pkb_cli::{app, args::Api, progress::tell};
use pkb_client::{
    directory::{Known, Registrations},
    fhir::PatientStatus,
};
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Outcome, Reason, Record, Stage, StageName, Verdict,
    record::{KeyFields, Patient, PkbAnswer, Unknown, Uptake},
    stage::{BatchResult, Conclusion, Replay},
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

use crate::{
    args::Args,
    eligibility::Whom,
    reminders::{Reminders, invitations, make_ready},
};

/// Runs the stage from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(whom: Whom, args: &Args) -> Result<ExitCode, Fatal> {
    let clock = args.stream.clock();
    let reminders = args.recheck.reminders(&clock);
    if reminders.is_none() && !args.exclusions.is_empty() {
        return Err(Fatal::Usage(
            "lists say who is not to be invited, and --recheck alone invites nobody: give them with --due-reminder"
                .into(),
        ));
    }
    let purpose = "PKB tells by FHIR alone who has registered: --recheck";
    let counts = Arc::new(Mutex::new(Counts {
        due: reminders.as_ref().map(|_| 0),
        ..Counts::default()
    }));
    let stage = Recheck {
        registrations: Registrations::new(
            args.pkb.client(&args.stream.progress.monitor)?,
            purpose,
        )?,
        batch_rows: args.api.batch_rows(Registrations::MAX_BATCH),
        linger: args.api.linger,
        reminders: reminders.map(|due| (due, whom)),
        same_since: clock.ago(args.recheck.same_recheck_within),
        clock,
        counts: Arc::clone(&counts),
    };
    let (input, output) = (args.input.open()?, args.stream.target()?);
    let code = app::run_stage(stage, input, output, Api::FHIR_IN_FLIGHT, &args.stream).await?;
    locked(&counts).tell();
    Ok(code)
}

struct Recheck {
    registrations: Registrations,
    batch_rows: usize,
    linger: Duration,
    /// Whether the stream is made ready for reminders, and by which rules.
    reminders: Option<(Reminders, Whom)>,
    /// Answers in the journal are of this very recheck if they are not older.
    same_since: Timestamp,
    clock: Clock,
    counts: Arc<Mutex<Counts>>,
}

/// What is needed to ask PKB about a patient and to judge the answer.
struct Invited {
    row: u64,
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
                let known = Known {
                    id: None,
                    deceased,
                    registered: Some(registered),
                    date_of_birth,
                    first_name: None,
                    last_name: None,
                    address: None,
                };
                let objections =
                    |(_, whom): &(_, Whom)| whom.rules.objections(&asked.patient, &known);
                (
                    registered,
                    deceased,
                    self.reminders.as_ref().map(objections),
                )
            }
            // The patient may have taken it from us, as who registers can.
            PatientStatus::NoAccess {
                deceased,
                registered,
            } => {
                let objections = self.reminders.as_ref().map(|_| vec![Reason::NoAccess]);
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
            locked(&self.counts).died.push(asked.row);
            return Err(Reason::Deceased.into());
        }
        if registered {
            return Ok(true);
        }
        let objections = objections.unwrap_or_default();
        Verdict::of_all(objections.into_iter().map(Verdict::from)).map_or(Ok(false), Err)
    }

    /// What speaks against a reminder, besides what PKB said.
    fn objection(&self, record: &Record, (due, whom): &(Reminders, Whom)) -> Option<Verdict> {
        let patient = record.patient.as_ref()?;
        whom.objections_since(record, patient)
            .or_else(|| due.objection(record))
    }
}

impl Stage for Recheck {
    type Work = Invited;
    type Done = Registration;
    type Gleaned = ();
    const NAME: StageName = StageName::Recheck;
    const QUICK_REPLAY: bool = true;

    fn batch_rows(&self) -> usize {
        self.batch_rows
    }

    fn linger(&self) -> Option<Duration> {
        (self.batch_rows > 1).then_some(self.linger)
    }

    /// The person: whether somebody has registered does not depend on how often they were invited.
    fn key(&self, record: &Record) -> Option<Key> {
        self.quick_key(&KeyFields::of(record))
    }

    fn quick_key(&self, fields: &KeyFields<'_>) -> Option<Key> {
        let patient = fields.patient.as_ref()?;
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            patient.date_of_birth.expose_iso().as_bytes(),
        ]))
    }

    /// Who has registered, or died, has done so for good; else the journal speaks for the same recheck only, and for
    /// reminders only if it was judged then who may be invited.
    fn still_good(&self, fields: &KeyFields<'_>, _: u64) -> bool {
        let is_recent = |at: Timestamp| at >= self.same_since;
        let judged = || {
            let pkb = fields.pkb.as_ref();
            self.reminders.is_none() || pkb.is_some_and(|pkb| is_recent(pkb.checked_at))
        };
        fields.reasons().any(|reason| reason == Reason::Deceased)
            || fields
                .uptake
                .as_ref()
                .is_some_and(|uptake| uptake.registered || is_recent(uptake.checked_at) && judged())
    }

    /// A death stands. What else this stage has said was about a day.
    fn tries_again(&self, outcome: &Outcome) -> bool {
        outcome.stage == Self::NAME && outcome.reason != Reason::Deceased
    }

    fn minds_stopped(&self) -> bool {
        true
    }

    fn stopped_before(&self, record: &Record) {
        let mut counts = locked(&self.counts);
        counts.stopped += u64::from(invitations(record).next().is_some());
    }

    fn replay(&self, record: &Record) -> Replay {
        match &record.outcome {
            Some(outcome) if outcome.reason == Reason::Deceased => {
                locked(&self.counts).died.push(record.row.number);
                Replay::Answer
            }
            // An earlier output that serves as a journal has conclusions of its day.
            Some(_) => Replay::DoAgain,
            None => Replay::Answer,
        }
    }

    fn admit(&self, record: &Record) -> Admission<Invited> {
        let (Some(patient), Some(_)) = (&record.patient, invitations(record).next()) else {
            return Admission::NotReady;
        };
        Admission::Work(Invited {
            row: record.row.number,
            patient: patient.clone(),
            is_registered: record
                .uptake
                .as_ref()
                .is_some_and(|uptake| uptake.registered),
        })
    }

    async fn advance(&self, batch: Batch<Invited>) -> BatchResult<Registration> {
        let at = self.clock.now();
        let asked = batch.work.iter().filter(|invited| !invited.is_registered);
        let ids: Vec<NationalId> = asked.map(|invited| invited.patient.national_id).collect();
        let mut answers = match ids.is_empty() {
            true => Vec::new(),
            false => self.registrations.look_up(&ids).await?,
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
        locked(&self.counts).new += u64::from(registered);
        let uptake = record.uptake.get_or_insert_with(|| Uptake {
            registered,
            checked_at: at,
            first_seen_at: None,
            unknown: Unknown::new(),
        });
        uptake.registered = registered;
        uptake.checked_at = at;
        uptake.first_seen_at = registered.then_some(at);
        if self.reminders.is_some() {
            let pkb = record.pkb.get_or_insert_with(|| PkbAnswer {
                id: None,
                registered: None,
                name_differs: false,
                checked_at: at,
                unknown: Unknown::new(),
            });
            pkb.registered = Some(registered);
            pkb.checked_at = at;
        }
    }

    fn conclude(&self, record: &mut Record) -> Conclusion {
        let registered = record
            .uptake
            .as_ref()
            .is_some_and(|uptake| uptake.registered);
        let mut counts = locked(&self.counts);
        counts.invited += 1;
        counts.registered += u64::from(registered);
        let Some(reminders) = &self.reminders else {
            return Conclusion::AsItIs;
        };
        if registered {
            return Conclusion::Stop(Reason::Registered.into());
        }
        if let Some(verdict) = self.objection(record, reminders) {
            return Conclusion::Stop(verdict);
        }
        counts.due = counts.due.map(|due| due + 1);
        match make_ready(record) {
            true => Conclusion::Changed,
            false => Conclusion::AsItIs,
        }
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
    /// Those who get a reminder, if that is asked for.
    due: Option<u64>,
    /// Rows of patients who have died since they were invited.
    died: Vec<u64>,
    /// Patients with an invitation whom another stage stopped afterwards.
    stopped: u64,
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
        let who = match self.died.len() {
            1 => "1 patient has died since the invitation: row".to_owned(),
            count => format!("{count} patients have died since the invitation: rows"),
        };
        tracing::warn!(
            "{who} {}. Nothing more goes to them; take out what is not posted yet, and bring your own records up to date",
            rows.join(", ")
        );
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} patients with an invitation have registered ({} of them seen for the first time)",
            self.registered, self.invited, self.new
        )?;
        if let Some(due) = self.due {
            write!(f, "; {due} are due a reminder")?;
        }
        if self.stopped > 0 {
            write!(
                f,
                "; {} were stopped after their invitation and not asked about",
                self.stopped
            )?;
        }
        Ok(())
    }
}

/// What a panic left behind is as good as before: each change is made in one step.
fn locked(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
