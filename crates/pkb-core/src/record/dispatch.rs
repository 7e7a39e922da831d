//! What was given to GOV.UK Notify, and how far it got.

use jiff::Timestamp;
use pkb_values::is_uuid;
use serde::{Deserialize, Serialize};

use super::Unknown;

/// A text message or a letter that was given to GOV.UK Notify.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Dispatch {
    /// Notify's id of it; absent if Notify refused it.
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
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Notify's id of a text message or a letter: a UUID, so that it is one segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct NotificationId(String);

impl NotificationId {
    /// An id; `None` if it is no UUID.
    pub fn parse(text: &str) -> Option<Self> {
        is_uuid(text).then(|| Self(text.to_owned()))
    }

    /// The id as Notify writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NotificationId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a UUID")
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
const UNDER_WAY: [&str; 4] = ["created", "pending", "pending-virus-check", "sending"];

impl DispatchStatus {
    /// Our own word: Notify did not take it.
    pub const REFUSED: &str = "refused";
    /// Notify has taken it.
    pub const CREATED: &str = "created";

    /// A word of small letters and hyphens; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b == b'-' || b.is_ascii_lowercase());
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
        Self::parse(&text).ok_or("not a word of small letters and hyphens")
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
        ] {
            assert!(NotificationId::parse(text).is_none(), "{text}");
        }
        assert!(DispatchStatus::parse("permanent-failure").is_some());
        for text in ["", "Delivered", "+447700900123", "two words"] {
            assert!(DispatchStatus::parse(text).is_none(), "{text}");
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
