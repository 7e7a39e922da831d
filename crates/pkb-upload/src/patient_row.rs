//! One row of a patient file: from cells to a checked patient, or to everything that is wrong with
//! it.

use jiff::civil::Date;
use pkb_core::{
    Reason, Verdict,
    record::{Patient, Unknown},
    value::{
        AddressLine, DateOfBirth, Email, Language, NationalId, NationalIdType, NhsNumber,
        PersonName, Postcode, Problem, UkMobile,
    },
};

/// What a column of the patient file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    NhsNumber,
    Title,
    FirstName,
    LastName,
    DateOfBirth,
    Address1,
    Address2,
    Town,
    County,
    PostCode,
    Mobile,
    Email,
    Language,
}

impl Column {
    /// All columns in the order of the fixture file.
    pub const ALL: [Self; 13] = [
        Self::NhsNumber,
        Self::Title,
        Self::FirstName,
        Self::LastName,
        Self::DateOfBirth,
        Self::Address1,
        Self::Address2,
        Self::Town,
        Self::County,
        Self::PostCode,
        Self::Mobile,
        Self::Email,
        Self::Language,
    ];

    /// The header.
    pub fn header(self) -> &'static str {
        match self {
            Self::NhsNumber => "NHS number",
            Self::Title => "Title",
            Self::FirstName => "First name",
            Self::LastName => "Last name",
            Self::DateOfBirth => "Date of birth",
            Self::Address1 => "Address 1",
            Self::Address2 => "Address 2",
            Self::Town => "Town",
            Self::County => "County",
            Self::PostCode => "Post code",
            Self::Mobile => "Mobile",
            Self::Email => "Email",
            Self::Language => "Language",
        }
    }

    /// Whether a file without the column is of no use.
    pub fn is_mandatory(self) -> bool {
        matches!(
            self,
            Self::NhsNumber | Self::FirstName | Self::LastName | Self::DateOfBirth
        )
    }
}

/// A cell that was left out because it is wrong and the row is good without it.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The column.
    pub column: Column,
    /// What is wrong with the cell.
    pub problem: Problem,
}

/// Checks a row. `cell` gives the text of a column, empty if the file has no such column; `today`
/// is what dates of birth are measured against.
///
/// # Errors
/// Everything that is wrong with the row: the reason is that of the first column with a problem,
/// the words name all of them.
pub fn check(
    cell: &dyn Fn(Column) -> String,
    today: Date,
) -> Result<(Patient, Vec<LeftOut>), Verdict> {
    let mut row = RowCheck {
        cell,
        problems: Vec::new(),
        left_out: Vec::new(),
    };
    let national_id = row.needed(
        Column::NhsNumber,
        NhsNumber::parse,
        [Reason::MissingNationalId, Reason::BadNationalId],
    );
    let title = row.optional(Column::Title, PersonName::parse, Reason::BadName);
    let name_reasons = [Reason::MissingName, Reason::BadName];
    let first_name = row.needed(Column::FirstName, PersonName::parse, name_reasons);
    let last_name = row.needed(Column::LastName, PersonName::parse, name_reasons);
    let date_of_birth = row.needed(
        Column::DateOfBirth,
        |text| DateOfBirth::parse(text)?.check_plausible(today),
        [Reason::MissingDateOfBirth, Reason::BadDateOfBirth],
    );
    let address = [
        Column::Address1,
        Column::Address2,
        Column::Town,
        Column::County,
    ]
    .into_iter()
    .filter_map(|column| row.optional(column, AddressLine::parse, Reason::BadAddress))
    .collect();
    let post_code = row.optional(Column::PostCode, Postcode::parse, Reason::BadPostCode);
    let mobile = row.if_good(Column::Mobile, UkMobile::parse);
    let email = row.if_good(Column::Email, Email::parse);
    let language = row.if_good(Column::Language, Language::parse);
    let RowCheck {
        problems, left_out, ..
    } = row;
    match (
        national_id,
        first_name,
        last_name,
        date_of_birth,
        problems.as_slice(),
    ) {
        (Some(value), Some(first_name), Some(last_name), Some(date_of_birth), []) => {
            let national_id = NationalId {
                scheme: NationalIdType::NhsNumber,
                value,
            };
            let patient = Patient {
                national_id,
                title,
                first_name,
                last_name,
                date_of_birth,
                address,
                post_code,
                mobile,
                email,
                language,
                organisation_id: None,
                team_id: None,
                home_phone: None,
                work_phone: None,
                other_phone: None,
                carers: Vec::new(),
                extra: Unknown::new(),
                unknown: Unknown::new(),
            };
            Ok((patient, left_out))
        }
        _ => Err(verdict(&problems)),
    }
}

