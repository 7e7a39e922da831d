//! The values of a row: what a letter is made of, whatever its columns are called.

use std::borrow::Cow;

use jiff::civil::Date;
use pkb_cli::join_url::with_codes;
use pkb_core::{Reason, Verdict, record::Delivery};
use pkb_postal::{Destination, expose_address, lines, notify};
use pkb_print_files::data_profile::{Column, Content, DataProfile, Value};
use pkb_values::PersonName;

use super::super::{
    letter::rules::{LetterRules, readable},
    maker::Invitee,
};

/// Where a row is in its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Its number, from 1.
    pub sequence: usize,
    /// How many there are.
    pub of: usize,
}

/// The values of a row. `Debug` is not there: they are a patient's.
pub(super) struct RowValues {
    reference: String,
    title: String,
    first_name: String,
    last_name: String,
    name_line: String,
    address: Vec<String>,
    post_code: String,
    country: String,
    invitation_code: String,
    access_code: String,
    codes_end: Date,
    codes_end_texts: Vec<String>,
    join_link: String,
    join_address: String,
    language: &'static str,
    format: &'static str,
    design: &'static str,
    postage: &'static str,
}

impl RowValues {
    /// The values of a letter to an invitee.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn of(
        to: &Invitee<'_>,
        delivery: &Delivery,
        rules: &LetterRules,
        profile: &DataProfile,
    ) -> Result<Self, Verdict> {
        let (patient, codes) = (to.patient, to.codes.ok_or(Reason::CodesExpiring)?);
        let codes_end = rules.expiry.last_day(codes)?;
        if profile.notify_addresses {
            let refused = |words| Verdict::with_detail(Reason::Unmailable, words);
            notify::check(patient).map_err(refused)?;
        }
        let mut address = expose_address(patient, rules.international)?;
        let destination = lines(patient, rules.international).map(|own| own.destination);
        let (mut post_code, mut country) = (String::new(), String::new());
        match destination {
            Ok(Destination::Postcode) => post_code = address.pop().unwrap_or_default(),
            Ok(Destination::Abroad) => country = address.pop().unwrap_or_default(),
            Ok(Destination::Forces) | Err(_) => {}
        }
        let languages = delivery.languages.unwrap_or_default();
        let dates = languages.languages().iter();
        let reference = delivery.reference.as_ref();
        let title = patient.title.as_ref().map(PersonName::expose_name);
        let values = Self {
            reference: reference.map_or_else(String::new, |own| own.as_str().to_owned()),
            title: title.unwrap_or_default().to_owned(),
            first_name: patient.first_name.expose_name().to_owned(),
            last_name: patient.last_name.expose_name().to_owned(),
            name_line: patient.expose_full_name(),
            address,
            post_code,
            country,
            invitation_code: codes.code.expose_code().to_owned(),
            access_code: codes.token.expose_code().to_owned(),
            codes_end,
            codes_end_texts: dates.map(|language| language.date(codes_end)).collect(),
            join_link: with_codes(&rules.join_url, codes).to_string(),
            join_address: readable(&rules.join_url),
            language: languages.as_str(),
            format: delivery.format.unwrap_or_default().as_str(),
            design: delivery.design.unwrap_or_default().as_str(),
            postage: profile.postage.as_str(),
        };
        values.fits(profile)?;
        Ok(values)
    }

    /// What a cell of a value says.
    pub(super) fn expose(&self, value: Value, place: Place) -> Cow<'_, str> {
        let text = |number: usize| Cow::Owned(number.to_string());
        Cow::Borrowed(match value {
            Value::Sequence => return text(place.sequence),
            Value::Of => return text(place.of),
            Value::CodesEnd => return Cow::Owned(self.codes_end.to_string()),
            Value::LetterLine(line) => {
                let mut lines = self.letter_lines();
                lines.nth(usize::from(line) - 1).unwrap_or_default()
            }
            Value::AddressLine(line) => {
                let line = self.address.get(usize::from(line) - 1);
                line.map_or("", String::as_str)
            }
            Value::Reference => &self.reference,
            Value::Title => &self.title,
            Value::FirstName => &self.first_name,
            Value::LastName => &self.last_name,
            Value::NameLine => &self.name_line,
            Value::PostCode => &self.post_code,
            Value::Country => &self.country,
            Value::Dps => "",
            Value::InvitationCode => &self.invitation_code,
            Value::AccessCode => &self.access_code,
            Value::CodesEndText => self.codes_end_texts.first().map_or("", String::as_str),
            Value::CodesEndText2 => self.codes_end_texts.get(1).map_or("", String::as_str),
            Value::JoinLink => &self.join_link,
            Value::JoinAddress => &self.join_address,
            Value::Language => self.language,
            Value::Format => self.format,
            Value::Design => self.design,
            Value::Postage => self.postage,
        })
    }

    /// Whether a spreadsheet program would take a part of the name or address for a formula.
    pub(super) fn is_like_a_formula(&self) -> bool {
        self.lines()
            .any(|line| line.starts_with(['=', '+', '-', '@', '\t']))
    }

    /// Name, address, and post code or country, as they follow each other.
    fn letter_lines(&self) -> impl Iterator<Item = &str> {
        let last = [&self.post_code, &self.country].into_iter();
        let last = last.filter(|line| !line.is_empty());
        let lines = [&self.name_line].into_iter().chain(&self.address);
        lines.chain(last).map(String::as_str)
    }

    /// What is the patient's own words.
    fn lines(&self) -> impl Iterator<Item = &str> {
        let names = [&self.title, &self.first_name, &self.last_name];
        let names = names.into_iter().map(String::as_str);
        names.chain(self.letter_lines())
    }

    /// Whether each line has a column, and is not longer than the company takes: nothing is ever cut.
    fn fits(&self, profile: &DataProfile) -> Result<(), Verdict> {
        let refused = |words: String| Err(Verdict::with_detail(Reason::NotInEncoding, words));
        let most = |number: fn(Value) -> Option<u8>| {
            let values = profile.columns.iter().filter_map(|column| match column {
                Column {
                    content: Content::Value(value),
                    ..
                } => number(*value),
                Column { .. } => None,
            });
            values.max().map(usize::from)
        };
        let address = most(|value| match value {
            Value::AddressLine(line) => Some(line),
            _ => None,
        });
        let letter = most(|value| match value {
            Value::LetterLine(line) => Some(line),
            _ => None,
        });
        for (most, lines) in [
            (address, self.address.len()),
            (letter, self.letter_lines().count()),
        ] {
            if let Some(most) = most.filter(|most| lines > *most) {
                return refused(format!(
                    "the address has more lines ({lines}) than the profile has columns ({most})"
                ));
            }
        }
        let longest = profile.longest_line.unwrap_or(usize::MAX);
        for (at, line) in self.letter_lines().enumerate() {
            if line.chars().count() > longest {
                let what = match at {
                    0 => "the name".to_owned(),
                    at => format!("line {at} of the address"),
                };
                return refused(format!(
                    "{what} has more than {longest} characters, which is the longest line of the profile"
                ));
            }
        }
        let is_refused = |line: &str| line.starts_with(|c| profile.refused_first.contains(c));
        match self.lines().any(is_refused) {
            true => refused(
                "the name or a line of the address begins with a sign that the profile refuses"
                    .to_owned(),
            ),
            false => Ok(()),
        }
    }
}
