//! Which column of the file holds what: by its header, or by the operator's mapping.

mod field;
mod header_check;
mod header_values;
mod headers;
mod mapping;
mod mask;

use std::ops::Deref;

use pkb_core::Fatal;
use pkb_files::shown;
use pkb_values::{NationalIdType, folded_header};

pub use field::{ADDRESS, BIRTH_PARTS, CARERS, Field};
use field::{COMPOSED, HOUSE, Several};
pub use headers::{Concern, concern, looks_like_address};
pub use mapping::{Mapping, Meanings};
pub use mask::mask;

/// Where each field stands in a row.
#[derive(Debug)]
pub struct Columns {
    headers: Vec<String>,
    /// The column of each field; where it has several, the one that counts first.
    places: [Option<u16>; Field::COUNT],
    /// The fields of an address that the file has, in the order of its lines.
    address: Vec<Field>,
    /// Whether lines of the address are put together from several cells, or taken apart.
    composes_address: bool,
    /// Further columns of fields of which the first cell that is filled counts, in their order.
    further: Vec<(Field, usize)>,
    /// Columns that decide whether a patient may be written to.
    deciding: Vec<DecidingColumn>,
    /// The field of each column.
    fields: Vec<Option<Field>>,
    /// Whether the operator has said to leave a column aside.
    ignored: Vec<bool>,
    /// Columns without a field that may say something of the patient, and that the operator has not said to ignore.
    searched: Vec<usize>,
    /// The first header that looks like a value.
    first_value: Option<usize>,
}

/// A column that decides, by what its cells say, whether a patient may be written to.
#[derive(Debug)]
pub struct DecidingColumn {
    /// Its place in a row.
    pub at: usize,
    /// What it is about.
    pub field: Field,
    /// What the operator says that words mean in it.
    pub meanings: Meanings,
}

/// Header cells that must be known before the first line is taken for a header, and shown. A row of a
/// file without a header would show a patient.
const HEADERS_TO_BE_SURE: usize = 2;

impl Columns {
    /// Finds the fields in a header row.
    ///
    /// # Errors
    /// Everything that is wrong with the header: mandatory columns that are missing (with the nearest
    /// header), columns that mean the same, mapped headers that are not there; and columns that must not be
    /// passed over.
    pub fn find(file: &str, header: &[&str], mapping: &Mapping) -> Result<Self, Fatal> {
        let columns = Self::recognise(header, mapping);
        columns.check(file, mapping)?;
        Ok(columns)
    }

    /// Finds what can be found, for showing.
    pub fn recognise(header: &[&str], mapping: &Mapping) -> Self {
        let mut headers: Vec<String> = header.iter().map(|cell| cell.trim().to_owned()).collect();
        let first_value = header_values::first(&headers, mapping);
        // Nobody is shown.
        for header in headers.iter_mut().skip(first_value.unwrap_or(usize::MAX)) {
            header.clear();
        }
        let fields = fields_of(&headers, mapping);
        let mut columns: Vec<(usize, Field)> = fields
            .iter()
            .enumerate()
            .filter_map(|(at, field)| Some((at, (*field)?)))
            .collect();
        columns.sort_by_key(|(at, field)| (*field, mapping.rank(*field, &headers[*at]), *at));
        let mut places = [None; Field::COUNT];
        let (mut further, mut deciding) = (Vec::new(), Vec::new());
        for (at, field) in columns {
            if field.decides_who_is_written_to() {
                let meanings = mapping.meanings_of(&headers[at]).in_column_of(field);
                deciding.push(DecidingColumn {
                    at,
                    field,
                    meanings,
                });
            }
            match &mut places[field as usize] {
                Some(_) => further.push((field, at)),
                free => *free = u16::try_from(at).ok(),
            }
        }
        let ignored: Vec<bool> = headers
            .iter()
            .map(|header| mapping.ignores(header))
            .collect();
        Self {
            searched: (0..headers.len())
                .filter(|at| fields[*at].is_none() && !ignored[*at])
                .filter(|at| !headers::is_of_others(&headers[*at]))
                .collect(),
            composes_address: fields
                .iter()
                .flatten()
                .any(|field| COMPOSED.contains(field)),
            address: ADDRESS
                .into_iter()
                .filter(|field| fields.contains(&Some(*field)))
                .collect(),
            ignored,
            headers,
            places,
            further,
            deciding,
            fields,
            first_value,
        }
    }

