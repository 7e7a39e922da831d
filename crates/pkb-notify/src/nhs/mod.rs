//! Messages through NHS Notify: given to it in batches, each patient once, and what became of them.
//!
//! * `args`, `fields`: what can be asked, and the names of the templates' fields.
//! * `stage`: who gets a message. `sender`, `batches`: whatever happens, nobody gets two, and nobody is missed.
//! * `statuses`: what became of each message.

pub(crate) mod args;
mod batches;
mod fields;
mod sender;
mod stage;
mod statuses;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use pkb_cli::{
    app::{self, StageRun},
    join_url,
};
use pkb_client::nhs_notify::BatchForm;
use pkb_core::{ExitCode, Fatal, StageName, pipeline::Source, stage::NextStep};

use crate::freshness::Freshness;
use args::{NhsCommand, SendMessagesArgs};
use fields::Fields;
use sender::BatchSender;
use stage::NhsStage;

/// For so long NHS Notify surely knows the references that it was given: it says "up to 9 months". After that nobody can say what became
/// of a batch whose answer was lost.
const NHS_NOTIFY_REMEMBERS: Duration = Duration::from_secs(90 * 24 * 3600);

/// Does what the arguments ask.
///
/// # Errors
/// What stopped it.
pub(crate) async fn run(command: NhsCommand) -> Result<ExitCode, Fatal> {
    match command {
        NhsCommand::Send(args) => send(*args).await,
        NhsCommand::Status(args) => statuses::ask(&args).await,
    }
}

async fn send(mut args: SendMessagesArgs) -> Result<ExitCode, Fatal> {
    args.stream = args.stream.with_usual_journal(None);
    if args.stream.journal.is_none() {
        return Err(Fatal::Usage(
            "--journal FILE is missing. What to do: add it, so that nothing is sent twice, and use the same file for the \
             whole campaign. Or add --output FILE: then the journal is kept beside FILE"
                .into(),
        ));
    }
    let fields = Fields::new(&args.field)?;
    let output = args.stream.target()?;
    let monitor = Arc::clone(&args.stream.progress.monitor);
    let client = args.nhs_notify.client(&monitor)?;
    join_url::note_origin(&args.join_page.join_url, monitor.origins())?;
    let input = app::look_ahead(&args.stream, StageName::Nhs, args.input.reader()?).await?;
    let clock = args.stream.clock();
    let batch_rows = usize::try_from(args.batch_rows).unwrap_or(usize::MAX);
    let stage = NhsStage {
        sender: BatchSender {
            client,
            form: BatchForm {
                routing_plan: args.routing_plan,
                ods_code: args.ods_code,
                billing_reference: args.billing_reference,
            },
            batches: Mutex::default(),
            clock,
            monitor,
            settle_after: args.settle_after,
            wait_for_batch: args.wait_for_batch,
            attempts: args.nhs_notify.attempts(),
        },
        batch_rows,
        fields,
        join_url: args.join_page.join_url,
        freshness: Freshness::new(&args.freshness, clock),
        oldest_batch: clock.ago(NHS_NOTIFY_REMEMBERS),
        today: clock.today(),
        resend: args.resend.iter().copied().collect(),
        seen: Mutex::default(),
        sent: Mutex::default(),
    };
    let records = args.stream.written();
    let command = records.command("pkb-notify nhs status", "--output nhs-followed.ndjson");
    let run = StageRun {
        stage,
        source: Source::Ndjson(input),
        output,
        // One batch at a time: what NHS Notify says to one decides about the next.
        in_flight: 1,
        next_step: Some(NextStep::Then(format!("in some days: {command}"))),
    };
    app::run_stage(run, &args.stream).await
}
