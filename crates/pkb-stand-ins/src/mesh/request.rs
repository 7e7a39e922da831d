//! A request file, checked as PDS checks it ("PDS MESH data dictionary", NHS England; the codes are those of NHS England's data
//! platform, class `SpineResponseCodes`).

use std::collections::HashSet;

use csv::ByteRecord;
use jiff::civil::Date;

/// What PDS says about a file, a row or a patient.
pub(super) type Code = &'static str;

/// The file could not be understood.
const PARSE: Code = "01";
/// The file has no row.
const RECORD_COUNT: Code = "04";
/// The reference has characters that are not allowed, or comes twice.
const UNIQUE_REFERENCE: Code = "08";
/// A column that every row must have is empty.
const REQUIRED_FIELD: Code = "10";
const TOO_LONG: Code = "11";
const GENDER: Code = "12";
const FORMAT: Code = "13";
const TOO_FEW_FIELDS: Code = "16";
const TOO_MANY_FIELDS: Code = "17";
const NOT_ENOUGH_DATA: Code = "96";

/// Columns as their names are compared, with the most characters that a cell may have. Where the dictionary gives no length it is
/// that of `FieldConstraints` in NHS England's tracing code; `None` where neither does.
const COLUMNS: [(&str, Option<usize>); 24] = [
    ("UNIQUEREFERENCE", None),
    ("NHSNO", Some(10)),
    ("FAMILYNAME", Some(40)),
    ("GIVENNAME", Some(40)),
    ("OTHERGIVENNAME", Some(100)),
    ("GENDER", Some(1)),
    ("DATEOFBIRTH", Some(8)),
    ("POSTCODE", Some(8)),
    ("DATEOFDEATH", Some(8)),
    ("ADDRESSLINE1", None),
    ("ADDRESSLINE2", None),
    ("ADDRESSLINE3", None),
    ("ADDRESSLINE4", None),
    ("ADDRESSLINE5", None),
    ("ADDRESSDATE", Some(8)),
    ("GPPRACTICECODE", Some(8)),
    ("GPREGISTRATIONDATE", Some(8)),
    ("NHAISPOSTINGID", Some(3)),
    ("ASATDATE", Some(8)),
    ("LOCALPATIENTID", None),
    ("INTERNALID", None),
    ("TELEPHONENUMBER", Some(32)),
    ("MOBILENUMBER", Some(32)),
    ("EMAILADDRESS", Some(90)),
];

/// What a row asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) reference: String,
    /// Ten digits, or nothing.
    pub(super) number: String,
    pub(super) born: Option<Date>,
    pub(super) family_name: String,
    /// 0, 1, 2, 9 or nothing.
    pub(super) gender: String,
    /// Why PDS does not look.
    pub(super) refused: Option<Code>,
}

/// The questions of a file, or the code of a file that PDS does not take.
pub(super) fn read(file: &[u8]) -> Result<Vec<Question>, Code> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    let mut rows = reader.byte_records();
    let header = rows.next().ok_or(RECORD_COUNT)?.map_err(|_| PARSE)?;
    let columns = places(&header)?;
    let mut references = HashSet::new();
    let mut questions = Vec::new();
    for row in rows {
        let row = row.map_err(|_| PARSE)?;
        let mut question = question(&row, &columns);
        if question.refused.is_none() && !references.insert(question.reference.clone()) {
            question.refused = Some(UNIQUE_REFERENCE);
        }
        questions.push(question);
    }
    if questions.is_empty() {
        return Err(RECORD_COUNT);
    }
    Ok(questions)
}

/// Which of [`COLUMNS`] each cell of a row is.
fn places(header: &ByteRecord) -> Result<Vec<usize>, Code> {
    let mut places = Vec::new();
    for name in header {
        let name = compared(name);
        let place = COLUMNS.iter().position(|(column, _)| *column == name);
        let place = place.filter(|place| !places.contains(place)).ok_or(PARSE)?;
        places.push(place);
    }
    let has_reference = places.contains(&0);
    has_reference.then_some(places).ok_or(PARSE)
}

/// A name of a column without regard to case, blanks and `_`.
fn compared(name: &[u8]) -> String {
    let letters = name.iter().filter(|byte| !b" _".contains(byte));
    letters
        .map(|byte| char::from(byte.to_ascii_uppercase()))
        .collect()
}

fn question(row: &ByteRecord, columns: &[usize]) -> Question {
    let cell = |name: &str| {
        let of_name = |place: &usize| {
            COLUMNS
                .get(*place)
                .is_some_and(|(column, _)| *column == name)
        };
        let place = columns.iter().position(of_name);
        let cell = place.and_then(|place| row.get(place)).unwrap_or_default();
        String::from_utf8_lossy(cell).trim().to_owned()
    };
    let born = cell("DATEOFBIRTH");
    let mut question = Question {
        reference: cell("UNIQUEREFERENCE"),
        number: cell("NHSNO"),
        born: date(&born),
        family_name: cell("FAMILYNAME"),
        gender: cell("GENDER"),
        refused: None,
    };
    question.refused = width(row, columns)
        .or_else(|| row_fault(row, columns))
        .or_else(|| value_fault(&question, &born));
    question
}

