//! Who gets a letter, and what its values are.

use pkb_cli::join_url::with_codes;
use pkb_core::{
    Reason, Verdict,
    record::{Channel, Delivery, Design, Invitation, Patient},
};
use pkb_languages::LetterLanguage;
use pkb_postal::expose_address;
use pkb_typeset::{
    letter_fields::LetterFields,
    template::{Template, marks::NumberMark},
};
use pkb_values::{LetterFormat, LetterLanguages};
use url::Url;

use crate::{channels::maker::Invitee, expiry::Expiry};

/// The settings by which letters are made.
pub struct LetterRules {
    /// The template.
    pub template: Template,
    /// The day that the letters bear, and how long codes must be valid.
    pub expiry: Expiry,
    /// Page where patients register.
    pub join_url: Url,
    /// Which design the letters have.
    pub design: Design,
    /// Whether letters go abroad.
    pub international: bool,
    /// Languages of a patient whose preference the record does not tell.
    pub languages: LetterLanguages,
    /// Print of a patient of whom the record does not tell it.
    pub format: LetterFormat,
}

impl LetterRules {
    /// Whether sheets bear the number of their letter.
    pub(super) fn is_numbered(&self) -> bool {
        self.template.settings().marks.number != NumberMark::None
    }

    /// The letter to a patient.
    ///
    /// # Errors
    /// Why there is none.
    pub fn letter(
        &self,
        patient: &Patient,
        codes: Option<&Invitation>,
    ) -> Result<LetterFields, Verdict> {
        let last_day = match codes {
            Some(codes) => self.expiry.last_day(codes)?,
            None => self.expiry.today,
        };
        let address = if self.design.has_address() {
            expose_address(patient, self.international)?
        } else {
            Vec::new()
        };
        let letter = LetterFields {
            name: patient.expose_full_name(),
            first_name: patient.first_name.expose_name().to_owned(),
            last_name: patient.last_name.expose_name().to_owned(),
            address,
            invitation_code: codes.map_or_else(String::new, |own| own.code.expose_code().into()),
            access_code: codes.map_or_else(String::new, |own| own.token.expose_code().into()),
            last_day,
            letter_date: self.expiry.today,
            join_url: match codes {
                Some(codes) => with_codes(&self.join_url, codes).to_string(),
                None => self.join_url.to_string(),
            },
            join_address: readable(&self.join_url),
            languages: self.languages_of(patient),
            format: patient.format.unwrap_or(self.format),
        };
        match self.template.fonts().missing_glyphs(&letter).len() {
            0 => Ok(letter),
            n => Err(Verdict::with_detail(
                Reason::MissingGlyph,
                format!(
                    "the template's fonts do not have {n} of the characters of the name or address"
                ),
            )),
        }
    }

    /// The delivery of a letter by a channel, before it has a file.
    ///
    /// # Errors
    /// Why the letter cannot be made.
    pub(crate) fn draft(&self, channel: Channel, to: &Invitee<'_>) -> Result<Delivery, Verdict> {
        let letter = self.letter(to.patient, to.codes)?;
        Ok(Delivery {
            languages: Some(letter.languages),
            format: Some(letter.format),
            design: (self.design != Design::default()).then_some(self.design),
            ..Delivery::new(channel, String::new())
        })
    }

    /// The patient's own language, if the template speaks it.
    pub(crate) fn languages_of(&self, patient: &Patient) -> LetterLanguages {
        let preferred = (patient.language.as_ref())
            .and_then(|code| LetterLanguage::of_code(code.expose_code()))
            .map_or(self.languages, LetterLanguages::preferred);
        if self.template.has(self.design, preferred) {
            preferred
        } else {
            self.languages
        }
    }
}

/// What a person types to get to a page: no scheme, no slash at the end.
pub(crate) fn readable(url: &Url) -> String {
    let text = url.as_str();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    text.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn rules() -> LetterRules {
        LetterRules {
            template: Template::built_in().unwrap(),
            expiry: Expiry {
                today: date(2026, 11, 22),
                min_days_left: 14,
            },
            join_url: "https://joinpkb.com/".parse().unwrap(),
            design: Design::Letter,
            international: false,
            languages: LetterLanguages::default(),
            format: LetterFormat::Standard,
        }
    }

    fn patient(extra: &str) -> Patient {
        let json = format!(
            r#"{{"national_id":{{"type":"NHS_NUMBER","value":"5760678914"}},"first_name":"Read","last_name":"Richards","date_of_birth":"2000-09-15"{extra}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn codes(expires_at: &str) -> Invitation {
        let json =
            format!(r#"{{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"{expires_at}"}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn letter(extra: &str, expires_at: &str) -> Result<LetterFields, Verdict> {
        rules().letter(&patient(extra), Some(&codes(expires_at)))
    }

    const ADDRESS: &str = r#","address":["1 Main Street","Newcastle"],"postcode":"NE1 1XC""#;
    const LATER: &str = "2026-12-22T09:00:00Z";

    #[test]
    fn a_letter_has_the_link_the_address_and_the_last_whole_day() {
        let letter = letter(ADDRESS, LATER).unwrap();
        assert_eq!(
            letter.join_url,
            "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay"
        );
        assert_eq!(letter.join_address, "joinpkb.com");
        assert_eq!(letter.last_day, date(2026, 12, 21));
        assert_eq!(letter.address, ["1 Main Street", "Newcastle", "NE1 1XC"]);
    }

    #[test]
    fn codes_that_end_within_the_set_days_are_not_printed() {
        assert!(letter(ADDRESS, "2026-12-07T00:30:00Z").is_ok());
        let verdict = letter(ADDRESS, "2026-12-06T23:30:00Z").unwrap_err();
        assert_eq!(verdict.reason, Reason::CodesExpiring);
        let verdict = letter(ADDRESS, "2026-01-01T00:00:00Z").unwrap_err();
        assert_eq!(verdict.reason, Reason::CodesExpiring);
    }

    #[test]
    fn a_patient_gets_the_preferred_language_and_print() {
        let of = |extra: &str, languages| {
            let mut rules = rules();
            rules.languages = languages;
            let extra = format!("{ADDRESS}{extra}");
            let letter = rules.letter(&patient(&extra), Some(&codes(LATER))).unwrap();
            (letter.languages.as_str(), letter.format.as_str())
        };
        let both = "cy+en".parse().unwrap();
        assert_eq!(of("", both), ("cy+en", "standard"));
        assert_eq!(of(r#","language":"en""#, both), ("en", "standard"));
        assert_eq!(
            of(r#","language":"cy","format":"large""#, both),
            ("cy", "large")
        );
        assert_eq!(
            of(r#","language":"pl""#, LetterLanguages::default()),
            ("pl+en", "standard")
        );
        assert_eq!(
            of(r#","language":"lt""#, LetterLanguages::default()),
            ("en", "standard")
        );
    }

    #[test]
    fn an_insert_needs_no_address() {
        let mut rules = rules();
        rules.design = Design::Insert;
        let letter = rules.letter(&patient(""), Some(&codes(LATER))).unwrap();
        assert!(letter.address.is_empty());
    }

    #[test]
    fn a_name_that_no_font_can_print_is_an_outcome() {
        let patient = format!(r#"{ADDRESS},"title":"王""#);
        assert_eq!(
            letter(&patient, LATER).unwrap_err().reason,
            Reason::MissingGlyph
        );
    }
}
