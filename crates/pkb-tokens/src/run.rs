//! The stage.

use std::io::IsTerminal as _;

use jiff::SignedDuration;
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict, app,
    client::{Client, rest::PathTemplate},
    journal::Key,
    record::{Invitation, KeyFields, Unknown},
    stage::BatchResult,
    value::PkbId,
};

use crate::args::Args;

/// Runs the stage from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    let on_terminal = args.stream.output.is_none() && std::io::stdout().is_terminal();
    if on_terminal && !args.show_codes {
        return Err(Fatal::Usage(
            "the codes would be shown on the terminal: send them to a file or a pipe (or use --show-codes)".into(),
        ));
    }
    let stage = Tokens {
        pkb: args.pkb.client()?,
        path: PathTemplate::new(&args.token_path, &["{id}"])?,
        valid_for: SignedDuration::from_hours(24 * i64::from(args.valid_days)),
        clock: args.stream.clock(),
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

struct Tokens {
    pkb: Client,
    path: PathTemplate,
    valid_for: SignedDuration,
    clock: Clock,
}

impl Tokens {
    async fn invite(&self, id: &PkbId) -> Result<Result<Invitation, Verdict>, Fatal> {
        // Counted from before the request: rather a moment too early than too late.
        let ends = self.clock.now().saturating_add(self.valid_for);
        let ends = ends.map_err(|_| Fatal::Usage("--valid-days is too large".into()))?;
        Ok(match self.pkb.make_codes(&self.path, id).await {
            Ok(access) => Ok(Invitation {
                code: access.code,
                token: access.token,
                expires_at: access.expires_at.unwrap_or(ends),
                unknown: Unknown::new(),
            }),
            Err(error) => Err(error.into_verdict()?),
        })
    }
}

impl Stage for Tokens {
    type Work = PkbId;
    type Done = Invitation;
    const NAME: StageName = StageName::Tokens;
    const QUICK_REPLAY: bool = true;

    fn key(&self, record: &Record) -> Option<Key> {
        self.quick_key(&KeyFields::of(record))
    }

    fn quick_key(&self, fields: &KeyFields) -> Option<Key> {
        let (patient, pkb) = (fields.patient.as_ref()?, fields.pkb.as_ref()?);
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            pkb.id.as_ref().map_or("", PkbId::expose_id).as_bytes(),
        ]))
    }

    fn admit(&self, record: &Record) -> Admission<PkbId> {
        match &record.pkb {
            _ if record.invitation.is_some() => Admission::AlreadyDone,
            None => Admission::NotReady,
            Some(pkb) => match &pkb.id {
                Some(id) => Admission::Work(id.clone()),
                None => Admission::Stop(Reason::NoPkbId.into()),
            },
        }
    }

    async fn advance(&self, batch: Batch<PkbId>) -> BatchResult<Invitation> {
        let mut invitations = Vec::with_capacity(batch.work.len());
        for id in &batch.work {
            invitations.push(self.invite(id).await?);
        }
        Ok(invitations)
    }

    fn apply(&self, record: &mut Record, invitation: Invitation) {
        record.invitation = Some(invitation);
    }
}
