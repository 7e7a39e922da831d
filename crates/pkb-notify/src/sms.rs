//! The stage that sends text messages.
//!
//! A text that Notify does not take stops the record if there is no other way to the patient; with a letter beside it
//! the refusal is noted at the delivery, so that `pkb-notify post send` still sees the record.

use pkb_cli::{
    app::{self, StageRun},
    join_url::{self, with_codes},
};
use pkb_client::{
    CallError,
    notify::{NotifyDesk, TemplateId, Text},
};
use pkb_core::{
    Admission, Batch, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict,
    pipeline::Source,
    record::{Channel, Delivery, Dispatch, Edition},
    stage::{BatchResult, IntentLog, NextStep, Plan, Recalled},
    text_message::TextValues,
};
use pkb_files::journal::Key;
use pkb_values::{NationalId, UkMobile};
use url::Url;

use crate::{
    args::SendTextsArgs,
    freshness::Freshness,
    once::{Keys, Once, Piece, Pledge, with_journal},
    organisation,
    template::{TextTemplate, templates},
};

/// Sends the texts of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn send(mut args: SendTextsArgs) -> Result<ExitCode, Fatal> {
    args.stream = with_journal(args.stream, &mut args.once)?;
    let output = args.stream.target()?;
    let desk = args.notify.client(&args.stream.progress.monitor)?;
    let origins = args.stream.progress.monitor.origins();
    join_url::note_origin(&args.join_page.join_url, origins)?;
    let organisation = organisation::name(args.template.as_deref(), origins.is_rehearsal())?;
    let input = app::look_ahead(&args.stream, StageName::Sms, args.input.reader()?).await?;
    let templates = templates(&desk, &args.template_id).await?;
    let stage = Texts {
        templates,
        sender: args.sender_id,
        organisation,
        sms_fold: args.sms_fold,
        join_url: args.join_page.join_url,
        freshness: Freshness::new(&args.freshness, args.stream.clock()),
        once: Once::new(desk, &args.once, &args.stream),
    };
    let in_flight = args.notify.concurrency.into();
    let records = args.stream.written();
    let command = records.command(
        "pkb-notify sms status",
        "--wait 10m --output followed.ndjson",
    );
    let run = StageRun {
        stage,
        source: Source::Ndjson(input),
        output,
        in_flight,
        next_step: Some(NextStep::Then(command)),
    };
    app::run_stage(run, &args.stream).await
}

struct Texts<D> {
    templates: Vec<TextTemplate>,
    sender: Option<TemplateId>,
    organisation: String,
    /// Whether names are written without accents that make a text dearer.
    sms_fold: bool,
    join_url: Url,
    freshness: Freshness,
    once: Once<D>,
}

/// A reissue and a reminder are other invitations, with their codes; other codes from another run of pkb-tokens are not. A
/// number that was corrected is other work for the same invitation.
fn keys(record: &Record) -> Option<Keys> {
    let patient = record.patient.as_ref()?;
    let mobile = patient.mobile.as_ref()?.expose_e164().as_bytes();
    let national_id = patient.national_id.key_bytes();
    let is_reissue = |text: &Delivery| text.edition == Edition::Reissue;
    let is_another =
        !record.earlier.is_empty() || record.delivery(Channel::Sms).is_some_and(is_reissue);
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
    values: TextValues,
    /// There is no other way to the patient.
    is_alone: bool,
}

impl<D: NotifyDesk> Texts<D> {
    fn work(&self, record: &Record, is_alone: bool) -> Result<Option<Work>, Verdict> {
        self.freshness.check(record)?;
        let (Some(patient), Some(codes), Some(keys)) =
            (&record.patient, &record.invitation, keys(record))
        else {
            return Ok(None);
        };
        let Some(mobile) = &patient.mobile else {
            return Ok(None);
        };
        let link = with_codes(&self.join_url, codes).to_string();
        let Some(values) = TextValues::of(patient, codes, &self.organisation, link) else {
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
            values: if self.sms_fold {
                values.folded()
            } else {
                values
            },
            is_alone,
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
                personalisation: template.fill(&work.values),
                reference: &reference,
                sender: self.sender.as_ref(),
            });
            match self.once.send(&mut work.pledge, &text, intents).await {
                Ok(dispatch) => sent.push(dispatch),
                Err(CallError::RefusedByNotify(_)) if !work.is_alone => {
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

    fn plan(&self) -> Plan {
        Plan::one_by_one(StageName::Sms)
    }

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
        let is_sent = record.is_some_and(|record| {
            let mut texts = record.dispatches(StageName::Sms).iter();
            texts.any(|text| text.id.is_some())
        });
        let keys = record.and_then(|record| keys(record));
        self.once.recall(line, keys, is_sent)
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<Work> {
        if in_journal {
            let is_first = keys(record)
                .map(|keys| [keys.work, keys.invitation].map(|key| self.once.is_first(key)));
            return match is_first {
                Some(is_first) if is_first.contains(&false) => {
                    Admission::Stop(Reason::AlreadyInvited.into())
                }
                _ => Admission::AlreadyDone,
            };
        }
        match record.delivery(Channel::Sms) {
            None if record.deliveries.is_empty() => return Admission::NotReady,
            None => return Admission::NotConcerned,
            Some(text) if !text.dispatches.is_empty() => return Admission::AlreadyDone,
            Some(_) => {}
        }
        let is_alone = record.deliveries.len() == 1;
        match self.work(record, is_alone) {
            Ok(Some(work)) => Admission::Work(work),
            Ok(None) => Admission::NotReady,
            // An outcome would keep the letter from being posted.
            Err(verdict) if verdict.reason == Reason::TextedBefore && !is_alone => {
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

    fn done_for(&self, patient: NationalId) -> Option<String> {
        let words = "its text message was given to GOV.UK Notify: tell the patient not to use the codes. Tell your data \
            protection officer";
        self.once.has_sent(patient).then(|| words.to_owned())
    }

    fn apply(&self, record: &mut Record, sent: Vec<Dispatch>) {
        self.once.note_sent(record);
        record.set_dispatches(StageName::Sms, sent);
    }
}
