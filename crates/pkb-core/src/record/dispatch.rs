//! What was given to GOV.UK Notify or NHS Notify, and how far it got.

use jiff::Timestamp;
use pkb_values::{Money, is_uuid};
use serde::{Deserialize, Serialize};

use super::Unknown;

/// A text message or a letter that was given to GOV.UK Notify, or a message that was given to NHS Notify.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Dispatch {
    /// Notify's id of it; absent if Notify refused it, or if the answer of NHS Notify with the id was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<NotificationId>,
    /// Our name for it, by which Notify finds it. It says nothing of the patient.
    pub reference: String,
    /// How far it is, by Notify's last answer.
    pub status: DispatchStatus,
    /// When Notify was given it.
    pub at: Timestamp,
    /// When Notify was asked for the status last; absent if that was never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// What GOV.UK Notify says that it cost, in pounds without VAT and without what is free; absent until it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// Why it failed, by NHS Notify's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_because: Option<FailureCode>,
    /// By which channels NHS Notify has tried, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<DispatchChannel>,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Dispatch {
    /// Nothing but what is known when it was given, or refused.
    #[must_use]
    pub fn new(
        id: Option<NotificationId>,
        reference: String,
        status: DispatchStatus,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            reference,
            status,
            at,
            checked_at: None,
            cost: None,
            failed_because: None,
            channels: Vec::new(),
            unknown: Unknown::new(),
        }
    }
}

/// A channel by which NHS Notify has tried to send a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DispatchChannel {
    /// `nhsapp`, `email`, `sms` or `letter`.
    #[serde(rename = "type")]
    pub kind: DispatchStatus,
    /// How far it is.
    pub status: DispatchStatus,
    /// What the supplier says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_status: Option<DispatchStatus>,
    /// Why it failed, by NHS Notify's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_because: Option<FailureCode>,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// NHS Notify's code of a failure, such as `MFR_PDSV_0112`. A code that this version does not know is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct FailureCode(String);

impl FailureCode {
    /// A code of capital letters, digits and `_`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_of_a_code =
            |byte: u8| byte == b'_' || byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let is_code = (1..=40).contains(&text.len()) && text.bytes().all(is_of_a_code);
        // A number alone may be anything, also a patient's.
        let has_letter = text.bytes().any(|byte| byte.is_ascii_uppercase());
        (is_code && has_letter).then(|| Self(text.to_owned()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FailureCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a code of capital letters, digits and underscores")
    }
}

/// Notify's id of a text message or a letter: a UUID at GOV.UK Notify, 27 letters and digits at NHS Notify. So it is one
/// segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct NotificationId(String);

impl NotificationId {
    /// Characters of an id of NHS Notify (a KSUID).
    const KSUID: usize = 27;

    /// An id of either service; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::uuid(text).or_else(|| Self::ksuid(text))
    }

    /// An id of GOV.UK Notify; `None` if it is no UUID.
    pub fn uuid(text: &str) -> Option<Self> {
        is_uuid(text).then(|| Self(text.to_owned()))
    }

    /// An id of NHS Notify; `None` if it is not 27 letters and digits.
    pub fn ksuid(text: &str) -> Option<Self> {
        let is_ksuid =
            text.len() == Self::KSUID && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_ksuid.then(|| Self(text.to_owned()))
    }

    /// The id as Notify writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NotificationId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("neither a UUID nor 27 letters and digits")
    }
}

/// How far a text message or a letter is, in Notify's own words: `created`, `sending`, `delivered`,
/// `permanent-failure` and so on. A word that this version does not know is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DispatchStatus(String);

