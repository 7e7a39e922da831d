//! Text messages through GOV.UK Notify, as a spreadsheet and template texts that a person uploads.
//!
//! * `args`: what can be asked.
//! * `text`: the template texts, and what stands in a message.
//! * `sheet`: the spreadsheet.
//! * `message_cost`: what the messages cost, and which of them need a look.
//!
//! All texts are in one language. Where there is to be another, `Texts` is what a row's language
//! chooses, and a sheet is for one choice: Notify takes one template a sheet.

pub mod args;
mod message_cost;
#[cfg(test)]
mod notify_reads_tests;
mod sheet;
mod text;

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use pkb_cli::join_url::with_codes;
use pkb_cli::progress::tell;
use pkb_core::{
    Fatal, Reason, Record, Verdict,
    price_list::PriceList,
    record::{Channel, Delivery},
    rehearsal::FILE_PREFIX,
    text_message::TextValues,
};
use pkb_files::atomic_file::AtomicFile;
use pkb_print_files::shared_mobiles::{self, SharedMobiles};
use pkb_values::Money;
use url::Url;

use self::{
    args::SmsArgs,
    message_cost::MessageCost,
    sheet::{SmsSpreadsheets, SpreadsheetNumbers},
    text::Texts,
};
use super::{
    letter::rules::LetterRules,
    maker::{DeliveryMaker, Invitee, Setup},
};

/// What makes text messages.
pub(crate) struct SmsMaker {
    organisation: String,
    join_url: Url,
    /// Whether names are written without accents that make a text dearer.
    fold: bool,
    numbers: Mutex<SpreadsheetNumbers>,
    /// None once they are finished.
    messages: Mutex<Option<TextMessages>>,
}

impl SmsMaker {
    /// No text messages yet.
    ///
    /// # Errors
    /// The organisation's own texts cannot be used, or the folder cannot be read.
    pub(super) fn new(setup: &Setup<'_>) -> Result<Self, Fatal> {
        let organisation = &setup.rules.template.settings().organisation.name;
        let args = &setup.args.sms_texts;
        let is_rehearsal = setup.series.is_rehearsal();
        let messages = TextMessages::new(setup.folder, args, &setup.rules, is_rehearsal)?;
        Ok(Self {
            organisation: organisation.clone(),
            join_url: setup.rules.join_url.clone(),
            fold: args.sms_fold,
            numbers: Mutex::new(SpreadsheetNumbers::new(setup.folder, setup.series)?),
            messages: Mutex::new(Some(messages)),
        })
    }

    fn values(&self, to: &Invitee<'_>) -> Option<TextValues> {
        let codes = to.codes?;
        let link = with_codes(&self.join_url, codes).to_string();
        let values = TextValues::of(to.patient, codes, &self.organisation, link)?;
        Some(if self.fold { values.folded() } else { values })
    }

    fn add(&self, row: u64, sheet: &str, values: &TextValues) -> Result<(), Fatal> {
        let is_finished = self.numbers.lock().is_finished(sheet);
        let mut messages = self.messages.lock();
        let messages = messages
            .as_mut()
            .ok_or_else(|| Fatal::Bug("a text message came after the last".into()))?;
        messages.add(row, (!is_finished).then_some(sheet), values)
    }
}

impl DeliveryMaker for SmsMaker {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn draft(&self, to: &Invitee<'_>) -> Result<Delivery, Verdict> {
        match &to.patient.mobile {
            Some(mobile) if mobile.region().is_none() => Err(Verdict::with_detail(
                Reason::NoMobile,
                "no mobile number begins like this one, so GOV.UK Notify refuses it",
            )),
            Some(_) => Ok(Delivery::new(Channel::Sms, String::new())),
            None => Err(Reason::NoMobile.into()),
        }
    }

    fn assign(&self, to: &Invitee<'_>, draft: &mut Delivery) {
        if let Some(values) = self.values(to) {
            draft.file = self.numbers.lock().assign(&values);
        }
    }

    fn answered(&self, to: &Invitee<'_>, delivery: &Delivery) {
        if let Some(values) = self.values(to) {
            self.numbers.lock().recount(&delivery.file, &values);
        }
    }

    fn enter(&self, record: &Record) -> Result<(), Fatal> {
        let (Some(delivery), Some(to)) = (record.delivery(Channel::Sms), Invitee::of(record))
        else {
            return Ok(());
        };
        match self.values(&to) {
            Some(values) => self.add(record.row.number, &delivery.file, &values),
            None => Ok(()),
        }
    }

    fn finish(&self) -> Result<(), Fatal> {
        let messages = self.messages.lock().take();
        messages.map_or(Ok(()), TextMessages::finish)
    }
}

/// All that a campaign writes about its text messages: sheets, texts, shared mobiles, and the cost.
struct TextMessages {
    folder: PathBuf,
    texts: Texts,
    sheets: SmsSpreadsheets,
    cost: MessageCost,
    shared: SharedMobiles,
    is_rehearsal: bool,
}

impl TextMessages {
    /// Nothing yet, for `folder`.
    ///
    /// # Errors
    /// The organisation's own texts cannot be used.
    fn new(
        folder: &Path,
        args: &SmsArgs,
        rules: &LetterRules,
        is_rehearsal: bool,
    ) -> Result<Self, Fatal> {
        let organisation = &rules.template.settings().organisation.name;
        let texts = Texts::open(&args.sms_template, rules.design)
            .map_err(|error| Fatal::Usage(format!("--sms-template: {error}")))?;
        let texts = if args.sms_fold { texts.folded() } else { texts };
        let of_notify = PriceList::of_notify().of_fragment(rules.expiry.today);
        let of_notify = of_notify.map_or(Money::ZERO, |price| price.price);
        let prefix = args.sms_prefix.as_deref().unwrap_or(organisation);
        Ok(Self {
            folder: folder.to_owned(),
            cost: MessageCost::new(prefix, args.sms_price.unwrap_or(of_notify)),
            texts,
            sheets: SmsSpreadsheets::new(folder, is_rehearsal),
            shared: SharedMobiles::default(),
            is_rehearsal,
        })
    }

    /// Counts the message to the patient of `row_number`, and writes its row into `sheet` unless
    /// that is finished (`None`).
    ///
    /// # Errors
    /// The sheet cannot be written.
    fn add(&mut self, row_number: u64, sheet: Option<&str>, row: &TextValues) -> Result<(), Fatal> {
        self.cost.add(row_number, &self.texts, row);
        self.shared.add(row_number, &row.phone_number);
        match sheet {
            Some(sheet) => self.sheets.add(sheet, row),
            None => Ok(()),
        }
    }

    /// Gives the files their names, and says what there is to say about the messages.
    ///
    /// # Errors
    /// A file cannot be written.
    fn finish(self) -> Result<(), Fatal> {
        if self.cost.is_empty() {
            return Ok(());
        }
        if self.sheets.is_open() {
            self.texts.write(&self.folder)?;
        }
        self.sheets.finish()?;
        let rehearsal = if self.is_rehearsal { FILE_PREFIX } else { "" };
        let name = format!("{rehearsal}{}", shared_mobiles::FILE_NAME);
        let path = self.folder.join(name);
        AtomicFile::write(&path, self.shared.csv().as_bytes())?;
        tell(self.cost.to_string());
        if let Some(warning) = self.shared.warning(&path) {
            tell(warning);
        }
        Ok(())
    }
}