    /// Whether enough cells are known to be sure that the row is a header.
    pub fn is_surely_a_header(&self) -> bool {
        self.known() >= HEADERS_TO_BE_SURE
    }

    /// How many columns are known.
    pub fn known(&self) -> usize {
        self.fields.iter().flatten().count()
    }

    /// How many cells a row must have.
    pub fn len(&self) -> usize {
        self.headers.len()
    }

    /// How many there are up to the last that has a header.
    pub fn named(&self) -> usize {
        let last = self.headers.iter().rposition(|header| !header.is_empty());
        last.map_or(0, |at| at + 1)
    }

    /// The cell of a field; where it has several columns, of the one that counts first.
    pub fn place(&self, field: Field) -> Option<usize> {
        self.places[field as usize].map(usize::from)
    }

    /// The further cells of a field, of which the first that is filled counts.
    pub fn further(&self, field: Field) -> impl Iterator<Item = usize> + '_ {
        let of_it = self
            .further
            .iter()
            .filter(move |(other, _)| *other == field);
        of_it.map(|(_, at)| *at)
    }

    /// The columns that decide whether a patient may be written to.
    pub fn deciding(&self) -> &[DecidingColumn] {
        &self.deciding
    }

    /// What an unused column is about, if it must not be skipped.
    pub fn concern(&self, at: usize) -> Option<Concern> {
        let is_open = self.fields[at].is_none() && !self.ignored[at];
        is_open
            .then(|| headers::concern(&self.headers[at]))
            .flatten()
    }

    /// Whether any field has further columns.
    pub fn has_further(&self) -> bool {
        !self.further.is_empty()
    }

    /// The fields of an address that the file has, in the order of its lines.
    pub fn address(&self) -> &[Field] {
        &self.address
    }

    /// Whether lines of the address are put together from several cells, or taken apart.
    pub fn composes_address(&self) -> bool {
        self.composes_address
    }

    /// The field of a column.
    pub fn field(&self, at: usize) -> Option<Field> {
        self.fields.get(at).copied().flatten()
    }

    /// The header of a column.
    pub fn header(&self, at: usize) -> &str {
        self.headers.get(at).map_or("", Deref::deref)
    }

    /// A column for a person who looks at it in a spreadsheet: `column C "Pt Ref"`.
    pub fn label(&self, at: usize) -> String {
        match self.header(at) {
            "" => format!("column {}", pkb_table::column_letters(at)),
            header => format!(
                "column {} \"{}\"",
                pkb_table::column_letters(at),
                shown::in_line(header)
            ),
        }
    }

    /// Columns that hold nothing this program uses.
    pub fn unused(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.headers.len()).filter(|at| self.fields[*at].is_none())
    }

    /// Columns that hold nothing this program uses, that may say something of the patient, and that the operator has not
    /// said to ignore.
    pub fn searched(&self) -> &[usize] {
        &self.searched
    }

    /// Whether the operator has said to leave a column aside.
    pub fn is_ignored(&self, at: usize) -> bool {
        self.ignored.get(at).copied().unwrap_or_default()
    }

    /// Under which name a column without a field is kept in the record: its header, or `column C`
    /// where that is empty or not the only one of its name.
    pub fn extra_key(&self, at: usize) -> String {
        let header = self.header(at);
        let same = self.headers.iter().filter(|other| *other == header).count();
        if header.is_empty() || same > 1 {
            format!("column {}", pkb_table::column_letters(at))
        } else {
            header.to_owned()
        }
    }

    /// The scheme that the header of the national id speaks of; NHS number if it speaks of none.
    pub fn scheme(&self) -> NationalIdType {
        let header = self
            .place(Field::NationalId)
            .map(|at| folded_header(self.header(at)))
            .unwrap_or_default();
        if header.contains("nhs") {
            NationalIdType::NhsNumber
        } else if header.contains("chi") {
            NationalIdType::ChiNumber
        } else if header.starts_with('h') {
            // H&C, HC, Health and Care, HSC.
            NationalIdType::HcNumber
        } else {
            NationalIdType::NhsNumber
        }
    }
}

