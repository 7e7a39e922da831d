//! Headers that are values: a first row that was written behind the header without a line break.

use pkb_core::Fatal;
use pkb_values::{DateOfBirth, DateOrder, Postcode};

use super::{Columns, Mapping};

/// As many digits have national ids and telephone numbers; no header has.
const DIGITS: usize = 9;

/// The first header that looks like a value, unless the operator's mapping names it. It and all behind it may say who a
/// patient is, and must not be shown.
pub(super) fn first(headers: &[String], mapping: &Mapping) -> Option<usize> {
    let is_named = |header: &str| mapping.field_of(header).is_some() || mapping.ignores(header);
    headers
        .iter()
        .position(|header| is_value(header) && !is_named(header))
}

/// A national id, telephone number, e-mail address, postcode or date; alone, or at the end of a header.
fn is_value(header: &str) -> bool {
    let digits = header.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return header.contains('@');
    }
    let is_date = |text: &str| {
        DateOfBirth::parse_as_written(text, DateOrder::DayFirst).is_ok()
            || DateOfBirth::parse_as_written(text, DateOrder::MonthFirst).is_ok()
    };
    let last = header.split_whitespace().next_back().unwrap_or_default();
    digits >= DIGITS
        || header.contains('@')
        || Postcode::parse(header).is_ok()
        || is_date(header)
        || is_date(last)
}

impl Columns {
    /// Refuses a header that goes over into the first row.
    pub(super) fn goes_over_into_a_row(&self, file: &str) -> Option<Fatal> {
        let at = pkb_table::column_letters(self.first_value?);
        Some(Fatal::Refused(format!(
            "{file}: the header and the first row seem to be one line: column {at} has a value for a header. What to do: \
             put a line break before column {at}, or export the file again. If it is a header, rename that column, or name it \
             with --map"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "NHS number,First name,Last name,Date of birth,Post code,Mobile";

    fn refusal(header: &str) -> Option<String> {
        let cells: Vec<&str> = header.split(',').collect();
        let error = Columns::find("patients.csv", &cells, &Mapping::default()).err()?;
        assert!(matches!(error, Fatal::Refused(_)), "{error}");
        Some(error.to_string())
    }

    #[test]
    fn a_row_behind_the_header_stops_the_file_and_shows_nobody() {
        for row in [
            ",9999780008,Anna,Archer,01/01/1940,NE1 4ST,07700 900000",
            "9999780008,Anna,Archer,01/01/1940,NE1 4ST,07700 900000",
            " 999 978 0008,Anna,Archer,01/01/1940,NE1 4ST,",
            ",01/01/1940,Anna,Archer",
            ",1940-01-01,Anna,Archer",
            ",NE1 4ST,Anna,Archer",
            ",anna@archer.example,Anna,Archer",
            ",07700 900000,Anna,Archer",
            " 1 Jan 1940 01-Jan-1940,Anna,Archer",
        ] {
            let refusal = refusal(&format!("{HEADER}{row}")).unwrap();
            for value in ["Anna", "Archer", "1940", "0008", "4ST", "archer", "900000"] {
                assert!(!refusal.contains(value), "{row}: {refusal}");
            }
            assert!(refusal.contains("one line"), "{row}: {refusal}");
        }
    }

    #[test]
    fn headers_with_digits_are_headers() {
        for header in [
            "",
            ",Address 2",
            ",Line 1,Line 2,Line 3",
            ",ADDR10",
            ",Ward 2024",
            ",Q1 2024",
            ",ICD10",
        ] {
            assert_eq!(refusal(&format!("{HEADER}{header}")), None, "{header}");
        }
    }

    #[test]
    fn a_header_that_the_mapping_names_is_no_value() {
        let mapping = Mapping::parse("ignore = [\"01/04/2024\"]").unwrap();
        let cells: Vec<&str> = HEADER.split(',').chain(["01/04/2024"]).collect();
        assert!(Columns::find("patients.csv", &cells, &mapping).is_ok());
    }
}
