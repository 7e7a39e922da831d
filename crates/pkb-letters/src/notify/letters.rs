//! The stage that has letters printed and posted.

use std::path::PathBuf;

use pkb_cli::app;
use pkb_client::notify::{NotifyDesk, PdfLetter, Postage};
use pkb_core::{
    Admission, Batch, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict,
    owners::Kinds,
    record::{Channel, Dispatch},
    stage::{BatchResult, IntentLog, NextStep, Recalled, Replay, Written},
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

use super::{
    Freshness, address,
    args::SendLettersArgs,
    letter_file::LetterFile,
    once::{Keys, Once, Piece, Pledge},
    with_journal,
};

/// Posts the letters of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn post(mut args: SendLettersArgs) -> Result<ExitCode, Fatal> {
    args.stream = with_journal(args.stream, &mut args.once)?;
    let output = args.stream.target()?;
    let folder = args
        .letters
        .ok_or_else(|| Fatal::Usage("--letters is missing".into()))?;
    let desk = args.notify.client(&args.stream.progress.monitor)?;
    let stage = Letters {
        folder,
        postage: args.postage,
        freshness: Freshness::new(&args.freshness, &args.stream),
        once: Once::new(desk, &args.once, &args.stream),
    };
    let in_flight = args.notify.concurrency.into();
    app::run_stage(stage, args.input.open()?, output, in_flight, &args.stream).await
}

struct Letters<D> {
    folder: PathBuf,
    postage: Postage,
    freshness: Freshness,
    once: Once<D>,
}

/// The letter to one patient.
struct Work {
    pledge: Pledge,
    file: LetterFile,
}

impl<D: NotifyDesk> Letters<D> {
    fn work(&self, record: &Record) -> Result<Option<Work>, Verdict> {
        self.freshness.check(record)?;
        let (Some(patient), Some(codes), Some(delivery), Some(key)) = (
            &record.patient,
            &record.invitation,
            &record.delivery,
            self.key(record),
        ) else {
            return Ok(None);
        };
        address::check(patient).map_err(|words| Verdict::with_detail(Reason::Unmailable, words))?;
        let Some(file) = LetterFile::of(&self.folder, record, delivery, codes)? else {
            return Ok(None);
        };
        let reference = Key::of(&[
            &patient.national_id.key_bytes(),
            delivery.file.as_bytes(),
            codes.code.expose_code().as_bytes(),
        ]);
        // A letter that was made again, into another file, is another.
        let keys = Keys {
            work: key,
            invitation: key,
        };
        let pledge = self.once.pledge(keys, reference, record.row.number)?;
        Ok(Some(Work { pledge, file }))
    }

    async fn letter(
        &self,
        mut work: Work,
        intents: &IntentLog,
    ) -> Result<Result<Dispatch, Verdict>, Fatal> {
        // Reading and looking at a PDF takes a few milliseconds; the runtime is told so.
        let pdf = match tokio::task::block_in_place(|| work.file.read())? {
            Ok(pdf) => pdf,
            Err(verdict) => return Ok(Err(verdict)),
        };
        let reference = work.pledge.reference("letter");
        let letter = Piece::Letter(PdfLetter {
            pdf,
            postage: self.postage,
            reference: &reference,
        });
        match self.once.send(&mut work.pledge, &letter, intents).await {
            Ok(dispatch) => Ok(Ok(dispatch)),
            Err(error) => error.into_verdict().map(Err),
        }
    }
}

impl<D: NotifyDesk> Stage for Letters<D> {
    type Work = Work;
    type Done = Dispatch;
    type Gleaned = ();
    const NAME: StageName = StageName::Post;
    const NEEDS_OWN: Kinds = Kinds::ALL;

    /// The patient and the file: a letter that was printed again, into another file, is posted again.
    fn key(&self, record: &Record) -> Option<Key> {
        let (patient, delivery) = (record.patient.as_ref()?, record.delivery.as_ref()?);
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            delivery.file.as_bytes(),
        ]))
    }

    fn recall(&self, line: &Recalled, key: Option<Key>) -> Result<(), Fatal> {
        let keys = key.map(|work| Keys {
            work,
            invitation: work,
        });
        self.once.recall(line, keys, true)
    }

    fn replay(&self, record: &Record) -> Replay {
        match self.key(record) {
            Some(key) if !self.once.is_first(key) => Replay::Stop(Reason::AlreadyInvited.into()),
            _ => Replay::Answer,
        }
    }

    fn admit(&self, record: &Record) -> Admission<Work> {
        if record.posted.is_some() {
            return Admission::AlreadyDone;
        }
        match &record.delivery {
            None => return Admission::NotReady,
            Some(delivery) if delivery.channel == Channel::Sms => return Admission::NotConcerned,
            Some(_) => {}
        }
        match self.work(record) {
            Ok(Some(work)) => Admission::Work(work),
            Ok(None) => Admission::NotReady,
            Err(verdict) => Admission::Stop(verdict),
        }
    }

    async fn advance(&self, batch: Batch<Work>) -> BatchResult<Dispatch> {
        let mut results = Vec::with_capacity(batch.work.len());
        for work in batch.work {
            results.push(self.letter(work, &batch.intents).await?);
        }
        Ok(results)
    }

    fn next_step(&self, records: Written<'_>) -> Option<NextStep> {
        let command = records.command("pkb-letters post status", "--output followed.ndjson");
        Some(NextStep::Then(format!("in some days: {command}")))
    }

    fn done_for(&self, patient: NationalId) -> Option<String> {
        let words = "its letter was given to GOV.UK Notify: cancel the letter there if it is not printed yet. Tell your \
            data protection officer";
        self.once.has_sent(patient).then(|| words.to_owned())
    }

    fn apply(&self, record: &mut Record, sent: Dispatch) {
        self.once.note_sent(record);
        record.posted = Some(sent);
    }
}
