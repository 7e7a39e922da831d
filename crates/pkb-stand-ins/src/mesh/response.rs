//! What PDS answers to a row of a request.

use csv::StringRecord;
use jiff::civil::Date;
use pkb_synthetic::KnownRecord;

use super::population::{Fate, Person, Population, gender_of};
use super::request::{Code, Question};

/// The columns of a response, as dorset-ics/healthcare-data-exchange (`PdsMeshRecordResponse.cs`) and the Person_ID Handbook name
/// them.
pub(super) const COLUMNS: [&str; 29] = [
    "UNIQUE REFERENCE",
    "REQ_NHS_NUMBER",
    "FAMILY_NAME",
    "GIVEN_NAME",
    "OTHER_GIVEN_NAME",
    "GENDER",
    "DATE_OF_BIRTH",
    "DATE_OF_DEATH",
    "ADDRESS_LINE1",
    "ADDRESS_LINE2",
    "ADDRESS_LINE3",
    "ADDRESS_LINE4",
    "ADDRESS_LINE5",
    "POSTCODE",
    "GP_PRACTICE_CODE",
    "GP_REGISTRATION_DATE",
    "NHAIS_POSTING_ID",
    "AS_AT_DATE",
    "LOCAL_PATIENT_ID",
    "INTERNAL_ID",
    "TELEPHONE_NUMBER",
    "MOBILE_NUMBER",
    "EMAIL_ADDRESS",
    "SENSITIVITY_FLAG",
    "MPS_ID",
    "ERROR/SUCCESS_CODE",
    "MATCHED_NHS_NO",
    "MATCHED_ALGORITHM_INDICATOR",
    "MATCHED_CONFIDENCE_PERCENTAGE",
];

/// The place of the reference.
pub(super) const REFERENCE: usize = 0;
/// The place of the code.
pub(super) const CODE: usize = 25;

const SUCCESS: Code = "00";
const SUPERSEDED: Code = "90";
const INVALID: Code = "91";
const SENSITIVE: Code = "92";
const SEVERAL: Code = "97";
const NOT_FOUND: Code = "98";

/// In place of a matched number: there is none.
const NOBODY: &str = "0000000000";
/// In place of a matched number: there are several.
const SEVERAL_PEOPLE: &str = "9999999999";

/// How somebody was found.
struct Match<'a> {
    code: Code,
    number: &'a str,
    algorithm: &'static str,
    confidence: &'static str,
}

impl<'a> Match<'a> {
    /// Number and date of birth are the patient's.
    fn cross_check(code: Code, number: &'a str) -> Self {
        Self {
            code,
            number,
            algorithm: "1",
            confidence: "100.00",
        }
    }

    /// Family name, date of birth and gender are the patient's.
    fn alphanumeric(number: &'a str) -> Self {
        Self {
            algorithm: "3",
            ..Self::cross_check(SUCCESS, number)
        }
    }

    fn scored(number: &'a str) -> Self {
        Self {
            algorithm: "4",
            confidence: "87.50",
            ..Self::cross_check(SUCCESS, number)
        }
    }

    fn none(code: Code, number: &'a str) -> Self {
        Self {
            code,
            number,
            algorithm: "0",
            confidence: "0.00",
        }
    }
}

/// The row that answers a question.
pub(super) fn answer(question: &Question, population: &Population, as_at: Date) -> StringRecord {
    if let Some(code) = question.refused {
        return row(question, None, &Match::none(code, NOBODY), as_at);
    }
    let number = question.number.as_str();
    let known = population.get(number);
    match known.and_then(|person| person.fate.as_ref()) {
        Some(Fate::Invalid) => return row(question, None, &Match::none(INVALID, NOBODY), as_at),
        Some(Fate::NotFound) => {
            return row(question, None, &Match::none(NOT_FOUND, NOBODY), as_at);
        }
        Some(Fate::Several) => {
            let found = Match::none(SEVERAL, SEVERAL_PEOPLE);
            return row(question, None, &found, as_at);
        }
        _ => {}
    }
    match known.filter(|person| person.record.date_of_birth == question.born) {
        Some(person) => {
            let found = match &person.fate {
                Some(Fate::Sensitive) => Match::cross_check(SENSITIVE, number),
                Some(Fate::Superseded(new)) => Match::cross_check(SUPERSEDED, new),
                Some(Fate::ByName { is_scored: false }) => Match::alphanumeric(number),
                Some(Fate::ByName { is_scored: true }) => Match::scored(number),
                _ => Match::cross_check(SUCCESS, number),
            };
            row(question, Some(person), &found, as_at)
        }
        None => by_name(question, population, as_at),
    }
}