/// The field of each column.
fn fields_of(headers: &[String], mapping: &Mapping) -> Vec<Option<Field>> {
    let mut fields: Vec<Option<Field>> = headers
        .iter()
        .map(|header| {
            mapping.field_of(header).or_else(|| {
                Field::of_header(header).filter(|field| {
                    // A mapped field is what the mapping says, and nothing else; but a column that decides who is
                    // written to is never passed over because another one was mapped.
                    let is_taken =
                        mapping.columns.contains_key(field) && field.several() != Several::All;
                    !is_taken && !mapping.ignores(header)
                })
            })
        })
        .collect();
    let is_whole = |at: usize| {
        fields[at] == Some(Field::Address1)
            && mapping.field_of(&headers[at]).is_none()
            && headers::may_be_whole_address(&headers[at])
    };
    let of_house = |field: &Option<Field>| field.is_some_and(|field| HOUSE.contains(&field));
    let lines = fields.iter().filter(|field| of_house(field)).count();
    if let (1, Some(at)) = (lines, (0..headers.len()).find(|at| is_whole(*at))) {
        fields[at] = Some(Field::FullAddress);
    }
    if lines > 1 && fields.contains(&Some(Field::FullAddress)) {
        // Lines of their own are better than a whole address, unless the operator has named that.
        let is_mapped = mapping.columns.contains_key(&Field::FullAddress);
        for field in &mut fields {
            if of_house(field) && is_mapped != (*field == Some(Field::FullAddress)) {
                *field = None;
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &[&str]) -> Result<Columns, String> {
        Columns::find("patients.csv", header, &Mapping::default()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_missing_column_is_named_with_the_nearest_header() {
        let error = find(&["NHS No", "Forename", "Surnam", "DOB", "Ward"]).unwrap_err();
        assert!(
            error.contains("there is no column Last name (the nearest is column C \"Surnam\")"),
            "{error}"
        );
        assert!(!error.contains("Ward"));
    }

    #[test]
    fn all_that_is_wrong_with_a_header_is_named_at_once() {
        let error = find(&["NHS No", "CHI number", "Surname", "DD", "MM"]).unwrap_err();
        for part in [
            "column A \"NHS No\" and column B \"CHI number\" mean NHS number",
            "no column First name",
            "no column Year of birth",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_file_without_a_header_shows_nobody() {
        let error = find(&["9990000026", "Canary", "Canary", "1987-06-05"]).unwrap_err();
        assert!(
            error.contains("not a header") && !error.contains("anary"),
            "{error}"
        );
    }

    #[test]
    fn a_mapping_wins_over_the_header() {
        let mapping = Mapping {
            columns: [(Field::NationalId, vec!["Pt ref".to_owned()])].into(),
            ignore: vec!["Old surname".into()],
            ..Mapping::default()
        };
        let header = ["NHS No", "Pt Ref", "Forename", "Surname", "DOB"];
        let columns = Columns::find("f", &header, &mapping).unwrap();
        assert_eq!(columns.place(Field::NationalId), Some(1));
        assert_eq!(columns.unused().collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn the_header_says_of_which_scheme_the_numbers_are() {
        let scheme = |header| {
            find(&[header, "Forename", "Surname", "DOB"])
                .unwrap()
                .scheme()
        };
        assert_eq!(scheme("NHS No"), NationalIdType::NhsNumber);
        assert_eq!(scheme("CHI"), NationalIdType::ChiNumber);
        assert_eq!(scheme("H&C Number"), NationalIdType::HcNumber);
        assert_eq!(scheme("Health and Care number"), NationalIdType::HcNumber);
        assert_eq!(scheme("National identifier"), NationalIdType::NhsNumber);
    }

    /// A header with what is needed, and these columns.
    fn with(headers: &[&str]) -> Vec<String> {
        let needed = ["NHS No", "Forename", "Surname", "DOB"];
        needed
            .iter()
            .chain(headers)
            .map(|header| (*header).to_owned())
            .collect()
    }

    fn find_with(headers: &[&str], mapping: &Mapping) -> Result<Columns, Fatal> {
        let header = with(headers);
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        Columns::find("patients.csv", &header, mapping)
    }

    fn mapping(text: &str) -> Mapping {
        Mapping::parse(text).unwrap()
    }

    #[test]
    fn a_column_about_death_that_is_not_used_stops_the_file() {
        for header in [
            "CAUSE_OF_DEATH",
            "Pt dead?",
            "Safeguarding",
            "SMS consent",
            "Type 1 opt-out",
            "List removal notes",
        ] {
            let refused = find_with(&[header], &Mapping::default()).unwrap_err();
            assert!(matches!(refused, Fatal::Refused(_)), "{header}");
            let words = refused.to_string();
            for part in [
                "column E",
                header,
                "about",
                "ignore = [",
                "--map columns.toml",
            ] {
                assert!(words.contains(part), "{part}: {words}");
            }
            let ignored = mapping(&format!("ignore = [\"{header}\"]"));
            assert!(find_with(&[header], &ignored).is_ok(), "{header}");
        }
        let mapped = mapping("[columns]\ndeceased = \"CAUSE_OF_DEATH\"");
        let columns = find_with(&["CAUSE_OF_DEATH", "DOD"], &mapped).unwrap();
        assert_eq!(
            columns.deciding().len(),
            2,
            "a known column counts beside the mapped one"
        );
    }

    #[test]
    fn all_columns_that_must_not_be_skipped_are_named_at_once() {
        let refused = find_with(
            &["Death cert", "VIP", "Opt out of SMS"],
            &Mapping::default(),
        );
        let words = refused.unwrap_err().to_string();
        for part in [
            "\"Death cert\" (about death)",
            "\"VIP\" (about sensitivity)",
            "\"Opt out of SMS\" (about consent or contact)",
            "deceased = [\"Death cert\"]",
            "do_not_contact = [\"Opt out of SMS\"]   # if yes means: must not",
            "consent = [\"Opt out of SMS\"]   # if yes means: agrees",
            "ignore = [\"Death cert\", \"VIP\", \"Opt out of SMS\"]",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }

    #[test]
    fn a_town_without_a_street_stops_the_file() {
        for headers in [
            &["Town", "Post code"][..],
            &["County"],
            &["Village", "Town"],
        ] {
            let refused = find_with(headers, &Mapping::default()).unwrap_err();
            assert!(matches!(refused, Fatal::Refused(_)));
            assert!(refused.to_string().contains("--no-street"), "{refused}");
            let no_street = Mapping {
                no_street: true,
                ..Mapping::default()
            };
            assert!(find_with(headers, &no_street).is_ok());
        }
        let refused = find_with(&["ADDR_PART_A", "Town"], &Mapping::default()).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("perhaps column E \"ADDR_PART_A\""),
            "{refused}"
        );
        for street in [
            "Number and Street",
            "Flat",
            "House name",
            "Full address",
            "Address",
            "Addr1",
        ] {
            assert!(
                find_with(&[street, "Town"], &Mapping::default()).is_ok(),
                "{street}"
            );
        }
        assert!(find_with(&["Mobile"], &Mapping::default()).is_ok());
    }

    #[test]
    fn one_column_called_address_is_the_whole_of_it_and_one_of_several_is_a_line() {
        let place = |headers: &[&str], field| {
            find_with(headers, &Mapping::default())
                .unwrap()
                .place(field)
        };
        assert_eq!(
            place(&["Address", "Post code"], Field::FullAddress),
            Some(4)
        );
        assert_eq!(place(&["Address", "Address 2"], Field::Address1), Some(4));
        assert_eq!(
            place(&["Full address", "Addr1", "Addr2"], Field::FullAddress),
            None
        );
        let mapped = mapping("[columns]\naddress_1 = \"Address\"");
        let columns = find_with(&["Address", "Post code"], &mapped).unwrap();
        assert_eq!(columns.place(Field::Address1), Some(4));
    }

    #[test]
    fn two_telephone_columns_are_refused_until_their_order_is_given_incident_10() {
        let headers = ["Mobile Tel", "Mobile"];
        let refused = find_with(&headers, &Mapping::default()).unwrap_err();
        let words = refused.to_string();
        assert!(
            words.contains("column E \"Mobile Tel\" and column F \"Mobile\" mean Mobile (to take the first that is filled: [columns] mobile = ["),
            "{words}"
        );
        let ordered = mapping("[columns]\nmobile = [\"Mobile\", \"Mobile Tel\"]");
        let columns = find_with(&headers, &ordered).unwrap();
        assert_eq!(columns.place(Field::Mobile), Some(5));
        assert_eq!(columns.further(Field::Mobile).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn the_nearest_header_is_never_one_that_is_nearer_to_something_else() {
        let error = find(&["NHS No", "Nam_Lst", "Nam_Frst", "DOB"]).unwrap_err();
        assert!(
            error.contains("no column First name (the nearest is column C")
                && !error.contains("First name (the nearest is column B"),
            "{error}"
        );
    }

    #[test]
    fn meanings_for_a_column_that_decides_nothing_are_named() {
        let refused = find_with(&["Ward"], &mapping("[values.Ward]\nno = [\"9\"]")).unwrap_err();
        assert!(
            refused.to_string().contains("[values] for \"Ward\""),
            "{refused}"
        );
    }

    #[test]
    fn headers_of_the_systems_are_known_as_they_write_them() {
        for header in [
            "HOSP_NO,NHSNumber,NHS_NUMBER_STATUS,TITLE,PAT_SURNAME,FORENAME1,BIRTH_DATE,ADDR_LINE_1,POSTCODE,HOME_TEL,MOBILE_NO,DECEASED_IND,DEATH_DTTM",
            "MRN,NHS_Nbr,Name_Last,Name_First,Birth_Dt_Tm,Deceased_Cd,Street_Addr,Street_Addr2,City,Zipcode,Phone_Mobile",
            "NHS Number,Title,Given Name,Family Name,Date of Birth,House Name Flat Number,Number and Street,Village,Town,County,Postcode,Mobile Telephone,Date of Death,Patient Type",
            "Patient ID,NHS number,Title,First name,Surname,Date of birth,House name,Road name,Locality,Town,County,Postcode,Mobile number,Registration status",
            "PAT_MRN_ID,NHS number,PAT_LAST_NAME,PAT_FIRST_NAME,BIRTH_DATE,ADD_LINE_1,ADD_LINE_2,CITY,ZIP,HOME_PHONE,EMAIL_ADDRESS,DEATH_DATE,PAT_STATUS",
            "PAPMI_No,PAPER_NHSNumber,PAPMI_Name,PAPMI_Name2,PAPMI_DOB,PAPER_StNameLine1,CTCIT_Desc,CTZIP_Code,PAPER_MobPhone,PAPMI_Deceased,PAPMI_Deceased_Date",
            "NHS Number,Surname,Forename,DOB,NameOfBuilding,NumberOfBuilding,NameOfRoad,NameOfLocality,NameOfTown,NameOfCounty,FullPostcode,DateDeath",
            "nhs_number,family_name,given_name,date_of_birth,address_line_1,address_line_2,postcode,reason_for_removal,reason_for_removal_effective_from_date,date_of_death,mobile_number,email_address,preferred_language",
            "NHS No,CRN,Surname,Forename,Birth Date,Address1,Address2,Address3,Post Code,Death Status,Date Dec'd",
        ] {
            let cells: Vec<&str> = header.split(',').collect();
            let columns = Columns::find("f", &cells, &Mapping::default()).unwrap();
            let unused: Vec<usize> = columns.unused().collect();
            assert!(unused.is_empty(), "{header}: {unused:?}");
        }
    }
}
