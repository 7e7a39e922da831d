//! PKB's "Add many patients" file. Its columns are data (`data/add-many-patients.toml`), because
//! PKB does not publish the template.

use jiff::civil::Date;
use pkb_core::{
    Fatal,
    record::Patient,
    value::{AddressLine, Postcode, UkMobile},
};
use serde::Deserialize;

/// Rows that PKB takes in one file.
pub const MAX_ROWS: u32 = 50_000;

/// The columns of the file, in their order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    #[serde(rename = "column")]
    columns: Vec<ProfileColumn>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileColumn {
    header: String,
    field: Option<Field>,
}

/// What can go into a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Field {
    Title,
    FirstName,
    LastName,
    NationalId,
    Email,
    BirthDay,
    BirthMonth,
    BirthYear,
    #[serde(rename = "address_1")]
    Address1,
    #[serde(rename = "address_2")]
    Address2,
    City,
    County,
    PostCode,
    Mobile,
}

impl Profile {
    /// The profile that comes with the program.
    ///
    /// # Errors
    /// Only if the program was built with a bad one.
    pub fn built_in() -> Result<Self, Fatal> {
        toml::from_str(include_str!("../data/add-many-patients.toml")).map_err(|error| {
            Fatal::Bug(format!(
                "the column profile is malformed: {}",
                error.message()
            ))
        })
    }

    /// The header line.
    pub fn header_line(&self) -> Vec<u8> {
        csv_line(self.columns.iter().map(|column| column.header.as_str()))
    }

    /// The line of one patient. An e-mail address makes PKB send an invitation of its own, so it
    /// stays out unless `keep_email`.
    pub fn patient_line(&self, patient: &Patient, keep_email: bool) -> Vec<u8> {
        let cells: Vec<String> = self
            .columns
            .iter()
            .map(|column| match column.field {
                None => String::new(),
                Some(Field::Email) if !keep_email => String::new(),
                Some(field) => expose_cell(patient, field),
            })
            .collect();
        csv_line(cells.iter().map(String::as_str))
    }
}

fn expose_cell(patient: &Patient, field: Field) -> String {
    let born: Date = patient.date_of_birth.expose_date();
    let place = |at: usize| {
        let line = address_cells(&patient.address)[at];
        line.map(AddressLine::expose_line)
            .unwrap_or_default()
            .to_owned()
    };
    match field {
        Field::Title => patient
            .title
            .as_ref()
            .map(|title| title.expose_name().to_owned())
            .unwrap_or_default(),
        Field::FirstName => patient.first_name.expose_name().to_owned(),
        Field::LastName => patient.last_name.expose_name().to_owned(),
        Field::NationalId => patient.national_id.value.expose_digits().to_owned(),
        Field::Email => patient
            .email
            .as_ref()
            .map(|email| email.expose_address().to_owned())
            .unwrap_or_default(),
        Field::BirthDay => format!("{:02}", born.day()),
        Field::BirthMonth => format!("{:02}", born.month()),
        Field::BirthYear => format!("{:04}", born.year()),
        Field::Address1 => place(0),
        Field::Address2 => place(1),
        Field::City => place(2),
        Field::County => place(3),
        Field::PostCode => patient
            .post_code
            .as_ref()
            .map(Postcode::expose_postcode)
            .unwrap_or_default()
            .to_owned(),
        Field::Mobile => patient
            .mobile
            .as_ref()
            .map(UkMobile::expose_e164)
            .unwrap_or_default()
            .to_owned(),
    }
}

/// Address1, Address2, City and County from the lines of an address: the first line is the street,
/// the last (of three or fewer) the town.
fn address_cells(lines: &[AddressLine]) -> [Option<&AddressLine>; 4] {
    match lines {
        [] => [None; 4],
        [street] => [Some(street), None, None, None],
        [street, town] => [Some(street), None, Some(town), None],
        [street, second, town] => [Some(street), Some(second), Some(town), None],
        [street, second, town, county, ..] => {
            [Some(street), Some(second), Some(town), Some(county)]
        }
    }
}

/// One line by RFC 4180, with its line end.
fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory cannot fail, and `flexible` is off for one record only.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(json_address: &str) -> Patient {
        let json = format!(
            r#"{{"national_id":{{"type":"NHS_NUMBER","value":"5760678914"}},"first_name":"Read, \"R\"","last_name":"O'Brien","date_of_birth":"2000-09-05","address":{json_address},"post_code":"NE1 1XC","email":"r@example.org"}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn cells(line: &[u8]) -> Vec<String> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(line);
        reader
            .records()
            .next()
            .unwrap()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_patient_line_has_a_cell_for_each_header_and_dates_keep_their_zeros() {
        let profile = Profile::built_in().unwrap();
        let header = cells(&profile.header_line());
        let line =
            cells(&profile.patient_line(&patient(r#"["1 Main Street","Newcastle"]"#), false));
        assert_eq!(header.len(), line.len());
        let cell = |name: &str| &line[header.iter().position(|h| h == name).unwrap()];
        assert_eq!(cell("First name"), "Read, \"R\"");
        assert_eq!(cell("National Identifier"), "5760678914");
        assert_eq!([cell("DD"), cell("MM"), cell("YYYY")], ["05", "09", "2000"]);
        assert_eq!(
            [cell("Address1"), cell("Address2"), cell("City")],
            ["1 Main Street", "", "Newcastle"]
        );
    }

    #[test]
    fn an_email_is_uploaded_only_when_asked() {
        let profile = Profile::built_in().unwrap();
        let with = |keep| String::from_utf8(profile.patient_line(&patient("[]"), keep)).unwrap();
        assert!(!with(false).contains("r@example.org"));
        assert!(with(true).contains("r@example.org"));
    }
}
