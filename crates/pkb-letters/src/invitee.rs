//! Who gets which invitation: from a record to the words of a letter and a text message, or to the
//! reason why there is none.

use clap::ValueEnum;
use jiff::civil::Date;
use pkb_core::{
    Reason, Verdict,
    clock::last_whole_day,
    record::{Design, Invitation, Patient},
};
use pkb_languages::LetterLanguage;
use pkb_values::{LetterFormat, LetterLanguages};
use url::Url;

use crate::{address::expose_address, sms::SmsRow};
use pkb_typeset::{letter_fields::LetterFields, template::Template};

/// By which way patients are invited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Ways {
    /// A letter to everybody
    #[default]
    Letter,
    /// A text message to everybody who has a mobile; nobody else is invited
    Sms,
    /// A letter and, to those who have a mobile, a text message; whichever is possible
    Both,
    /// A text message to those who have a mobile, a letter to the others
    PreferSms,
}

impl Ways {
    /// Whether any patient may get a text message.
    #[must_use]
    pub fn has_sms(self) -> bool {
        self != Self::Letter
    }
}

/// What a patient gets: a letter, a text message, or both.
pub struct Invited {
    /// The letter.
    pub letter: Option<LetterFields>,
    /// The text message.
    pub sms: Option<SmsRow>,
}

/// The settings by which invitations are made.
#[derive(Debug)]
pub struct Rules {
    /// The day that the letters bear.
    pub letter_date: Date,
    /// Days that codes must be good for.
    pub min_days_left: u16,
    /// Page where patients register.
    pub join_url: Url,
    /// By which way.
    pub ways: Ways,
    /// Which design the letters have.
    pub design: Design,
    /// Whether letters go abroad.
    pub international: bool,
    /// Languages of a patient whose preference the record does not tell.
    pub languages: LetterLanguages,
    /// Print of a patient of whom the record does not tell it.
    pub format: LetterFormat,
}

impl Rules {
    /// What a patient gets.
    ///
    /// # Errors
    /// Why the patient cannot be invited.
    pub fn invite(
        &self,
        patient: &Patient,
        codes: &Invitation,
        template: &Template,
    ) -> Result<Invited, Verdict> {
        self.last_day(codes)?;
        let sms = || self.sms(patient, codes, &template.settings().organisation.name);
        let letter = || self.letter(patient, codes, template);
        let (letter, sms) = match self.ways {
            Ways::Letter => (Some(letter()?), None),
            Ways::Sms => (None, Some(sms().ok_or(Reason::NoMobile)?)),
            Ways::PreferSms => match sms() {
                Some(sms) => (None, Some(sms)),
                None => (Some(letter()?), None),
            },
            Ways::Both => match (letter(), sms()) {
                (Err(verdict), Some(sms)) if verdict.reason == Reason::Unmailable => {
                    (None, Some(sms))
                }
                (letter, sms) => (Some(letter?), sms),
            },
        };
        Ok(Invited { letter, sms })
    }

    /// The letter to a patient.
    ///
    /// # Errors
    /// Why there is none.
    pub fn letter(
        &self,
        patient: &Patient,
        codes: &Invitation,
        template: &Template,
    ) -> Result<LetterFields, Verdict> {
        let last_day = self.last_day(codes)?;
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
            invitation_code: codes.code.expose_code().to_owned(),
            access_code: codes.token.expose_code().to_owned(),
            last_day,
            letter_date: self.letter_date,
            join_url: self.prefilled(codes).to_string(),
            join_address: readable(&self.join_url),
            languages: self.languages_of(patient, template),
            format: patient.format.unwrap_or(self.format),
        };
        match template.fonts().missing_glyphs(&letter).len() {
            0 => Ok(letter),
            n => Err(Verdict::with_detail(
                Reason::MissingGlyph,
                format!(
                    "{n} characters of the name or address are in none of the template's fonts"
                ),
            )),
        }
    }

    /// The patient's own language, if the template speaks it.
    pub(crate) fn languages_of(&self, patient: &Patient, template: &Template) -> LetterLanguages {
        let preferred = patient.language.as_ref();
        let preferred = preferred
            .and_then(|code| LetterLanguage::of_code(code.expose_code()))
            .map_or(self.languages, LetterLanguages::alone);
        if template.has(self.design, preferred) {
            preferred
        } else {
            self.languages
        }
    }

    /// The text message to a patient; `None` if there is no mobile.
    pub fn sms(&self, patient: &Patient, codes: &Invitation, organisation: &str) -> Option<SmsRow> {
        let mobile = patient.mobile.as_ref()?;
        Some(SmsRow {
            phone_number: mobile.expose_e164().to_owned(),
            first_name: patient.first_name.expose_name().to_owned(),
            organisation: organisation.to_owned(),
            invitation_code: codes.code.expose_code().to_owned(),
            access_code: codes.token.expose_code().to_owned(),
            expiry: LetterLanguage::english().date(last_day(codes).ok()?),
            link: self.prefilled(codes).to_string(),
        })
    }

    /// The last whole day on which the codes work, if enough days are left until then.
    fn last_day(&self, codes: &Invitation) -> Result<Date, Verdict> {
        let last_day = last_day(codes)?;
        let days_left = self
            .letter_date
            .until(last_day)
            .map_or(0, |span| span.get_days());
        if days_left < i32::from(self.min_days_left) {
            let words = format!("the codes are good for {} more days", days_left.max(0));
            return Err(Verdict::with_detail(Reason::CodesExpiring, words));
        }
        Ok(last_day)
    }

    /// The join page with both codes filled in (PKB: `?t1=…&t2=…`).
    fn prefilled(&self, codes: &Invitation) -> Url {
        let mut url = self.join_url.clone();
        url.query_pairs_mut()
            .append_pair("t1", codes.code.expose_code())
            .append_pair("t2", codes.token.expose_code());
        url
    }
}

