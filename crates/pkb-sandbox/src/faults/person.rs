//! Answers over REST that are about somebody else, or have somebody else's codes.

use serde::Deserialize;

/// What is wrong with the answer. "Another" is the record that PKB made next; after the last comes the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PersonFault {
    /// Another's user object, or codes that are made for another.
    AnotherPerson,
    /// Another's user object, which does not say whose it is.
    AnotherPersonUnnamed,
    /// The right user object with another's PKB id.
    AnotherId,
    /// The right user object with another's number.
    AnotherNumber,
    /// The right user object, which does not say whose it is.
    Unnamed,
    /// The pair of codes that was told last, to whomever.
    RepeatedCodes,
    /// The invitation code that was told last, with a new access code.
    RepeatedCode,
    /// A new invitation code with the access code that was told last.
    RepeatedToken,
}

impl PersonFault {
    /// Whether it can happen to answers about a user (rather than to codes).
    pub(super) fn is_of_users(self) -> bool {
        !self.is_of_codes() || self == Self::AnotherPerson
    }

    /// Whether it can happen to codes.
    pub(super) fn is_of_codes(self) -> bool {
        matches!(
            self,
            Self::AnotherPerson | Self::RepeatedCodes | Self::RepeatedCode | Self::RepeatedToken
        )
    }
}
