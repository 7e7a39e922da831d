//! The stage that has letters made of a template at GOV.UK Notify, printed and posted.

use std::collections::BTreeMap;

use pkb_client::notify::{NotifyApi, TemplateId, TemplateLetter};
use pkb_core::{
    ExitCode, Fatal, Reason, Record, StageName, Verdict, record::Channel, stage::IntentLog,
};
use pkb_files::journal::Key;
use pkb_postal::notify;

use crate::{
    args::SendRowsArgs,
    once::{Keys, Notification, SendOnce},
    row_files::{RowFiles, TEMPLATE},
    sending::{PendingSend, Recipient, Sender, Sent, Start, keys_of_file, reference_of},
    template::look_at,
};

/// Posts the letters of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn send(args: SendRowsArgs) -> Result<ExitCode, Fatal> {
    let start = Start::of(args.common)?;
    let template = look_at(&start.client, TEMPLATE, &args.letter_template_id).await?;
    let sender = Rows {
        files: RowFiles::new(args.rows, &template)?,
        template: args.letter_template_id,
    };
    let next = ["in some days: ", "--output followed.ndjson"];
    start.run(sender, args.input.open()?, next).await
}

/// The rows.
struct Rows {
    files: RowFiles,
    template: TemplateId,
}

impl Sender for Rows {
    const NAME: StageName = StageName::Rows;
    const WITHDRAWAL: &str =
        "its letter was given to GOV.UK Notify. Cancel the letter there if it is not printed yet";
    type Content = Result<BTreeMap<String, String>, Fatal>;

    fn keys(record: &Record) -> Option<Keys> {
        keys_of_file(record, Channel::Data)
    }

    fn prepare(&self, to: Recipient<'_>) -> Result<Option<(Self::Content, Key)>, Verdict> {
        notify::check(to.patient)
            .map_err(|words| Verdict::with_detail(Reason::Unmailable, words))?;
        let values = match self.files.personalisation(to.record, to.delivery) {
            Ok(values) => Ok(values?),
            Err(fatal) => Err(fatal),
        };
        let reference = reference_of(to, to.delivery.file.as_bytes());
        Ok(Some((values, reference)))
    }

    async fn send(
        &self,
        once: &SendOnce<impl NotifyApi>,
        mut parcel: PendingSend<Self::Content>,
        intents: &IntentLog,
    ) -> Sent {
        let reference = parcel.intent.reference("letter");
        let letter = Notification::TemplateLetter(TemplateLetter {
            template: &self.template,
            personalisation: parcel.content?,
            reference: &reference,
        });
        match once.send(&mut parcel.intent, &letter, intents).await {
            Ok(dispatch) => Ok(Ok(vec![dispatch])),
            Err(error) => error.into_verdict().map(Err),
        }
    }
}