fn verdict(problems: &[(Column, Problem, Reason)]) -> Verdict {
    let words: Vec<String> = problems
        .iter()
        .map(|(column, problem, _)| format!("{} {problem}", column.header()))
        .collect();
    let reason = problems
        .first()
        .map_or(Reason::RaggedRow, |(_, _, reason)| *reason);
    Verdict::with_detail(reason, words.join("; "))
}

struct RowCheck<'a> {
    cell: &'a dyn Fn(Column) -> String,
    problems: Vec<(Column, Problem, Reason)>,
    left_out: Vec<LeftOut>,
}

impl RowCheck<'_> {
    /// A cell that the row is no good without; the reasons are those for an empty and a bad one.
    fn needed<T>(
        &mut self,
        column: Column,
        parse: impl Fn(&str) -> Result<T, Problem>,
        [if_missing, if_bad]: [Reason; 2],
    ) -> Option<T> {
        parse(&(self.cell)(column))
            .map_err(|problem| {
                let reason = if problem == Problem::Empty {
                    if_missing
                } else {
                    if_bad
                };
                self.problems.push((column, problem, reason));
            })
            .ok()
    }

    /// A cell that may be empty but not wrong.
    fn optional<T>(
        &mut self,
        column: Column,
        parse: impl Fn(&str) -> Result<T, Problem>,
        if_bad: Reason,
    ) -> Option<T> {
        match parse(&(self.cell)(column)) {
            Ok(value) => Some(value),
            Err(Problem::Empty) => None,
            Err(problem) => {
                self.problems.push((column, problem, if_bad));
                None
            }
        }
    }

    /// A cell that is left out if it is wrong: the patient can be invited without it.
    fn if_good<T>(
        &mut self,
        column: Column,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        match parse(&(self.cell)(column)) {
            Ok(value) => Some(value),
            Err(Problem::Empty) => None,
            Err(problem) => {
                self.left_out.push(LeftOut { column, problem });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn check_with(changes: &[(Column, &str)]) -> Result<(Patient, Vec<LeftOut>), Verdict> {
        let cell = |column: Column| {
            let changed = changes.iter().find(|(c, _)| *c == column);
            let usual = match column {
                Column::NhsNumber => "5760678914",
                Column::FirstName => "Read",
                Column::LastName => "Richards",
                Column::DateOfBirth => "2000-09-15",
                _ => "",
            };
            changed.map_or(usual, |(_, text)| text).to_owned()
        };
        check(&cell, date(2026, 11, 22))
    }

    #[test]
    fn a_row_with_only_what_is_needed_is_good() {
        let (patient, left_out) = check_with(&[]).unwrap();
        assert_eq!(patient.expose_full_name(), "Read Richards");
        assert!(left_out.is_empty() && patient.address.is_empty());
    }

    #[test]
    fn all_problems_of_a_row_are_named_and_no_value_is() {
        let verdict = check_with(&[
            (Column::NhsNumber, "5760678915"),
            (Column::LastName, ""),
            (Column::DateOfBirth, "2099-01-01"),
            (Column::PostCode, "Canary"),
        ])
        .unwrap_err();
        assert_eq!(verdict.reason, Reason::BadNationalId);
        assert_eq!(
            verdict.detail.unwrap(),
            "NHS number has a check digit that does not fit: a digit is mistyped; Last name is empty; \
             Date of birth is in the future; Post code is not a UK post code"
        );
    }

    #[test]
    fn a_bad_mobile_or_email_is_left_out_and_the_row_is_good() {
        let (patient, left_out) =
            check_with(&[(Column::Mobile, "0191 496 0123"), (Column::Email, "x")]).unwrap();
        assert!(patient.mobile.is_none() && patient.email.is_none());
        assert_eq!(left_out.len(), 2);
    }

    #[test]
    fn empty_address_cells_leave_no_gap() {
        let (patient, _) = check_with(&[
            (Column::Address1, "1 Main Street"),
            (Column::Town, "Newcastle"),
        ])
        .unwrap();
        let lines: Vec<_> = patient
            .address
            .iter()
            .map(AddressLine::expose_line)
            .collect();
        assert_eq!(lines, ["1 Main Street", "Newcastle"]);
    }
}
