//! The stage that has letters printed and posted.

use std::path::PathBuf;

use jiff::civil::Date;
use pkb_client::notify::{NotifyApi, PdfLetter};
use pkb_core::{
    ExitCode, Fatal, Reason, Record, StageName, Verdict,
    price_list::{self, Price, PriceList},
    record::Channel,
    rows::counted,
    stage::IntentLog,
    text_message::english_date,
};
use pkb_files::journal::Key;
use pkb_postal::notify;
use pkb_print_files::data_profile::Postage;
use pkb_values::Money;

use crate::{
    args::SendLettersArgs,
    letter_file::LetterFile,
    once::{Keys, Notification, SendOnce},
    sending::{PendingSend, Recipient, Sender, Sent, Start, keys_of_file, reference_of},
};

/// Posts the letters of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn send(args: SendLettersArgs) -> Result<ExitCode, Fatal> {
    let start = Start::of(args.common)?;
    let sender = Letters {
        folder: args.letters,
        postage: args.postage,
        today: start.args.stream.clock().today(),
    };
    let next = ["in some days: ", "--output followed.ndjson"];
    start.run(sender, args.input.open()?, next).await
}

/// The letters.
struct Letters {
    folder: PathBuf,
    postage: Postage,
    today: Date,
}

impl Letters {
    fn listed_price(&self, sheets: u64, is_abroad: bool) -> Option<Price> {
        let postage = if is_abroad {
            "abroad"
        } else {
            self.postage.as_str()
        };
        PriceList::of_notify().of_letter(postage, sheets, self.today)
    }
}

impl Sender for Letters {
    const NAME: StageName = StageName::Post;
    const WITHDRAWAL: &str =
        "its letter was given to GOV.UK Notify. Cancel the letter there if it is not printed yet";
    type Content = LetterFile;

    fn keys(record: &Record) -> Option<Keys> {
        keys_of_file(record, Channel::Letter)
    }

    fn prepare(&self, to: Recipient<'_>) -> Result<Option<(LetterFile, Key)>, Verdict> {
        notify::check(to.patient)
            .map_err(|words| Verdict::with_detail(Reason::Unmailable, words))?;
        let file = LetterFile::of(&self.folder, to.record, to.delivery, to.codes)?;
        let reference = reference_of(to, to.delivery.file.as_bytes());
        Ok(file.map(|file| (file, reference)))
    }

    fn price(&self, record: &Record) -> Option<Money> {
        let (first, last) = record.delivery(Channel::Letter)?.pages?;
        let sheets = price_list::sheets(last.checked_sub(first)? + 1);
        let is_abroad = record.patient.as_ref()?.postcode.is_none();
        let listed = self.listed_price(sheets, is_abroad)?;
        Some(listed.price)
    }

    fn total(&self, count: u64, sum: Money) -> Option<String> {
        let since = self.listed_price(1, false)?.from;
        Some(format!(
            "{} given to GOV.UK Notify cost {sum} plus VAT ({} class, prices since {})",
            counted(count, "letter", "letters"),
            self.postage.as_str(),
            english_date(since)
        ))
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
