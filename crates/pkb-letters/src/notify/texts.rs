//! The stage that sends text messages.
//!
//! A text that Notify does not take stops the record if there is no other way to the patient; with a letter beside it
//! the refusal is noted in `texts`, so that `pkb-letters post` still sees the record.

use pkb_cli::app;
use pkb_client::{
    CallError,
    notify::{NotifyDesk, Text},
};
use pkb_core::{
    Admission, Batch, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict,
    owners::Kinds,
    pipeline::Source,
    record::{Channel, Delivery, Design, Dispatch, Edition},
    stage::{BatchResult, IntentLog, NextStep, Recalled, Replay, Written},
};
use pkb_files::journal::Key;
use pkb_values::{LetterFormat, LetterLanguages, NationalId, UkMobile};

use super::{
    Freshness,
    args::SendTextsArgs,
    once::{Keys, Once, Piece, Pledge},
    personalisation::{TextTemplate, templates},
    with_journal,
};
use crate::{
    invitee::{Rules, Ways},
    join_url,
    run::refuse_example,
    sms::SmsRow,
};
use pkb_typeset::template::Template;

/// Sends the texts of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn send(mut args: SendTextsArgs) -> Result<ExitCode, Fatal> {
    args.stream = with_journal(args.stream, &mut args.once)?;
    let output = args.stream.target()?;
    let letters = match &args.template {
        Some(folder) => Template::open(folder),
        None => Template::built_in(),
    };
    let letters = letters.map_err(|error| Fatal::Usage(error.to_string()))?;
    let desk = args.notify.client(&args.stream.progress.monitor)?;
    let origins = args.stream.progress.monitor.origins();
    join_url::note_origin(&args.join_url, origins)?;
    if !origins.is_rehearsal() {
        refuse_example(&letters, args.template.as_deref())?;
    }
    let input = app::look_ahead(&args.stream, StageName::Sms, args.input.reader()?).await?;
    let templates = templates(&desk, &args.template_id).await?;
    let clock = args.stream.clock();
    let stage = Texts {
        templates,
        sender: args.sender_id,
        organisation: letters.settings().organisation.name.clone(),
        sms_fold: args.sms_fold,
        freshness: Freshness::new(&args.freshness, &args.stream),
        rules: Rules {
            letter_date: clock.today(),
            min_days_left: args.freshness.min_days_left,
            join_url: args.join_url,
            ways: Ways::Sms,
            design: Design::Letter,
            international: false,
            languages: LetterLanguages::default(),
            format: LetterFormat::Standard,
        },
        once: Once::new(desk, &args.once, &args.stream),
    };
    let in_flight = args.notify.concurrency.into();
    let input = Source::Ndjson(input);
    app::run_stage(stage, input, output, in_flight, &args.stream).await
}

struct Texts<D> {
    templates: Vec<TextTemplate>,
    sender: Option<pkb_client::notify::TemplateId>,
    organisation: String,
    /// Whether names are written without accents that make a text dearer.
    sms_fold: bool,
    freshness: Freshness,
    rules: Rules,
    once: Once<D>,
}

/// A reissue and a reminder are other invitations, with their codes; other codes from another run of pkb-tokens are not. A
/// number that was corrected is other work for the same invitation.
fn keys(record: &Record) -> Option<Keys> {
    let patient = record.patient.as_ref()?;
    let mobile = patient.mobile.as_ref()?.expose_e164().as_bytes();
    let national_id = patient.national_id.key_bytes();
    let is_reissue = |delivery: &Delivery| delivery.edition == Edition::Reissue;
    let is_another = !record.earlier.is_empty() || record.delivery.as_ref().is_some_and(is_reissue);
    let code = record.invitation.as_ref().filter(|_| is_another);
    let code = code.map(|codes| codes.code.expose_code().as_bytes());
    let with = |part: &[u8]| match code {
        Some(code) => Key::of(&[&national_id, part, code]),
        None => Key::of(&[&national_id, part]),
    };
    Some(Keys {
        work: with(mobile),
        invitation: with(b"invitation"),
    })
}

/// The texts to one patient.
struct Work {
    pledge: Pledge,
    mobile: UkMobile,
    row: SmsRow,
    /// There is no letter.
    alone: bool,
}

