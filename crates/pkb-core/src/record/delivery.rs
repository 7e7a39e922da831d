//! What goes to a patient: one entry a channel.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    AddressMark, Channel, Dispatch, PrintStatus, Record, Reference, ReturnReason, Unknown, bounds,
};
use crate::StageName;
use pkb_values::{LetterFormat, LetterLanguages};

/// What was made for a patient for one channel, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Delivery {
    /// By which channel.
    pub channel: Channel,
    /// Its name for those who print and post it. It comes back in their reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The file that it is in: a PDF, or a spreadsheet.
    pub file: String,
    /// The day that it bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// First and last page in that file, from 1; absent in a spreadsheet.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "bounds::some_pages"
    )]
    pub pages: Option<(u64, u64)>,
    /// Number of the letter in the campaign, from 1, as printed on it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "bounds::some_sequence"
    )]
    pub sequence: Option<u64>,
    /// In which languages the letter is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<LetterLanguages>,
    /// How large its print is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<LetterFormat>,
    /// Which of the template's designs it is; absent for the usual letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<Design>,
    /// Whether it is the patient's first of the campaign.
    #[serde(default, skip_serializing_if = "Edition::is_first")]
    pub edition: Edition,
    /// What it was made instead of, if it was made again, the newest first. Of these none replaces anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<Delivery>,
    /// Which address it went to, so that a later address can be told from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_to: Option<AddressMark>,
    /// How far it is, by the last report of the mail company (pkb returns).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PrintStatus>,
    /// When it came to be so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_at: Option<Timestamp>,
    /// Why it came back, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_because: Option<ReturnReason>,
    /// When it was handed to the post, each time that was reported: more than one time means more than one letter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dispatched_at: Vec<Timestamp>,
    /// What a service was given of it, which sends it: a letter, or text messages in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dispatches: Vec<Dispatch>,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Whether an invitation is the patient's first of a campaign.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    /// It is.
    #[default]
    First,
    /// An earlier letter again, with the same codes.
    Reprint,
    /// Another letter, with new codes.
    Reissue,
}

impl Edition {
    /// All of them, the first first.
    pub const ALL: [Self; 3] = [Self::First, Self::Reprint, Self::Reissue];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Reprint => "reprint",
            Self::Reissue => "reissue",
        }
    }

    fn is_first(&self) -> bool {
        *self == Self::First
    }
}

/// What a letter is for, and so which of the template's designs it has.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Design {
    /// A letter on its own
    #[default]
    Letter,
    /// A sheet that goes into the envelope of another letter; it bears no address
    Insert,
    /// A letter to somebody who was invited before and has not registered
    Reminder,
    /// A letter to somebody who can register with NHS login and has no codes
    #[serde(rename = "nhs-login")]
    NhsLogin,
}

impl Design {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Letter, Self::Insert, Self::Reminder, Self::NhsLogin];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::Insert => "insert",
            Self::Reminder => "reminder",
            Self::NhsLogin => "nhs-login",
        }
    }

    /// Whether it bears the patient's codes.
    #[must_use]
    pub fn has_codes(self) -> bool {
        self != Self::NhsLogin
    }

    /// Whether it bears the patient's address.
    #[must_use]
    pub fn has_address(self) -> bool {
        self != Self::Insert
    }
}

/// What went to a patient before the present invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EarlierInvitation {
    /// One entry a channel.
    pub deliveries: Vec<Delivery>,
    /// Whether the next invitation is no reminder but the same invitation, by the next channel of a plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continued: bool,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Delivery {
    /// Nothing but the place of a delivery.
    #[must_use]
    pub fn new(channel: Channel, file: String) -> Self {
        Self {
            channel,
            reference: None,
            file,
            date: None,
            pages: None,
            sequence: None,
            languages: None,
            format: None,
            design: None,
            edition: Edition::First,
            replaces: Vec::new(),
            sent_to: None,
            status: None,
            status_at: None,
            returned_because: None,
            dispatched_at: Vec::new(),
            dispatches: Vec::new(),
            unknown: Unknown::new(),
        }
    }

    /// This one and those that it replaces.
    pub fn with_replaced(&self) -> impl Iterator<Item = &Self> {
        [self].into_iter().chain(&self.replaces)
    }

    fn is_at_the_place_of(&self, other: &Self) -> bool {
        (self.channel, &self.file, self.sequence) == (other.channel, &other.file, other.sequence)
    }

    /// The first of its pages.
    #[must_use]
    pub fn first_page(&self) -> Option<u64> {
        self.pages.map(|(first, _)| first)
    }
}

impl Record {
    /// What goes to the patient by a channel.
    #[must_use]
    pub fn delivery(&self, channel: Channel) -> Option<&Delivery> {
        self.deliveries.iter().find(|own| own.channel == channel)
    }

