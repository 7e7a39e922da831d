//! The stage that sends text messages.
//!
//! A text that Notify does not take stops the record if there is no other way to the patient; with a letter beside it
//! the refusal is noted at the delivery, so that `pkb-notify post send` still sees the record.

use std::sync::{Arc, atomic::AtomicBool};

use pkb_cli::{
    app,
    join_url::{self, with_codes},
};
use pkb_client::{
    CallError,
    notify::{NotifyApi, TemplateId, Text},
};
use pkb_core::{
    ExitCode, Fatal, Record, StageName, Verdict,
    monitor::Monitor,
    pipeline::Source,
    record::{Channel, Delivery, Edition},
    stage::IntentLog,
    text_message::TextValues,
};
use pkb_files::journal::Key;
use pkb_values::UkMobile;
use url::Url;

use crate::{
    args::SendTextsArgs,
    once::{Keys, Notification, SendOnce},
    organisation,
    sending::{PendingSend, Recipient, Sender, Sent, Start, reference_of},
    sending_hours::WaitForHours,
    template::{TextTemplate, templates},
};

/// Sends the texts of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn send(args: SendTextsArgs) -> Result<ExitCode, Fatal> {
    let start = Start::of(args.common)?;
    let stream = &start.args.stream;
    let monitor = Arc::clone(&stream.progress.monitor);
    join_url::note_origin(&args.join_page.join_url, monitor.origins())?;
    let is_rehearsal = monitor.origins().is_rehearsal();
    let organisation = organisation::name(args.template.as_deref(), is_rehearsal)?;
    let input = app::look_ahead(stream, StageName::Sms, args.input.reader()?).await?;
    let sender = Texts {
        templates: templates(&start.client, &args.template_id).await?,
        sender_id: args.sender_id,
        organisation,
        fold: args.sms_fold,
        join_url: args.join_page.join_url,
        hours: args.between.map(|hours| WaitForHours {
            hours,
            weekdays: args.weekdays,
            clock: stream.clock(),
            is_told: AtomicBool::new(false),
        }),
        monitor,
    };
    let next = ["", "--wait 10m --output followed.ndjson"];
    start.run(sender, Source::Ndjson(input), next).await
}

/// The text messages.
struct Texts {
    templates: Vec<TextTemplate>,
    sender_id: Option<TemplateId>,
    organisation: String,
    /// Whether names are written without accents that make a text dearer.
    fold: bool,
    join_url: Url,
    /// When texts may be sent; at any time if nobody says.
    hours: Option<WaitForHours>,
    monitor: Arc<Monitor>,
}

impl Sender for Texts {
    const NAME: StageName = StageName::Sms;
    const WITHDRAWAL: &str =
        "its text message was given to GOV.UK Notify. Tell the patient not to use the codes";
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
        let reference = reference_of(to, mobile.expose_e164().as_bytes());
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
        if let Some(hours) = &self.hours {
            hours.wait(&self.monitor).await;
        }
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
