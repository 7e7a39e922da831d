//! The stage that has letters printed and posted.

use std::path::PathBuf;

use pkb_cli::app::{self, StageRun};
use pkb_client::notify::{NotifyApi, PdfLetter, Postage};
use pkb_core::{
    ExitCode, Fatal, Reason, Record, StageName, Verdict,
    record::Channel,
    stage::{IntentLog, NextStep},
};
use pkb_files::journal::Key;

use crate::{
    address,
    args::SendLettersArgs,
    freshness::Freshness,
    letter_file::LetterFile,
    once::{Keys, Notification, SendOnce, with_journal},
    sending::{PendingSend, Recipient, Sender, Sending, Sent},
};

/// Posts the letters of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn send(mut args: SendLettersArgs) -> Result<ExitCode, Fatal> {
    args.stream = with_journal(args.stream, &mut args.once)?;
    let output = args.stream.target()?;
    let client = args.notify.client(&args.stream.progress.monitor)?;
    let stage = Sending {
        sender: Letters {
            folder: args.letters,
            postage: args.postage,
        },
        freshness: Freshness::new(&args.freshness, args.stream.clock()),
        once: SendOnce::new(client, &args.once, &args.stream),
    };
    let in_flight = args.notify.concurrency.into();
    let records = args.stream.written();
    let command = records.command("pkb-notify post status", "--output followed.ndjson");
    let run = StageRun {
        stage,
        source: args.input.open()?,
        output,
        in_flight,
        next_step: Some(NextStep::Then(format!("in some days: {command}"))),
    };
    app::run_stage(run, &args.stream).await
}

/// The letters.
struct Letters {
    folder: PathBuf,
    postage: Postage,
}

impl Sender for Letters {
    const NAME: StageName = StageName::Post;
    const WITHDRAWAL: &str =
        "its letter was given to GOV.UK Notify: cancel the letter there if it is not printed yet";
    type Content = LetterFile;

    /// The patient and the file: a letter that was printed again, into another file, is posted again.
    fn keys(record: &Record) -> Option<Keys> {
        let patient = record.patient.as_ref()?.national_id.key_bytes();
        let letter = record.delivery(Channel::Letter)?;
        let key = Key::of(&[&patient, letter.file.as_bytes()]);
        Some(Keys {
            work: key,
            invitation: key,
        })
    }

    fn prepare(&self, to: Recipient<'_>) -> Result<Option<(LetterFile, Key)>, Verdict> {
        address::check(to.patient)
            .map_err(|words| Verdict::with_detail(Reason::Unmailable, words))?;
        let file = LetterFile::of(&self.folder, to.record, to.delivery, to.codes)?;
        let reference = Key::of(&[
            &to.patient.national_id.key_bytes(),
            to.delivery.file.as_bytes(),
            to.codes.code.expose_code().as_bytes(),
        ]);
        Ok(file.map(|file| (file, reference)))
    }

    async fn send(
        &self,
        once: &SendOnce<impl NotifyApi>,
        mut parcel: PendingSend<LetterFile>,
        intents: &IntentLog,
    ) -> Sent {
        // Reading and looking at a PDF takes a few milliseconds; the runtime is told so.
        let pdf = match tokio::task::block_in_place(|| parcel.content.read())? {
            Ok(pdf) => pdf,
            Err(verdict) => return Ok(Err(verdict)),
        };
        let reference = parcel.intent.reference("letter");
        let letter = Notification::Letter(PdfLetter {
            pdf,
            postage: self.postage,
            reference: &reference,
        });
        match once.send(&mut parcel.intent, &letter, intents).await {
            Ok(dispatch) => Ok(Ok(vec![dispatch])),
            Err(error) => error.into_verdict().map(Err),
        }
    }
}
