//! Who gets which invitation: from a record to the words of a letter and a text message, or to the
//! reason why there is none.

use jiff::{SignedDuration, civil::Date};
use pkb_core::{
    Reason, Verdict,
    clock::uk_date,
    record::{Invitation, Patient},
    value::Postcode,
};
use url::Url;

use crate::{fonts::Fonts, letter_fields::LetterFields, sms::SmsRow};

/// The settings by which invitations are made.
#[derive(Debug)]
pub struct Rules {
    /// The day that the letters bear.
    pub letter_date: Date,
    /// Days that codes must be good for.
    pub min_days_left: u16,
    /// Page where patients register.
    pub join_url: Url,
    /// Whether there are text messages.
    pub sms: bool,
}

impl Rules {
    /// The letter to a patient, without its sequence number; `None` if a text message has to do.
    ///
    /// # Errors
    /// Why the patient cannot be invited.
    pub fn letter(
        &self,
        patient: &Patient,
        codes: &Invitation,
        fonts: &Fonts,
    ) -> Result<Option<LetterFields>, Verdict> {
        let last_day = self.last_day(codes)?;
        let address = match expose_address(patient) {
            Ok(address) => address,
            Err(_) if self.sms && patient.mobile.is_some() => return Ok(None),
            Err(verdict) => return Err(verdict),
        };
        let join_url = self.prefilled(codes);
        let letter = LetterFields {
            name: patient.expose_full_name(),
            address,
            invitation_code: codes.code.expose_code().to_owned(),
            access_code: codes.token.expose_code().to_owned(),
            expires_on: words(last_day),
            letter_date: words(self.letter_date),
            join_url: join_url.to_string(),
            join_address: readable(&self.join_url),
            sequence: 0,
        };
        match fonts.missing_glyphs(&letter).len() {
            0 => Ok(Some(letter)),
            n => Err(Verdict::with_detail(
                Reason::MissingGlyph,
                format!(
                    "{n} characters of the name or address are in none of the template's fonts"
                ),
            )),
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
            expiry: words(last_day(codes).ok()?),
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
fn last_day(codes: &Invitation) -> Result<Date, Verdict> {
    uk_date(codes.expires_at)
        .checked_sub(SignedDuration::from_hours(24))
        .map_err(|_| Reason::CodesExpiring.into())
}

/// The lines under the name, or why no letter can go there.
fn expose_address(patient: &Patient) -> Result<Vec<String>, Verdict> {
    let unmailable = |words: &str| Err(Verdict::with_detail(Reason::Unmailable, words));
    let Some(post_code) = &patient.post_code else {
        return unmailable("the address has no post code");
    };
    if post_code.is_pseudo() {
        return unmailable("the post code stands for no fixed or no known address");
    }
    if patient.address.is_empty() {
        return unmailable("the address has no lines");
    }
    let lines = patient
        .address
        .iter()
        .map(|line| line.expose_line().to_owned());
    Ok(lines
        .chain([Postcode::expose_postcode(post_code).to_owned()])
        .collect())
}

/// A date as British letters write it: 22 December 2026.
fn words(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
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

    fn rules(sms: bool) -> Rules {
        Rules {
            letter_date: date(2026, 11, 22),
            min_days_left: 14,
            join_url: "https://joinpkb.com/".parse().unwrap(),
            sms,
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

    fn letter(sms: bool, extra: &str, expires_at: &str) -> Result<Option<LetterFields>, Verdict> {
        rules(sms).letter(&patient(extra), &codes(expires_at), &Fonts::built_in())
    }

    const ADDRESS: &str = r#","address":["1 Main Street","Newcastle"],"post_code":"NE1 1XC""#;
    const LATER: &str = "2026-12-22T09:00:00Z";

    #[test]
    fn a_letter_has_the_link_the_address_and_the_last_whole_day() {
        let letter = letter(false, ADDRESS, LATER).unwrap().unwrap();
        assert_eq!(
            letter.join_url,
            "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay"
        );
        assert_eq!(letter.join_address, "joinpkb.com");
        assert_eq!(letter.expires_on, "21 December 2026");
        assert_eq!(letter.address, ["1 Main Street", "Newcastle", "NE1 1XC"]);
    }

    #[test]
    fn codes_that_end_within_the_set_days_are_not_printed() {
        assert!(letter(false, ADDRESS, "2026-12-07T00:30:00Z").is_ok());
        let verdict = letter(false, ADDRESS, "2026-12-06T23:30:00Z").unwrap_err();
        assert_eq!(verdict.reason, Reason::CodesExpiring);
        let verdict = letter(false, ADDRESS, "2026-01-01T00:00:00Z").unwrap_err();
        assert_eq!(verdict.reason, Reason::CodesExpiring);
    }

    #[test]
    fn without_a_usable_address_there_is_no_letter_but_perhaps_a_text_message() {
        for extra in [
            "",
            r#","address":["1 Main Street"]"#,
            r#","post_code":"NE1 1XC""#,
            r#","address":["No fixed abode"],"post_code":"ZZ99 3VZ""#,
        ] {
            assert_eq!(
                letter(true, extra, LATER).unwrap_err().reason,
                Reason::Unmailable
            );
            let with_mobile = format!(r#"{extra},"mobile":"07700900123""#);
            assert!(letter(true, &with_mobile, LATER).unwrap().is_none());
            assert!(
                rules(true)
                    .sms(&patient(&with_mobile), &codes(LATER), "Northtown")
                    .is_some()
            );
            assert!(letter(false, &with_mobile, LATER).is_err());
        }
    }

    #[test]
    fn a_name_that_no_font_can_print_is_an_outcome() {
        let patient = format!(r#"{ADDRESS},"title":"王""#);
        assert_eq!(
            letter(false, &patient, LATER).unwrap_err().reason,
            Reason::MissingGlyph
        );
    }
}