impl<D: NotifyDesk> Texts<D> {
    fn work(&self, record: &Record, channel: Channel) -> Result<Option<Work>, Verdict> {
        self.freshness.check(record)?;
        let (Some(patient), Some(codes), Some(keys)) =
            (&record.patient, &record.invitation, keys(record))
        else {
            return Ok(None);
        };
        let Some(mobile) = &patient.mobile else {
            return Ok(None);
        };
        let row = self.rules.sms(patient, codes, &self.organisation);
        let Some(row) = row.map(|row| if self.sms_fold { row.folded() } else { row }) else {
            return Ok(None);
        };
        let reference = Key::of(&[
            &patient.national_id.key_bytes(),
            mobile.expose_e164().as_bytes(),
            codes.code.expose_code().as_bytes(),
        ]);
        Ok(Some(Work {
            pledge: self.once.pledge(keys, reference, record.row.number)?,
            mobile: mobile.clone(),
            row,
            alone: channel == Channel::Sms,
        }))
    }

    /// Sends the texts to one patient, one after the other: the second only if Notify has the first.
    async fn texts(
        &self,
        mut work: Work,
        intents: &IntentLog,
    ) -> Result<Result<Vec<Dispatch>, Verdict>, Fatal> {
        let mut sent = Vec::new();
        for (number, template) in (1..).zip(&self.templates) {
            let reference = work.pledge.reference(&format!("sms-{number}"));
            let text = Piece::Text(Text {
                mobile: &work.mobile,
                template: &template.id,
                personalisation: template.fill(&work.row),
                reference: &reference,
                sender: self.sender.as_ref(),
            });
            match self.once.send(&mut work.pledge, &text, intents).await {
                Ok(dispatch) => sent.push(dispatch),
                Err(CallError::RefusedByNotify(_)) if !work.alone => {
                    sent.push(self.once.refused(&text));
                    break;
                }
                Err(error) => return error.into_verdict().map(Err),
            }
        }
        Ok(Ok(sent))
    }
}

impl<D: NotifyDesk> Stage for Texts<D> {
    type Work = Work;
    type Done = Vec<Dispatch>;
    type Gleaned = ();
    const NAME: StageName = StageName::Sms;
    const NEEDS_OWN: Kinds = Kinds::ALL;

    /// The patient and the number: what was sent to an earlier number does not answer a corrected one ([`keys`]).
    fn key(&self, record: &Record) -> Option<Key> {
        keys(record).map(|keys| keys.work)
    }

    fn recall(&self, line: &Recalled, _: Option<Key>) -> Result<(), Fatal> {
        let record = match line {
            Recalled::Record(record) => Some(record),
            Recalled::Intent(_) => None,
        };
        // What Notify refused has gone nowhere.
        let is_sent =
            record.is_some_and(|record| record.texts.iter().any(|text| text.id.is_some()));
        let keys = record.and_then(|record| keys(record));
        self.once.recall(line, keys, is_sent)
    }

    fn replay(&self, record: &Record) -> Replay {
        let is_first = keys(record)
            .map(|keys| [keys.work, keys.invitation].map(|key| self.once.is_first(key)));
        match is_first {
            Some(is_first) if is_first.contains(&false) => {
                Replay::Stop(Reason::AlreadyInvited.into())
            }
            _ => Replay::Answer,
        }
    }

    fn admit(&self, record: &Record) -> Admission<Work> {
        if !record.texts.is_empty() {
            return Admission::AlreadyDone;
        }
        let channel = match &record.delivery {
            None => return Admission::NotReady,
            Some(delivery) if delivery.channel == Channel::Letter => {
                return Admission::NotConcerned;
            }
            Some(delivery) => delivery.channel,
        };
        match self.work(record, channel) {
            Ok(Some(work)) => Admission::Work(work),
            Ok(None) => Admission::NotReady,
            // An outcome would keep the letter from being posted.
            Err(verdict) if verdict.reason == Reason::TextedBefore && channel == Channel::Both => {
                let row = record.row.number;
                tracing::warn!(
                    "row {row}: its text message was sent to an earlier number, so none was sent to the new number. To \
                     text the new number: run the same command again with --resend {row}"
                );
                Admission::AlreadyDone
            }
            Err(verdict) => Admission::Stop(verdict),
        }
    }

    async fn advance(&self, batch: Batch<Work>) -> BatchResult<Vec<Dispatch>> {
        let mut results = Vec::with_capacity(batch.work.len());
        for work in batch.work {
            results.push(self.texts(work, &batch.intents).await?);
        }
        Ok(results)
    }

    fn next_step(&self, records: Written<'_>) -> Option<NextStep> {
        let command = records.command(
            "pkb-letters sms status",
            "--wait 10m --output followed.ndjson",
        );
        Some(NextStep::Then(command))
    }

    fn done_for(&self, patient: NationalId) -> Option<String> {
        let words = "its text message was given to GOV.UK Notify: tell the patient not to use the codes. Tell your data \
            protection officer";
        self.once.has_sent(patient).then(|| words.to_owned())
    }

    fn apply(&self, record: &mut Record, sent: Vec<Dispatch>) {
        self.once.note_sent(record);
        record.texts = sent;
    }
}
