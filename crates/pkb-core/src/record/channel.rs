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
}

/// What is to be known of a channel.
struct Facts {
    /// The name on the wire.
    name: &'static str,
    /// One of them, and several.
    words: [&'static str; 2],
    /// The stage that hands them to a service which sends them, if there is one.
    sent_by: Option<StageName>,
    /// What was given to that service, as the report's tables have it: the column's name, and what it is called.
    given: [&'static str; 2],
    /// What it needs of the patient.
    goes_to: GoesTo,
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
        sent_by: Some(StageName::Post),
        given: ["letters_given", "Letters given to GOV.UK Notify"],
        goes_to: GoesTo::Address,
        place: "its letter is {file}, page {page}",
        withdrawal: "its letter was printed: remove page {page} of {file} before the letters are posted",
    };
    /// A text message.
    Sms = Facts {
        name: "sms",
        words: ["text message", "text messages"],
        sent_by: Some(StageName::Sms),
        given: ["texts_given", "Texts given to GOV.UK Notify"],
        goes_to: GoesTo::Mobile,
        place: "its text message is in {file}",
        withdrawal: "its text message is in {file}: delete that line before the spreadsheet is uploaded",
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

    /// The report's column of what was given to a service that sends it: its name, and what it is called.
    #[must_use]
    pub fn given(self) -> [&'static str; 2] {
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
