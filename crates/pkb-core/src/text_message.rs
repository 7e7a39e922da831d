//! What a text message to a patient can say: the columns of the spreadsheet that is uploaded to GOV.UK Notify, and the
//! values of the templates there.

use std::fmt;

use jiff::civil::Date;
use pkb_languages::LetterLanguage;

use crate::{
    clock::last_whole_day,
    record::{Invitation, Patient},
};
use pkb_values::gsm;

/// What stands in a text in double brackets: `((first name))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// First name of the patient.
    FirstName,
    /// Who invites.
    Organisation,
    /// Invitation code.
    InvitationCode,
    /// Access code.
    AccessCode,
    /// Last day of the codes.
    Expiry,
    /// Join page with both codes filled in.
    Link,
}

impl Placeholder {
    /// All of them, in the order of the spreadsheet.
    pub const ALL: [Self; 6] = [
        Self::FirstName,
        Self::Organisation,
        Self::InvitationCode,
        Self::AccessCode,
        Self::Expiry,
        Self::Link,
    ];

    /// The name in texts and in the header of the spreadsheet.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstName => "first name",
            Self::Organisation => "organisation",
            Self::InvitationCode => "invitation code",
            Self::AccessCode => "access code",
            Self::Expiry => "expiry",
            Self::Link => "link",
        }
    }

    /// The one with this name; case, spaces, `_` and `-` do not matter (Notify).
    pub fn named(name: &str) -> Option<Self> {
        let name = folded(name);
        Self::ALL.into_iter().find(|one| folded(one.name()) == name)
    }

    /// Whether a text with these lets a patient register: it has the link or both codes.
    pub fn tell_the_codes(placeholders: &[Self]) -> bool {
        let has = |one| placeholders.contains(&one);
        has(Self::Link) || (has(Self::InvitationCode) && has(Self::AccessCode))
    }
}

/// The name of a placeholder or column, as Notify compares them: case, spaces, `_` and `-` do not matter.
#[must_use]
pub fn folded(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-'));
    kept.flat_map(char::to_lowercase).collect()
}

/// A day as messages say it: `21 December 2026`.
#[must_use]
pub fn english_date(day: Date) -> String {
    LetterLanguage::english().date(day)
}

/// The values of one patient.
#[derive(Clone, PartialEq, Eq)]
pub struct TextValues {
    /// Mobile number in E.164 form.
    pub phone_number: String,
    /// First name.
    pub first_name: String,
    /// Who invites.
    pub organisation: String,
    /// Invitation code.
    pub invitation_code: String,
    /// Access code.
    pub access_code: String,
    /// Last day of the codes.
    pub expiry: String,
    /// Join page with both codes filled in.
    pub link: String,
}

impl fmt::Debug for TextValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextValues(…)")
    }
}

impl TextValues {
    /// Those of a patient with these codes, which are also in `link`; `None` if there is no mobile number.
    pub fn of(
        patient: &Patient,
        codes: &Invitation,
        organisation: &str,
        link: String,
    ) -> Option<Self> {
        Some(Self {
            phone_number: patient.mobile.as_ref()?.expose_e164().to_owned(),
            first_name: patient.first_name.expose_name().to_owned(),
            organisation: organisation.to_owned(),
            invitation_code: codes.code.expose_code().to_owned(),
            access_code: codes.token.expose_code().to_owned(),
            expiry: english_date(last_whole_day(codes.expires_at)?),
            link,
        })
    }

    /// What a placeholder stands for.
    pub fn expose(&self, placeholder: Placeholder) -> &str {
        match placeholder {
            Placeholder::FirstName => &self.first_name,
            Placeholder::Organisation => &self.organisation,
            Placeholder::InvitationCode => &self.invitation_code,
            Placeholder::AccessCode => &self.access_code,
            Placeholder::Expiry => &self.expiry,
            Placeholder::Link => &self.link,
        }
    }

    /// Without the letters that make a message UCS-2.
    #[must_use]
    pub fn folded(mut self) -> Self {
        self.first_name = gsm::folded(&self.first_name);
        self.organisation = gsm::folded(&self.organisation);
        self
    }

    /// A patient as there are many, to measure a text by.
    pub fn ordinary() -> Self {
        Self {
            phone_number: "+447700900123".into(),
            first_name: "Richard".into(),
            organisation: "Northtown Hospitals".into(),
            invitation_code: "NKcYiAciBU".into(),
            access_code: "KVPnrFYPay".into(),
            expiry: "21 December 2026".into(),
            link: "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_known_by_its_folded_name() {
        for placeholder in Placeholder::ALL {
            assert_eq!(Placeholder::named(placeholder.name()), Some(placeholder));
        }
        assert_eq!(
            Placeholder::named(" First_NAME-"),
            Some(Placeholder::FirstName)
        );
        assert_eq!(Placeholder::named("phone number"), None);
    }

    #[test]
    fn a_text_needs_the_link_or_both_codes() {
        use Placeholder::{AccessCode, Expiry, InvitationCode, Link};
        assert!(Placeholder::tell_the_codes(&[Expiry, Link]));
        assert!(Placeholder::tell_the_codes(&[InvitationCode, AccessCode]));
        assert!(!Placeholder::tell_the_codes(&[InvitationCode, Expiry]));
    }
}