    /// All deliveries of the present invitation, and what they replace.
    pub fn all_deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.iter().flat_map(Delivery::with_replaced)
    }

    /// The deliveries of the present invitation by earlier channels of its plan, the newest first.
    pub fn continued_deliveries(&self) -> impl Iterator<Item = &Delivery> {
        let earlier = self.earlier.iter().rev();
        let own = earlier.take_while(|earlier| earlier.continued);
        own.flat_map(|earlier| &earlier.deliveries)
    }

    /// How many reminders the patient was sent.
    #[must_use]
    pub fn reminders(&self) -> usize {
        let continued = self.earlier.iter().filter(|earlier| earlier.continued);
        // The first invitation reminds of nothing.
        self.invitations()
            .count()
            .saturating_sub(1 + continued.count())
    }

    /// The deliveries of each invitation, the oldest first.
    pub fn invitations(&self) -> impl DoubleEndedIterator<Item = &[Delivery]> {
        let earlier = self.earlier.iter().map(|earlier| &*earlier.deliveries);
        let present = (!self.deliveries.is_empty()).then_some(&*self.deliveries);
        earlier.chain(present)
    }

    /// What `stage` gave to a service.
    #[must_use]
    pub fn dispatches(&self, stage: StageName) -> &[Dispatch] {
        let delivery = Channel::of_stage(stage).and_then(|channel| self.delivery(channel));
        delivery.map_or(&[], |delivery| &delivery.dispatches)
    }

    /// Notes what `stage` gave to a service.
    pub fn set_dispatches(&mut self, stage: StageName, dispatches: Vec<Dispatch>) {
        let mut own = self.deliveries.iter_mut();
        if let Some(delivery) = own.find(|own| own.channel.sent_by() == Some(stage)) {
            delivery.dispatches = dispatches;
        }
    }

    /// Removes what `stage` gave to a service, and the entry if the stage made it.
    pub(crate) fn clear_dispatches(&mut self, stage: StageName) {
        self.set_dispatches(stage, Vec::new());
        self.deliveries.retain(|own| own.channel.made_by() != stage);
    }

    /// Notes a delivery that is made and given to a service at once, in the place of an earlier one by the same channel.
    pub fn set_delivery(&mut self, delivery: Delivery) {
        self.deliveries
            .retain(|own| own.channel != delivery.channel);
        self.deliveries.push(delivery);
        self.deliveries.sort_by_key(|own| own.channel);
    }

    /// Takes over what `stage` gave to a service, from an earlier form of this record.
    pub(crate) fn take_over_dispatches(&mut self, stage: StageName, settled: Vec<Delivery>) {
        let mut settled = settled.into_iter();
        let Some(settled) = settled.find(|one| one.channel.sent_by() == Some(stage)) else {
            return;
        };
        let is_made_elsewhere = settled.channel.made_by() != stage;
        match self.delivery(settled.channel).filter(|_| is_made_elsewhere) {
            Some(_) => self.set_dispatches(stage, settled.dispatches),
            None => self.set_delivery(settled),
        }
    }
}

/// What the services were given stays with the deliveries that it was given for, whatever a stage takes over.
pub(crate) fn keep_dispatches(deliveries: &mut [Delivery], own: Vec<Delivery>) {
    for own in own.into_iter().filter(|own| !own.dispatches.is_empty()) {
        let same = deliveries.iter_mut().find_map(|taken| {
            if taken.is_at_the_place_of(&own) {
                return Some(taken);
            }
            let mut replaced = taken.replaces.iter_mut();
            replaced.find(|replaced| replaced.is_at_the_place_of(&own))
        });
        if let Some(same) = same {
            same.dispatches = own.dispatches;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(deliveries: &Value) -> Record {
        let row = json!({"file": "a.csv", "number": 7, "of": 9});
        let record = json!({"schema": "pkb-record/1", "row": row, "deliveries": deliveries});
        serde_json::from_value(record).unwrap()
    }

    fn sent(reference: &str) -> Value {
        json!([{"reference": reference, "status": "created", "at": "2026-11-22T09:00:00Z"}])
    }

    #[test]
    fn what_a_stage_sent_is_noted_at_its_channel_and_settles_its_stage_alone() {
        let both =
            json!([{"channel": "letter", "file": "a.pdf"}, {"channel": "sms", "file": "a.csv"}]);
        let mut own = record(&both);
        assert!(own.is_settled_by(StageName::Letters) && !own.is_settled_by(StageName::Sms));
        let dispatches: Vec<Dispatch> = serde_json::from_value(sent("r")).unwrap();
        own.set_dispatches(StageName::Sms, dispatches.clone());
        assert_eq!(own.dispatches(StageName::Sms), dispatches);
        assert!(own.is_settled_by(StageName::Sms) && !own.is_settled_by(StageName::Post));
        let mut again = record(&both);
        again.take_over(StageName::Sms, own.clone());
        assert_eq!(again, own);
        again.clear(StageName::Sms);
        assert_eq!(again, record(&both));
    }

    #[test]
    fn what_was_sent_stays_with_its_letter_when_that_was_made_again() {
        let mut own = record(&json!([
            {"channel": "letter", "file": "letters-0001.pdf", "sequence": 1, "dispatches": sent("first")},
        ]));
        own.take_over(
            StageName::Letters,
            record(&json!([{
                "channel": "letter", "file": "reprint-0001.pdf", "sequence": 9, "edition": "reprint",
                "replaces": [{"channel": "letter", "file": "letters-0001.pdf", "sequence": 1}],
            }])),
        );
        let references: Vec<usize> = own
            .all_deliveries()
            .map(|delivery| delivery.dispatches.len())
            .collect();
        assert_eq!(references, [0, 1]);
    }
}
