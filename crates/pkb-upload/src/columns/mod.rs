//! Which column of the file holds what: by its header, or by the operator's mapping.

mod field;
mod mapping;
mod mask;

use std::ops::Deref;

use pkb_core::{
    Fatal,
    value::{NationalIdType, folded_header},
};

pub use field::{ADDRESS, BIRTH_PARTS, CARERS, Field};
pub use mapping::Mapping;
pub use mask::mask;

/// Where each field stands in a row.
#[derive(Debug)]
pub struct Columns {
    headers: Vec<String>,
    places: [Option<u16>; Field::COUNT],
    /// The field of each column.
    fields: Vec<Option<Field>>,
}

/// Header cells that must be known before the first line is taken for a header, and shown. A row of a
/// file without a header would show a patient.
const HEADERS_TO_BE_SURE: usize = 2;

/// How alike a header must be to be named as the nearest.
const ALIKE: f64 = 0.7;

impl Columns {
    /// Finds the fields in a header row.
    ///
    /// # Errors
    /// Everything that is wrong with the header: mandatory columns that are missing (with the nearest
    /// header), columns that mean the same, mapped headers that are not there.
    pub fn find(file: &str, header: &[&str], mapping: &Mapping) -> Result<Self, Fatal> {
        let columns = Self::recognise(header, mapping);
        let mut problems = columns.repeated();
        problems.extend(columns.mapped_but_absent(mapping));
        if !columns.is_surely_a_header() {
            return Err(Fatal::Input(format!(
                "{file}: the first row is not a header with names such as NHS number, First name, Last name, Date of \
                 birth: put one above the rows, or name its columns with --map (and look with: pkb-upload columns)"
            )));
        }
        problems.extend(columns.missing());
        if problems.is_empty() {
            Ok(columns)
        } else {
            Err(Fatal::Input(format!(
                "{file}: {}. Rename the columns, or name them with --map (look with: pkb-upload columns)",
                problems.join("; ")
            )))
        }
    }

    /// Finds what can be found, for showing.
    pub fn recognise(header: &[&str], mapping: &Mapping) -> Self {
        let headers: Vec<String> = header.iter().map(|cell| cell.trim().to_owned()).collect();
        let is = |header: &str, wanted: &str| folded_header(header) == folded_header(wanted);
        let fields: Vec<Option<Field>> = headers
            .iter()
            .map(|header| {
                let mapped = mapping
                    .columns
                    .iter()
                    .find(|(_, wanted)| is(header, wanted));
                if let Some((field, _)) = mapped {
                    return Some(*field);
                }
                Field::of_header(header).filter(|field| {
                    // A mapped field is what the mapping says, and nothing else.
                    !mapping.columns.contains_key(field)
                        && !mapping.ignore.iter().any(|ignored| is(header, ignored))
                })
            })
            .collect();
        let mut places = [None; Field::COUNT];
        for (at, field) in fields.iter().enumerate() {
            if let Some(field) = field {
                places[*field as usize] = places[*field as usize].or(u16::try_from(at).ok());
            }
        }
        Self {
            headers,
            places,
            fields,
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

    fn repeated(&self) -> Vec<String> {
        Field::all()
            .filter_map(|field| {
                let same: Vec<String> = (0..self.headers.len())
                    .filter(|at| self.fields[*at] == Some(field))
                    .map(|at| self.label(at))
                    .collect();
                (same.len() > 1).then(|| format!("{} mean {}", same.join(" and "), field.name()))
            })
            .collect()
    }

    fn mapped_but_absent<'a>(&'a self, mapping: &'a Mapping) -> impl Iterator<Item = String> + 'a {
        mapping
            .columns
            .iter()
            .filter(|(_, header)| {
                !self
                    .headers
                    .iter()
                    .any(|there| folded_header(there) == folded_header(header))
            })
            .map(|(field, header)| {
                format!(
                    "the mapping has \"{header}\" for {} and the file has no such column",
                    field.key()
                )
            })
    }

    fn missing(&self) -> Vec<String> {
        let lacks = |field: Field| self.place(field).is_none();
        let mut missing: Vec<Field> = [Field::NationalId, Field::FirstName, Field::LastName]
            .into_iter()
            .filter(|field| lacks(*field))
            .collect();
        if lacks(Field::DateOfBirth) {
            if BIRTH_PARTS.into_iter().all(lacks) {
                missing.push(Field::DateOfBirth);
            } else {
                missing.extend(BIRTH_PARTS.into_iter().filter(|field| lacks(*field)));
            }
        }
        missing
            .into_iter()
            .map(|field| match self.nearest(field) {
                Some(at) => format!(
                    "there is no column {} (the nearest is {})",
                    field.name(),
                    self.label(at)
                ),
                None => format!("there is no column {}", field.name()),
            })
            .collect()
    }

    /// The unused column whose header is most like a field's name.
    fn nearest(&self, field: Field) -> Option<usize> {
        self.unused()
            .map(|at| (at, field.likeness(&self.headers[at])))
            .filter(|(_, likeness)| *likeness >= ALIKE)
            .max_by(|(_, one), (_, two)| one.total_cmp(two))
            .map(|(at, _)| at)
    }

    /// How many cells a row must have.
    pub fn len(&self) -> usize {
        self.headers.len()
    }

    /// The cell of a field.
    pub fn place(&self, field: Field) -> Option<usize> {
        self.places[field as usize].map(usize::from)
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
            "" => format!("column {}", letters(at)),
            header => format!("column {} \"{header}\"", letters(at)),
        }
    }

    /// Columns that hold nothing this program uses.
    pub fn unused(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.headers.len()).filter(|at| self.fields[*at].is_none())
    }

    /// Under which name a column without a field is kept in the record: its header, or `column C`
    /// where that is empty or not the only one of its name.
    pub fn extra_key(&self, at: usize) -> String {
        let header = self.header(at);
        let same = self.headers.iter().filter(|other| *other == header).count();
        if header.is_empty() || same > 1 {
            format!("column {}", letters(at))
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

/// The name of a column in a spreadsheet: A to Z, AA and so on.
pub fn letters(at: usize) -> String {
    let mut name = Vec::new();
    let mut left = at + 1;
    while left > 0 {
        left -= 1;
        name.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    name.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &[&str]) -> Result<Columns, String> {
        Columns::find("patients.csv", header, &Mapping::default()).map_err(|e| e.to_string())
    }

    #[test]
    fn columns_have_the_names_of_a_spreadsheet() {
        assert_eq!(
            [0, 25, 26, 701, 702].map(letters),
            ["A", "Z", "AA", "ZZ", "AAA"]
        );
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
            columns: [(Field::NationalId, "Pt ref".to_owned())].into(),
            ignore: vec!["Old surname".into()],
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
}
