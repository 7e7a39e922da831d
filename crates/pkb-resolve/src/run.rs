//! The stage.

use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Record, Stage, StageName, Verdict, app,
    client::{Client, rest::PathTemplate},
    journal::Key,
    record::{KeyFields, PkbAnswer, Unknown},
    stage::BatchResult,
    value::{DateOfBirth, NationalId},
};

use crate::{args::Args, eligibility::Rules};

/// Runs the stage from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    let clock = args.stream.clock();
    let stage = Resolve {
        pkb: args.pkb.client()?,
        path: PathTemplate::new(&args.user_path, &["{number}", "{type}"])?,
        rules: Rules {
            min_age: args.min_age,
            campaign_date: clock.today(),
        },
        clock,
    };
    let in_flight = args.concurrency.concurrency.into();
    app::run_stage(
        stage,
        args.input.open()?,
        args.stream.target()?,
        in_flight,
        &args.stream,
    )
    .await
}

struct Resolve {
    pkb: Client,
    path: PathTemplate,
    rules: Rules,
    clock: Clock,
}

/// What is needed to ask PKB about a patient and to judge the answer.
struct Resolvable {
    national_id: NationalId,
    date_of_birth: DateOfBirth,
}

impl Resolve {
    async fn resolve(&self, patient: Resolvable) -> Result<Result<PkbAnswer, Verdict>, Fatal> {
        let user = match self
            .pkb
            .find_patient(&self.path, &patient.national_id)
            .await
        {
            Ok(user) => user,
            Err(error) => return error.into_verdict().map(Err),
        };
        if let Some(reason) = self.rules.objection(&user, patient.date_of_birth) {
            return Ok(Err(reason.into()));
        }
        Ok(Ok(PkbAnswer {
            id: Some(user.id),
            registered: None,
            checked_at: self.clock.now(),
            unknown: Unknown::new(),
        }))
    }
}

impl Stage for Resolve {
    type Work = Resolvable;
    type Done = PkbAnswer;
    const NAME: StageName = StageName::Resolve;
    const QUICK_REPLAY: bool = true;

    fn key(&self, record: &Record) -> Option<Key> {
        self.quick_key(&KeyFields::of(record))
    }

    fn quick_key(&self, fields: &KeyFields) -> Option<Key> {
        let patient = fields.patient.as_ref()?;
        let born = patient.date_of_birth.expose_iso();
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            born.as_bytes(),
        ]))
    }

    fn admit(&self, record: &Record) -> Admission<Resolvable> {
        match &record.patient {
            None => Admission::NotReady,
            Some(_) if record.pkb.is_some() => Admission::AlreadyDone,
            Some(patient) => Admission::Work(Resolvable {
                national_id: patient.national_id,
                date_of_birth: patient.date_of_birth,
            }),
        }
    }

    async fn advance(&self, batch: Batch<Resolvable>) -> BatchResult<PkbAnswer> {
        let mut answers = Vec::with_capacity(batch.work.len());
        for patient in batch.work {
            answers.push(self.resolve(patient).await?);
        }
        Ok(answers)
    }

    fn apply(&self, record: &mut Record, answer: PkbAnswer) {
        record.pkb = Some(answer);
    }
}
