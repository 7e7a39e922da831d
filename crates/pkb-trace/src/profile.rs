//! The layout of requests and responses, as data: columns, their order, and what codes mean.

use std::collections::HashMap;

use pkb_core::Fatal;
use pkb_files::profile::text_of;
use pkb_patients::toml_file;
use pkb_values::folded_header;
use serde::Deserialize;

/// The profiles that come with the program: name, text.
const BUILT_IN: [(&str, &str); 4] = [
    ("pds", include_str!("../data/pds.toml")),
    ("pds-long", include_str!("../data/pds-long.toml")),
    ("batch", include_str!("../data/batch.toml")),
    ("deaths", include_str!("../data/deaths.toml")),
];

/// A layout.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The columns of a request, in their order; none if nobody is asked about.
    pub request: Vec<RequestColumn>,
    /// Whether responses are a list of people of whom one thing is true, and not answers about everybody.
    pub is_list: bool,
    /// The columns of a response without a row of column names.
    pub order: Vec<String>,
    /// The headers by which a response's column is known, folded.
    columns: HashMap<Field, Vec<String>>,
    codes: HashMap<String, Meaning>,
}

/// A column of a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestColumn {
    /// Its name.
    pub header: String,
    /// What it holds; it is empty if nothing is said.
    pub value: Option<RequestValue>,
}

/// What a column of a request can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestValue {
    /// Our name for the question.
    Reference,
    /// Ten digits.
    NhsNumber,
    /// Last name, in ASCII and of 40 characters at most; else empty.
    FamilyName,
    /// First name, likewise.
    GivenName,
    /// 0 not known, 1 male, 2 female, 9 not specified.
    Gender,
    /// YYYYMMDD.
    DateOfBirth,
    /// With its space.
    Postcode,
}

/// What a column of a response can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The name that the request gave.
    Reference,
    /// The number that was asked about.
    NhsNumber,
    /// YYYYMMDD, or less, or more.
    DateOfBirth,
    /// There if the patient has died.
    DateOfDeath,
    /// Flat, or name of the house.
    #[serde(rename = "address_1")]
    Address1,
    /// Number and street.
    #[serde(rename = "address_2")]
    Address2,
    /// Locality.
    #[serde(rename = "address_3")]
    Address3,
    /// Post town.
    #[serde(rename = "address_4")]
    Address4,
    /// County.
    #[serde(rename = "address_5")]
    Address5,
    /// Postcode.
    Postcode,
    /// Blank or U for none.
    Sensitivity,
    /// How the question ended.
    Code,
    /// The number that was found.
    MatchedNumber,
    /// 1 if number and date of birth were compared.
    Algorithm,
    /// Up to 100.
    Confidence,
}