fn width(row: &ByteRecord, columns: &[usize]) -> Option<Code> {
    match row.len().cmp(&columns.len()) {
        std::cmp::Ordering::Less => Some(TOO_FEW_FIELDS),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(TOO_MANY_FIELDS),
    }
}

fn row_fault(row: &ByteRecord, columns: &[usize]) -> Option<Code> {
    if !row.as_slice().is_ascii() {
        return Some(FORMAT);
    }
    let is_too_long = |(cell, place): (&[u8], &usize)| {
        let most = COLUMNS.get(*place).and_then(|(_, most)| *most);
        most.is_some_and(|most| cell.len() > most)
    };
    row.iter().zip(columns).any(is_too_long).then_some(TOO_LONG)
}

fn value_fault(question: &Question, born: &str) -> Option<Code> {
    let is_reference = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let number = &question.number;
    let is_number = number.len() == 10 && number.bytes().all(|byte| byte.is_ascii_digit());
    if question.reference.is_empty() {
        Some(REQUIRED_FIELD)
    } else if !is_reference(&question.reference) {
        Some(UNIQUE_REFERENCE)
    } else if (!number.is_empty() && !is_number) || (!born.is_empty() && question.born.is_none()) {
        Some(FORMAT)
    } else if !["", "0", "1", "2", "9"].contains(&question.gender.as_str()) {
        Some(GENDER)
    } else {
        is_too_little(question).then_some(NOT_ENOUGH_DATA)
    }
}

/// PDS needs number and date of birth for the cross-check, or family name, date of birth and gender for the alphanumeric trace.
fn is_too_little(question: &Question) -> bool {
    let can_trace = !question.family_name.is_empty() && !question.gender.is_empty();
    question.born.is_none() || (question.number.is_empty() && !can_trace)
}

/// YYYYMMDD.
fn date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..)?);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SHORT: &str = "UNIQUE REFERENCE,NHS_NO,DATE_OF_BIRTH";

    fn code_of(header: &str, row: &str) -> Option<Code> {
        read(format!("{header}\n{row}\n").as_bytes()).unwrap()[0].refused
    }

    #[test]
    fn a_good_row_is_taken_whatever_the_case_of_the_column_names() {
        for header in [SHORT, "unique_reference,NHS NO,Date of Birth"] {
            let questions = read(format!("{header}\r\nA1,9990000018,19700131\r\n").as_bytes());
            let question = questions.unwrap().remove(0);
            assert_eq!(question.refused, None);
            assert_eq!(question.number, "9990000018");
            assert_eq!(question.born, Some(jiff::civil::date(1970, 1, 31)));
        }
    }

    #[test]
    fn a_bad_row_has_the_code_of_its_fault() {
        for (row, code) in [
            (",9990000018,19700131", "10"),
            ("A-1,9990000018,19700131", "08"),
            ("A1,999000001,19700131", "13"),
            ("A1,99900000180,19700131", "11"),
            ("A1,9990000018,31011970", "13"),
            ("A1,9990000018,1970-1-1", "13"),
            ("A1,9990000018,", "96"),
            ("A1,,19700131", "96"),
            ("A1,9990000018", "16"),
            ("A1,9990000018,19700131,1", "17"),
            ("Ä1,9990000018,19700131", "13"),
        ] {
            assert_eq!(code_of(SHORT, row), Some(code), "{row}");
        }
        let with_gender = format!("{SHORT},GENDER");
        assert_eq!(
            code_of(&with_gender, "A1,9990000018,19700131,M"),
            Some("12")
        );
        assert_eq!(code_of(&with_gender, "A1,9990000018,19700131,9"), None);
    }

    #[test]
    fn a_reference_that_comes_twice_is_refused_the_second_time() {
        let rows =
            read(format!("{SHORT}\nA1,9990000018,19700131\nA1,9990000018,19700131\n").as_bytes());
        let codes: Vec<_> = rows.unwrap().iter().map(|row| row.refused).collect();
        assert_eq!(codes, [None, Some("08")]);
    }

    #[test]
    fn a_file_without_column_names_or_rows_is_not_taken() {
        assert_eq!(read(b"A1,9990000018,19700131\n"), Err("01"));
        assert_eq!(
            read(b"NHS_NO,DATE_OF_BIRTH\n9990000018,19700131\n"),
            Err("01")
        );
        assert_eq!(read(SHORT.as_bytes()), Err("04"));
        assert_eq!(read(b""), Err("04"));
    }
}