/// Notify has done all that it will do, to no avail.
const FAILED: [&str; 9] = [
    DispatchStatus::REFUSED,
    "cancelled",
    "failed",
    "permanent-failure",
    "returned-letter",
    "technical-failure",
    "temporary-failure",
    "validation-failed",
    "virus-scan-failed",
];
/// It has arrived, as far as Notify can know: a text on the telephone (`sent`: abroad, where nobody tells more),
/// a letter in the post.
const ARRIVED: [&str; 3] = ["delivered", "received", "sent"];
/// Something is decided within minutes. A letter that is `accepted` is printed later, in days.
const UNDER_WAY: [&str; 6] = [
    "created",
    "enriched",
    "pending",
    "pending-virus-check",
    "pending_enrichment",
    "sending",
];

impl DispatchStatus {
    /// Our own word: Notify did not take it.
    pub const REFUSED: &str = "refused";
    /// Notify has taken it.
    pub const CREATED: &str = "created";
    /// Our own word: NHS Notify has taken it, and its answer with the id was lost. So it cannot be asked about.
    pub const TAKEN: &str = "taken";
    /// Notify has done all that it will do, to no avail.
    pub const FAILED: &str = "failed";

    /// A word of small letters, hyphens and underscores; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = (1..=40).contains(&text.len())
            && text
                .bytes()
                .all(|b| matches!(b, b'-' | b'_') || b.is_ascii_lowercase());
        is_word.then(|| Self(text.to_owned()))
    }

    /// Notify did not take it.
    pub fn refused() -> Self {
        Self(Self::REFUSED.to_owned())
    }

    /// Notify has taken it.
    pub fn created() -> Self {
        Self(Self::CREATED.to_owned())
    }

    /// NHS Notify has taken it, and nobody knows its id.
    pub fn taken() -> Self {
        Self(Self::TAKEN.to_owned())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it will not arrive.
    pub fn is_failure(&self) -> bool {
        FAILED.contains(&self.as_str())
    }

    /// Whether Notify will say nothing else later.
    pub fn is_final(&self) -> bool {
        self.is_failure() || ARRIVED.contains(&self.as_str())
    }

    /// Whether it is worth asking again in a minute.
    pub fn is_under_way(&self) -> bool {
        UNDER_WAY.contains(&self.as_str())
    }
}

impl TryFrom<String> for DispatchStatus {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a word of small letters, hyphens and underscores")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_and_a_status_a_plain_word() {
        assert!(NotificationId::parse("740e5834-3a29-46b4-9a6f-16142fde533a").is_some());
        for text in [
            "",
            "740e5834",
            "740e5834-3a29-46b4-9a6f-16142fde53/a",
            "../users",
            "2WL3qFTEFM0qMY8xjRbt1LIKCz/",
        ] {
            assert!(NotificationId::parse(text).is_none(), "{text}");
        }
        assert!(NotificationId::parse("2WL3qFTEFM0qMY8xjRbt1LIKCzM").is_some());
        assert!(NotificationId::uuid("2WL3qFTEFM0qMY8xjRbt1LIKCzM").is_none());
        assert!(DispatchStatus::parse("permanent-failure").is_some());
        for text in ["", "Delivered", "+447700900123", "two words"] {
            assert!(DispatchStatus::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_failure_code_is_kept_whatever_it_is_and_a_number_is_none() {
        for code in ["MFR_PDSV_0112", "CFR_SUPE_0007", "NEW_1"] {
            assert_eq!(FailureCode::parse(code).unwrap().as_str(), code);
        }
        for text in ["", "9990000018", "the patient has died", "mfr_pdsv_0112"] {
            assert!(FailureCode::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_status_is_under_way_or_settled_and_a_new_word_is_neither() {
        for word in UNDER_WAY {
            let status = DispatchStatus::parse(word).unwrap();
            assert!(status.is_under_way() && !status.is_final(), "{word}");
        }
        for word in FAILED.iter().chain(&ARRIVED) {
            let status = DispatchStatus::parse(word).unwrap();
            assert!(!status.is_under_way() && status.is_final(), "{word}");
        }
        for word in ["accepted", "on-a-pigeon"] {
            let status = DispatchStatus::parse(word).unwrap();
            assert!(!status.is_under_way() && !status.is_final(), "{word}");
        }
    }
}