/// What a code means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Somebody was found: the rest of the row says how surely.
    Success,
    /// Number and date of birth are those of one patient.
    CrossChecked,
    /// Somebody was found by other details than the number.
    ByOtherDetails,
    /// The number has been replaced.
    Superseded,
    /// The number has been withdrawn.
    Invalid,
    /// The record must not be shown.
    Sensitive,
    /// Several people fit.
    Several,
    /// Nobody was found.
    NotFound,
    /// The question was not understood, and nothing follows for the patient.
    Fault(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Text {
    like: Option<String>,
    list: Option<String>,
    request: Vec<RequestColumn>,
    response: ResponseText,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ResponseText {
    order: Vec<String>,
    columns: HashMap<Field, Vec<String>>,
    codes: HashMap<String, String>,
}

impl Profile {
    /// A profile by its name, or from a file.
    ///
    /// # Errors
    /// There is none, or it is not understood.
    pub fn find(name: &str) -> Result<Self, Fatal> {
        let text = text_of("--profile", name, &BUILT_IN)?;
        Self::parse(&text).map_err(|words| Fatal::Usage(format!("--profile {name}: {words}")))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let own: Text = toml_file::parse(text)?;
        let base = match &own.like {
            Some(name) => {
                let found = BUILT_IN.iter().find(|(known, _)| known == name);
                let (_, text) = found
                    .ok_or_else(|| format!("like = \"{name}\": this profile does not exist"))?;
                Some(Self::parse(text)?)
            }
            None => None,
        };
        let mut profile = base.unwrap_or(Self {
            request: Vec::new(),
            is_list: false,
            order: Vec::new(),
            columns: HashMap::new(),
            codes: HashMap::new(),
        });
        if !own.request.is_empty() {
            profile.request = own.request;
        }
        if !own.response.order.is_empty() {
            profile.order = own.response.order;
        }
        profile.is_list = match own.list.as_deref() {
            None => profile.is_list,
            Some("deceased") => true,
            Some(_) => return Err("list: the only list is \"deceased\"".into()),
        };
        for (field, headers) in own.response.columns {
            let folded = headers.iter().map(|header| folded_header(header)).collect();
            profile.columns.insert(field, folded);
        }
        for (code, meaning) in own.response.codes {
            let meaning = Meaning::parse(&meaning)
                .ok_or_else(|| format!("code {code}: \"{meaning}\" is not a meaning"))?;
            profile.codes.insert(code, meaning);
        }
        profile.check()?;
        Ok(profile)
    }

    fn check(&self) -> Result<(), String> {
        let needed: &[(Field, &str)] = match self.is_list {
            true => &[(Field::NhsNumber, "nhs_number")],
            false => &[
                (Field::Reference, "reference"),
                (Field::Code, "code"),
                (Field::DateOfDeath, "date_of_death"),
                (Field::Sensitivity, "sensitivity"),
            ],
        };
        for (field, name) in needed {
            if !self.columns.contains_key(field) {
                return Err(format!("[response.columns] has no {name}"));
            }
        }
        let has = |wanted| {
            let mut columns = self.request.iter();
            columns.any(|column| column.value == Some(wanted))
        };
        let asks = has(RequestValue::Reference) && has(RequestValue::NhsNumber);
        if !(self.is_list || asks) {
            return Err("a request needs the columns reference and nhs_number".into());
        }
        Ok(())
    }

    /// What a code means; `None` if the profile does not know it.
    #[must_use]
    pub fn meaning(&self, code: &str) -> Option<&Meaning> {
        self.codes.get(code)
    }

    /// The field that a column of a response holds, by its header.
    #[must_use]
    pub fn field(&self, header: &str) -> Option<Field> {
        let folded = folded_header(header);
        let mut columns = self.columns.iter();
        columns.find_map(|(field, headers)| headers.contains(&folded).then_some(*field))
    }

    /// The fields without which a response cannot be understood.
    pub fn needed(&self) -> impl Iterator<Item = (Field, &str)> {
        let all: &[Field] = match self.is_list {
            true => &[Field::NhsNumber],
            false => &[
                Field::Reference,
                Field::DateOfDeath,
                Field::Sensitivity,
                Field::Code,
                Field::MatchedNumber,
            ],
        };
        all.iter().filter_map(|field| {
            let name = self.columns.get(field)?.first()?;
            Some((*field, name.as_str()))
        })
    }
}

impl Meaning {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "success" => Self::Success,
            "cross_checked" => Self::CrossChecked,
            "by_other_details" => Self::ByOtherDetails,
            "superseded" => Self::Superseded,
            "invalid" => Self::Invalid,
            "sensitive" => Self::Sensitive,
            "several" => Self::Several,
            "not_found" => Self::NotFound,
            text => Self::Fault(text.strip_prefix("fault: ")?.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_that_come_with_the_program_are_understood() {
        for (name, _) in BUILT_IN {
            let profile = Profile::find(name).unwrap();
            assert_eq!(profile.is_list, profile.request.is_empty(), "{name}");
        }
        let long = Profile::find("pds-long").unwrap();
        assert_eq!(long.request.len(), 24);
        assert_eq!(long.meaning("92"), Some(&Meaning::Sensitive));
        assert_eq!(long.field("error_success_code"), Some(Field::Code));
        assert_eq!(long.field("Post code"), Some(Field::Postcode));
        assert_eq!(long.meaning("77"), None);
    }

    #[test]
    fn a_profile_of_ones_own_says_what_is_wrong_with_it() {
        for (text, words) in [
            ("colour = 1", "unknown field"),
            ("like = \"mine\"", "does not exist"),
            ("[response.columns]\nreference = [\"A\"]", "has no code"),
            (
                "like = \"pds\"\n[response.codes]\n\"99\" = \"fine\"",
                "is not a meaning",
            ),
        ] {
            let refused = Profile::parse(text).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
        assert!(Profile::find("nobody").is_err());
    }
}