/// The alphanumeric trace, which needs more than the short form of a request has.
fn by_name(question: &Question, population: &Population, as_at: Date) -> StringRecord {
    let found = match question.born {
        Some(born) if !question.family_name.is_empty() && !question.gender.is_empty() => {
            population.named(&question.family_name, born, &question.gender)
        }
        _ => Vec::new(),
    };
    // Whoever cannot be found by number is not found by name either.
    let people: Vec<(&str, &Person)> = found
        .into_iter()
        .filter_map(|number| Some((number, population.get(number)?)))
        .filter(|(_, person)| !matches!(person.fate, Some(Fate::NotFound | Fate::Invalid)))
        .collect();
    match people.as_slice() {
        [] => row(question, None, &Match::none(NOT_FOUND, NOBODY), as_at),
        [(number, person)] => {
            let found = match &person.fate {
                Some(Fate::Sensitive) => Match {
                    code: SENSITIVE,
                    ..Match::alphanumeric(number)
                },
                Some(Fate::Superseded(new)) => Match::alphanumeric(new),
                _ => Match::alphanumeric(number),
            };
            row(question, Some(person), &found, as_at)
        }
        _ => row(question, None, &Match::none(SEVERAL, SEVERAL_PEOPLE), as_at),
    }
}

fn row(question: &Question, person: Option<&Person>, found: &Match, as_at: Date) -> StringRecord {
    let mut row = StringRecord::from(vec![question.reference.as_str(), &question.number]);
    match person {
        Some(person) => describe(&mut row, person),
        None => (2..14).for_each(|_| row.push_field("")),
    }
    // Practice, its date, and posting id: the patient file has none.
    (14..17).for_each(|_| row.push_field(""));
    row.push_field(&digits(as_at));
    // Ids, phones and email: a response is read for deaths and addresses.
    (18..23).for_each(|_| row.push_field(""));
    let is_sensitive = person.is_some_and(|person| person.fate == Some(Fate::Sensitive));
    row.push_field(if is_sensitive { "S" } else { "" });
    for cell in [
        "",
        found.code,
        found.number,
        found.algorithm,
        found.confidence,
    ] {
        row.push_field(cell);
    }
    row
}

/// Names, gender, dates, address. A sensitive record has neither date of death nor address (NHS England's platform code).
fn describe(row: &mut StringRecord, person: &Person) {
    let record = &person.record;
    for cell in [&record.last_name, &record.first_name, "", gender_of(record)] {
        row.push_field(cell);
    }
    row.push_field(&record.date_of_birth.map(digits).unwrap_or_default());
    match &person.fate {
        Some(Fate::Died(died)) => row.push_field(&digits(*died)),
        _ => row.push_field(""),
    }
    let (lines, postcode) = match &person.fate {
        Some(Fate::Sensitive) => Default::default(),
        Some(Fate::Moved([address1, address2, town, county], postcode)) => {
            (lines([address1, address2, town, county]), postcode.as_str())
        }
        _ => {
            let KnownRecord {
                address1,
                address2,
                city,
                county,
                postcode,
                ..
            } = record;
            (lines([address1, address2, city, county]), postcode.as_str())
        }
    };
    lines.iter().for_each(|line| row.push_field(line));
    row.push_field(postcode);
}

/// The five lines of PDS: flat or house name, number and street, locality, post town, county. Any may be empty.
fn lines([address1, address2, town, county]: [&String; 4]) -> [&str; 5] {
    let (building, street) = match address2.as_str() {
        "" => address1
            .split_once(", ")
            .filter(|(building, _)| building.starts_with("Flat "))
            .unwrap_or(("", address1)),
        address2 => (address1.as_str(), address2),
    };
    [building, street, "", town, county]
}

/// YYYYMMDD.
pub(super) fn digits(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}
