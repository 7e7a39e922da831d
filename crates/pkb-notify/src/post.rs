//! The stage that has letters printed and posted.

use std::path::PathBuf;

use pkb_cli::app::{self, StageRun};
use pkb_client::notify::{NotifyDesk, PdfLetter, Postage};
use pkb_core::{
    Admission, Batch, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict,
    record::{Channel, Dispatch},
    stage::{BatchResult, IntentLog, NextStep, Plan, Recalled},
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

use crate::{
    address,
    args::SendLettersArgs,
    freshness::Freshness,
    letter_file::LetterFile,
    once::{Keys, Once, Piece, Pledge, with_journal},
};

/// Posts the letters of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn send(mut args: SendLettersArgs) -> Result<ExitCode, Fatal> {
    args.stream = with_journal(args.stream, &mut args.once)?;
    let output = args.stream.target()?;
    let desk = args.notify.client(&args.stream.progress.monitor)?;
    let stage = Letters {
        folder: args.letters,
        postage: args.postage,
        freshness: Freshness::new(&args.freshness, args.stream.clock()),
        once: Once::new(desk, &args.once, &args.stream),
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
        let (Some(patient), Some(codes), Some(letter), Some(key)) = (
            &record.patient,
            &record.invitation,
            record.delivery(Channel::Letter),
            self.key(record),
        ) else {
            return Ok(None);
        };
        address::check(patient).map_err(|words| Verdict::with_detail(Reason::Unmailable, words))?;
        let Some(file) = LetterFile::of(&self.folder, record, letter, codes)? else {
            return Ok(None);
        };
        let reference = Key::of(&[
            &patient.national_id.key_bytes(),
            letter.file.as_bytes(),
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

    fn plan(&self) -> Plan {
        Plan::one_by_one(StageName::Post)
    }

    /// The patient and the file: a letter that was printed again, into another file, is posted again.
    fn key(&self, record: &Record) -> Option<Key> {
        let (patient, letter) = (record.patient.as_ref()?, record.delivery(Channel::Letter)?);
        Some(Key::of(&[
            &patient.national_id.key_bytes(),
            letter.file.as_bytes(),
        ]))
    }

    fn recall(&self, line: &Recalled, key: Option<Key>) -> Result<(), Fatal> {
        let keys = key.map(|work| Keys {
            work,
            invitation: work,
        });
        self.once.recall(line, keys, true)
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<Work> {
        if in_journal {
            return match self.key(record) {
                Some(key) if !self.once.is_first(key) => {
                    Admission::Stop(Reason::AlreadyInvited.into())
                }
                _ => Admission::AlreadyDone,
            };
        }
        match record.delivery(Channel::Letter) {
            None if record.deliveries.is_empty() => return Admission::NotReady,
            None => return Admission::NotConcerned,
            Some(letter) if !letter.dispatches.is_empty() => return Admission::AlreadyDone,
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

    fn done_for(&self, patient: NationalId) -> Option<String> {
        let words = "its letter was given to GOV.UK Notify: cancel the letter there if it is not printed yet. Tell your \
            data protection officer";
        self.once.has_sent(patient).then(|| words.to_owned())
    }

    fn apply(&self, record: &mut Record, sent: Dispatch) {
        self.once.note_sent(record);
        record.set_dispatches(StageName::Post, vec![sent]);
    }
}
