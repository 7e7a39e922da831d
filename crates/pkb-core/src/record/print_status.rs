//! How far a letter is, in the words of the NHS Notify Supplier API (`letters`, `status` and `reasonCode`).

use serde::{Deserialize, Serialize};

/// How far a mail company is with a letter. The order is the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PrintStatus {
    /// Checked, and ready for production.
    Accepted,
    /// Malformed. It is not produced.
    Rejected,
    /// On paper.
    Printed,
    /// In its envelope.
    Enclosed,
    /// Cannot be produced.
    Failed,
    /// Withdrawn before it was handed to the post.
    Cancelled,
    /// Handed to a specialist, such as for braille.
    Forwarded,
    /// Handed to the post. For ordinary post nobody knows more.
    Dispatched,
    /// It reached the patient.
    Delivered,
    /// It came back.
    Returned,
}

impl PrintStatus {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Rejected,
        Self::Printed,
        Self::Enclosed,
        Self::Failed,
        Self::Cancelled,
        Self::Forwarded,
        Self::Dispatched,
        Self::Delivered,
        Self::Returned,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Printed => "printed",
            Self::Enclosed => "enclosed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Forwarded => "forwarded",
            Self::Dispatched => "dispatched",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
        }
    }

    /// A status by its name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|status| status.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether nothing is expected after it.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Self::Rejected | Self::Failed | Self::Cancelled | Self::Forwarded | Self::Returned
        )
    }

    /// Whether a letter with this status can go on to `next`. Steps may be left out. A letter may come back after it is
    /// said to have reached the patient.
    #[must_use]
    pub fn can_become(self, next: Self) -> bool {
        let produced = || {
            !matches!(
                next,
                Self::Failed | Self::Cancelled | Self::Forwarded | Self::Rejected
            )
        };
        match self {
            _ if self.is_end() => false,
            Self::Accepted | Self::Printed | Self::Enclosed => {
                next > self && next != Self::Rejected
            }
            _ => next > self && produced(),
        }
    }
}

/// Why a letter came back: R01 to R10 of the NHS Notify Supplier API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// R01.
    GoneAway,
    /// R02.
    AddressIncomplete,
    /// R03.
    AddressInaccessible,
    /// R04.
    AddresseeUnknown,
    /// R05.
    GoneAwayOrRefused,
    /// R06.
    NotCalledFor,
    /// R07.
    NoSuchAddress,
    /// R08.
    NoReasonGiven,
    /// R09. It is a hint, and no proof.
    Deceased,
    /// R10.
    Miscellaneous,
}

impl ReturnReason {
    /// All of them, from R01 to R10.
    pub const ALL: [Self; 10] = [
        Self::GoneAway,
        Self::AddressIncomplete,
        Self::AddressInaccessible,
        Self::AddresseeUnknown,
        Self::GoneAwayOrRefused,
        Self::NotCalledFor,
        Self::NoSuchAddress,
        Self::NoReasonGiven,
        Self::Deceased,
        Self::Miscellaneous,
    ];

    /// A reason by its code (`R01`, in any case).
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let number = code.strip_prefix(['R', 'r'])?;
        let number: usize = number.parse().ok()?;
        Self::ALL.get(number.checked_sub(1)?).copied()
    }

    /// Its code: `R01`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::GoneAway => "R01",
            Self::AddressIncomplete => "R02",
            Self::AddressInaccessible => "R03",
            Self::AddresseeUnknown => "R04",
            Self::GoneAwayOrRefused => "R05",
            Self::NotCalledFor => "R06",
            Self::NoSuchAddress => "R07",
            Self::NoReasonGiven => "R08",
            Self::Deceased => "R09",
            Self::Miscellaneous => "R10",
        }
    }

    /// What it says, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::GoneAway => "addressee gone away",
            Self::AddressIncomplete => "address incomplete",
            Self::AddressInaccessible => "address inaccessible",
            Self::AddresseeUnknown => "addressee unknown",
            Self::GoneAwayOrRefused => "gone away or refused",
            Self::NotCalledFor => "not called for",
            Self::NoSuchAddress => "no such address",
            Self::NoReasonGiven => "no reason given",
            Self::Deceased => "addressee deceased",
            Self::Miscellaneous => "miscellaneous",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_reasons_are_written_as_they_are_named() {
        for status in PrintStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            let shouted = status.as_str().to_uppercase();
            assert_eq!(PrintStatus::parse(&shouted), Some(status));
        }
        for (number, reason) in (1..).zip(ReturnReason::ALL) {
            assert_eq!(reason.code(), format!("R{number:02}"));
            assert_eq!(ReturnReason::parse(reason.code()), Some(reason));
        }
        for other in ["", "R", "R0", "R00", "R11", "01"] {
            assert_eq!(ReturnReason::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_letter_goes_forward_and_never_back_or_on_from_an_end() {
        use PrintStatus::{
            Accepted, Cancelled, Delivered, Dispatched, Failed, Printed, Rejected, Returned,
        };
        for (from, to) in [
            (Accepted, Printed),
            (Accepted, Dispatched),
            (Printed, Cancelled),
            (Dispatched, Delivered),
            (Dispatched, Returned),
            (Delivered, Returned),
            (Accepted, Returned),
        ] {
            assert!(from.can_become(to), "{from:?} {to:?}");
        }
        for (from, to) in [
            (Dispatched, Accepted),
            (Dispatched, Failed),
            (Returned, Dispatched),
            (Rejected, Accepted),
            (Printed, Printed),
            (Accepted, Rejected),
        ] {
            assert!(!from.can_become(to), "{from:?} {to:?}");
        }
    }
}
