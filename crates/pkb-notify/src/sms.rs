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
    notify::{NotifyApi, TemplateId, Text},
};
use pkb_core::{
    ExitCode, Fatal, Record, StageName, Verdict,
    pipeline::Source,
    record::{Channel, Delivery, Edition},
    stage::{IntentLog, NextStep},
    text_message::TextValues,
};
use pkb_files::journal::Key;
use pkb_values::UkMobile;
use url::Url;

use crate::{
    args::SendTextsArgs,
    freshness::Freshness,
    once::{Keys, Notification, SendOnce, with_journal},
    organisation,
    sending::{PendingSend, Recipient, Sender, Sending, Sent},
    template::{TextTemplate, templates},
};

/// Sends the texts of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn send(mut args: SendTextsArgs) -> Result<ExitCode, Fatal> {
    args.stream = with_journal(args.stream, &mut args.once)?;
    let output = args.stream.target()?;
    let client = args.notify.client(&args.stream.progress.monitor)?;
    let origins = args.stream.progress.monitor.origins();
    join_url::note_origin(&args.join_page.join_url, origins)?;
    let organisation = organisation::name(args.template.as_deref(), origins.is_rehearsal())?;
    let input = app::look_ahead(&args.stream, StageName::Sms, args.input.reader()?).await?;
    let templates = templates(&client, &args.template_id).await?;
    let stage = Sending {
        sender: Texts {
            templates,
            sender_id: args.sender_id,
            organisation,
            fold: args.sms_fold,
            join_url: args.join_page.join_url,
        },
        freshness: Freshness::new(&args.freshness, args.stream.clock()),
        once: SendOnce::new(client, &args.once, &args.stream),
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

/// The text messages.
struct Texts {
    templates: Vec<TextTemplate>,
    sender_id: Option<TemplateId>,
    organisation: String,
    /// Whether names are written without accents that make a text dearer.
    fold: bool,
    join_url: Url,
}

impl Sender for Texts {
    const NAME: StageName = StageName::Sms;
    const WITHDRAWAL: &str =
        "its text message was given to GOV.UK Notify: tell the patient not to use the codes";
    type Content = (UkMobile, TextValues);

    /// The patient and the number: what was sent to an earlier number does not answer a corrected one, which is other work for the
    /// same invitation. A reissue and a reminder are other invitations, with their codes; other codes from another run of
    /// pkb-tokens are not.
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

    fn prepare(&self, to: Recipient<'_>) -> Result<Option<(Self::Content, Key)>, Verdict> {
        let link = with_codes(&self.join_url, to.codes).to_string();
        let values = TextValues::of(to.patient, to.codes, &self.organisation, link);
        let Some((mobile, values)) = to.patient.mobile.clone().zip(values) else {
            return Ok(None);
        };
        let reference = Key::of(&[
            &to.patient.national_id.key_bytes(),
            mobile.expose_e164().as_bytes(),
            to.codes.code.expose_code().as_bytes(),
        ]);
        let values = if self.fold { values.folded() } else { values };
        Ok(Some(((mobile, values), reference)))
    }

    /// Sends the texts to one patient, one after the other: the second only if Notify has the first.
    async fn send(
        &self,
        once: &SendOnce<impl NotifyApi>,
        mut parcel: PendingSend<Self::Content>,
        intents: &IntentLog,
    ) -> Sent {
        let (mobile, values) = &parcel.content;
        let mut sent = Vec::new();
        for (number, template) in (1..).zip(&self.templates) {
            let reference = parcel.intent.reference(&format!("sms-{number}"));
            let text = Notification::Text(Text {
                mobile,
                template: &template.id,
                personalisation: template.fill(values),
                reference: &reference,
                sender: self.sender_id.as_ref(),
            });
            match once.send(&mut parcel.intent, &text, intents).await {
                Ok(dispatch) => sent.push(dispatch),
                Err(CallError::RefusedByNotify(_)) if !parcel.is_alone => {
                    sent.push(once.refused(&text));
                    break;
                }
                Err(error) => return error.into_verdict().map(Err),
            }
        }
        Ok(Ok(sent))
    }
}
