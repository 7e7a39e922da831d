//! The ways to a patient, and all that is to be known of each beside how its files are made.

use serde::{Deserialize, Serialize};

use crate::StageName;

/// What a delivery by a channel is made of, beside the name and the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoesTo {
    /// The address and postcode.
    Address,
    /// The mobile number.
    Mobile,
    /// The NHS number alone: the service looks up where to.
    NhsNumber,
}

/// What is to be known of a channel.
struct Facts {
    /// The name on the wire.
    name: &'static str,
    /// One of them, and several.
    words: [&'static str; 2],
    /// The stage that makes the entry in the record.
    made_by: StageName,
    /// The stage that hands them to a service which sends them, if there is one.
    sent_by: Option<StageName>,
    /// What was given to that service, as the report's tables have it: the column's name, and what it is called. Nothing if there
    /// is no such service.
    given: Option<[&'static str; 2]>,
    /// What it needs of the patient.
    goes_to: GoesTo,
    /// How the names of its spreadsheets begin; nothing if it has letters, whose names hang on their edition.
    spreadsheets: Option<&'static str>,
    /// Where it is: a clause with `{file}` and perhaps `{page}`.
    place: &'static str,
    /// What to do if it must not go out, likewise.
    withdrawal: &'static str,
}

macro_rules! channels {
    ($($(#[$doc:meta])* $variant:ident = $facts:expr;)+) => {
        /// A way to the patient.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Channel {
            $($(#[$doc])* $variant,)+
        }

        impl Channel {
            /// All of them. The entries of a record are in this order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            fn facts(self) -> Facts {
                match self { $(Self::$variant => $facts,)+ }
            }
        }
    };
}

channels! {
    /// A letter on paper.
    Letter = Facts {
        name: "letter",
        words: ["letter", "letters"],
        made_by: StageName::Letters,
        sent_by: Some(StageName::Post),
        given: Some(["letters_given", "Letters given to GOV.UK Notify"]),
        goes_to: GoesTo::Address,
        spreadsheets: None,
        place: "its letter is {file}, page {page}",
        withdrawal: "its letter was printed: remove page {page} of {file} before the letters are posted",
    };
    /// A text message.
    Sms = Facts {
        name: "sms",
        words: ["text message", "text messages"],
        made_by: StageName::Letters,
        sent_by: Some(StageName::Sms),
        given: Some(["texts_given", "Texts given to GOV.UK Notify"]),
        goes_to: GoesTo::Mobile,
        spreadsheets: Some("sms-"),
        place: "its text message is in {file}",
        withdrawal: "its text message is in {file}: delete that line before the spreadsheet is uploaded",
    };
    /// A row of data, from which a mail company makes the letter.
    Data = Facts {
        name: "data",
        words: ["row for a mail company", "rows for a mail company"],
        made_by: StageName::Letters,
        sent_by: Some(StageName::Rows),
        given: Some(["rows_given", "Rows given to GOV.UK Notify"]),
        goes_to: GoesTo::Address,
        spreadsheets: Some("data-"),
        place: "its row for the mail company is in {file}",
        withdrawal: "its row for the mail company is in {file}: give the company the reference of the letter, and ask them not to post it",
    };
    /// The text of a letter, from which a specialist supplier makes braille, audio and so on.
    Format = Facts {
        name: "format",
        words: ["letter in a different format", "letters in other formats"],
        made_by: StageName::Letters,
        sent_by: None,
        given: None,
        goes_to: GoesTo::Address,
        spreadsheets: None,
        place: "its letter for the specialist supplier is {file}",
        withdrawal: "its letter for the specialist supplier is {file}: give the supplier the reference of the letter, and ask them not to send it",
    };
    /// A message that NHS Notify sends by the NHS App, email, text message or letter. Its file is the name of its batch there.
    NhsNotify = Facts {
        name: "nhs_notify",
        words: ["message through NHS Notify", "messages through NHS Notify"],
        made_by: StageName::Nhs,
        sent_by: Some(StageName::Nhs),
        given: Some(["nhs_messages_given", "Messages given to NHS Notify"]),
        goes_to: GoesTo::NhsNumber,
        spreadsheets: None,
        place: "its message is in batch {file} at NHS Notify",
        withdrawal: "its message was given to NHS Notify in batch {file}: tell the patient not to use the codes",
    };
}

impl Channel {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// One delivery by this channel, and several, in words.
    #[must_use]
    pub fn words(self) -> [&'static str; 2] {
        self.facts().words
    }

    /// What it needs of the patient.
    #[must_use]
    pub fn goes_to(self) -> GoesTo {
        self.facts().goes_to
    }

    /// The stage that makes the entry in the record.
    #[must_use]
    pub fn made_by(self) -> StageName {
        self.facts().made_by
    }

    /// How the names of its spreadsheets begin, if it has any.
    #[must_use]
    pub fn spreadsheet_prefix(self) -> Option<&'static str> {
        self.facts().spreadsheets
    }

    /// How the name of a file begins, if it is a spreadsheet of some channel.
    #[must_use]
    pub fn prefix_of_spreadsheet(file: &str) -> Option<&'static str> {
        let mut prefixes = Self::ALL
            .iter()
            .filter_map(|channel| channel.spreadsheet_prefix());
        prefixes.find(|prefix| file.starts_with(prefix))
    }

    /// The report's column of what was given to a service that sends it, if there is one: its name, and what it is called.
    #[must_use]
    pub fn given(self) -> Option<[&'static str; 2]> {
        self.facts().given
    }

    /// The stage that hands deliveries by this channel to a service which sends them.
    #[must_use]
    pub fn sent_by(self) -> Option<StageName> {
        self.facts().sent_by
    }

    /// The channel whose deliveries a stage hands to such a service.
    #[must_use]
    pub fn of_stage(stage: StageName) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|channel| channel.sent_by() == Some(stage))
    }

    /// Where a delivery is, as a clause.
    #[must_use]
    pub fn place(self, file: &str, page: Option<u64>) -> String {
        filled(self.facts().place, file, page)
    }

    /// What to do about a delivery that must not go out.
    #[must_use]
    pub fn withdrawal(self, file: &str, page: Option<u64>) -> String {
        filled(self.facts().withdrawal, file, page)
    }

    /// The channels of an invitation, as reports name them: `letter+sms`.
    #[must_use]
    pub fn joined(channels: &[Self]) -> String {
        let names: Vec<&str> = channels.iter().map(|channel| channel.as_str()).collect();
        names.join("+")
    }
}

fn filled(clause: &str, file: &str, page: Option<u64>) -> String {
    let page = page.map_or_else(String::new, |page| page.to_string());
    clause.replace("{page}", &page).replace("{file}", file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_written_as_it_is_named() {
        for channel in Channel::ALL {
            let json = serde_json::to_value(channel).unwrap();
            assert_eq!(json, channel.as_str());
        }
    }

    #[test]
    fn a_file_that_is_called_like_a_place_for_one_is_named_as_it_is() {
        assert_eq!(
            Channel::Letter.place("{page}.pdf", Some(3)),
            "its letter is {page}.pdf, page 3"
        );
    }
}