/// The last whole day on which codes work: the day before the one in which they end.
pub(crate) fn last_day(codes: &Invitation) -> Result<Date, Verdict> {
    last_whole_day(codes.expires_at).ok_or_else(|| Reason::CodesExpiring.into())
}

/// What a person types to get to a page: no scheme, no slash at the end.
fn readable(url: &Url) -> String {
    let text = url.as_str();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    text.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn rules(ways: Ways) -> Rules {
        Rules {
            letter_date: date(2026, 11, 22),
            min_days_left: 14,
            join_url: "https://joinpkb.com/".parse().unwrap(),
            ways,
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

    fn invite(ways: Ways, extra: &str, expires_at: &str) -> Result<Invited, Verdict> {
        let template = Template::built_in().unwrap();
        rules(ways).invite(&patient(extra), &codes(expires_at), &template)
    }

    fn letter(extra: &str, expires_at: &str) -> Result<LetterFields, Verdict> {
        invite(Ways::Letter, extra, expires_at).map(|invited| invited.letter.unwrap())
    }

    const ADDRESS: &str = r#","address":["1 Main Street","Newcastle"],"post_code":"NE1 1XC""#;
    const MOBILE: &str = r#","mobile":"07700900123""#;
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
    fn each_way_reaches_those_whom_it_can() {
        let whole = format!("{ADDRESS}{MOBILE}");
        // Letter and text, for: whole address and mobile, address alone, mobile alone, neither.
        let table = [
            (
                Ways::Letter,
                [
                    Ok((1, 0)),
                    Ok((1, 0)),
                    Err(Reason::Unmailable),
                    Err(Reason::Unmailable),
                ],
            ),
            (
                Ways::Sms,
                [
                    Ok((0, 1)),
                    Err(Reason::NoMobile),
                    Ok((0, 1)),
                    Err(Reason::NoMobile),
                ],
            ),
            (
                Ways::Both,
                [Ok((1, 1)), Ok((1, 0)), Ok((0, 1)), Err(Reason::Unmailable)],
            ),
            (
                Ways::PreferSms,
                [Ok((0, 1)), Ok((1, 0)), Ok((0, 1)), Err(Reason::Unmailable)],
            ),
        ];
        for (ways, expected) in table {
            for (extra, expected) in [whole.as_str(), ADDRESS, MOBILE, ""].iter().zip(expected) {
                let got = invite(ways, extra, LATER)
                    .map(|invited| {
                        let has = |is_some: bool| u8::from(is_some);
                        (has(invited.letter.is_some()), has(invited.sms.is_some()))
                    })
                    .map_err(|verdict| verdict.reason);
                assert_eq!(got, expected, "{ways:?} {extra}");
            }
        }
    }

    #[test]
    fn a_patient_gets_the_preferred_language_and_print() {
        let of = |extra: &str, languages| {
            let mut rules = rules(Ways::Letter);
            rules.languages = languages;
            let extra = format!("{ADDRESS}{extra}");
            let template = Template::built_in().unwrap();
            let letter = rules
                .letter(&patient(&extra), &codes(LATER), &template)
                .unwrap();
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
            ("en", "standard")
        );
    }

    #[test]
    fn an_insert_needs_no_address() {
        let mut rules = rules(Ways::Letter);
        rules.design = Design::Insert;
        let template = Template::built_in().unwrap();
        let letter = rules
            .letter(&patient(""), &codes(LATER), &template)
            .unwrap();
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
