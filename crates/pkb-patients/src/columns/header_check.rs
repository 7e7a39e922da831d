//! What is wrong with a header row: columns that are missing, mean the same, or must not be skipped.

use std::collections::BTreeMap;

use pkb_core::Fatal;
use pkb_values::folded_header;

use super::{
    Columns, Concern, Field, Mapping,
    field::{ADDRESS_LINES, BIRTH_PARTS, HOUSE, Several},
    headers::{asks, looks_like_address},
};

/// How alike a header must be to be named as the nearest.
const ALIKE: f64 = 0.7;

/// Fields that say where a house is, but not which one: a file that has them is meant for letters.
const PLACES: [Field; 3] = [Field::Locality, Field::Town, Field::County];

impl Columns {
    /// Refuses a header that cannot be worked with, or with which a patient might be written to although the file says
    /// dead, sensitive or do not contact.
    pub(super) fn check(&self, file: &str, mapping: &Mapping) -> Result<(), Fatal> {
        if !self.is_surely_a_header() {
            return Err(Fatal::Input(format!(
                "{file}: the first row is not a header with names such as NHS number, First name, Last name, Date of \
                 birth. Put a header above the rows, or name the columns with --map. To see the columns, run pkb-upload columns on this file"
            )));
        }
        if let Some(refusal) = self.goes_over_into_a_row(file) {
            return Err(refusal);
        }
        let mut problems = self.repeated(mapping);
        problems.extend(self.mapped_but_absent(mapping));
        problems.extend(self.contradicted(mapping));
        problems.extend(self.missing());
        let refusals: Vec<String> = self
            .not_passed_over()
            .into_iter()
            .chain(self.no_house(mapping))
            .collect();
        if problems.is_empty() {
            return match refusals.as_slice() {
                [] => Ok(()),
                some => Err(Fatal::Refused(format!("{file}: {}", some.join("\n")))),
            };
        }
        let problems = format!(
            "{file}: {}. Rename the columns, or name them with --map. To see the columns, run pkb-upload columns on this file",
            problems.join("; ")
        );
        Err(Fatal::Input([vec![problems], refusals].concat().join("\n")))
    }

    /// Refuses a header that goes over into the first row.
    fn goes_over_into_a_row(&self, file: &str) -> Option<Fatal> {
        let at = pkb_table::column_letters(self.first_value?);
        Some(Fatal::Refused(format!(
            "{file}: the header and the first row seem to be one line: column {at} has a value for a header. What to do: \
             put a line break before column {at}, or export the file again. If it is a header, rename that column, or name it \
             with --map"
        )))
    }

    fn repeated(&self, mapping: &Mapping) -> Vec<String> {
        let labels = |columns: &[usize]| -> Vec<String> {
            columns.iter().map(|at| self.label(*at)).collect()
        };
        Field::ALL
            .iter()
            .filter_map(|field| {
                let same: Vec<usize> = (0..self.len())
                    .filter(|at| self.field(*at) == Some(*field))
                    .collect();
                let is_ordered = mapping
                    .columns
                    .get(field)
                    .is_some_and(|headers| headers.len() == same.len());
                let is_fine = match field.several() {
                    Several::All => true,
                    Several::FirstFilled => same.len() < 2 || is_ordered,
                    Several::Refused => same.len() < 2,
                };
                let order = match field.several() {
                    Several::FirstFilled => format!(
                        " (to take the first that is filled: [columns] {} = {})",
                        field.key(),
                        self.headers_as_toml(&same)
                    ),
                    _ => String::new(),
                };
                (!is_fine).then(|| {
                    format!(
                        "{} mean {}{order}",
                        labels(&same).join(" and "),
                        field.name()
                    )
                })
            })
            .collect()
    }

    fn mapped_but_absent<'a>(&'a self, mapping: &'a Mapping) -> impl Iterator<Item = String> + 'a {
        let is_there = |header: &str| {
            (0..self.len()).any(|at| folded_header(self.header(at)) == folded_header(header))
        };
        let columns = mapping.columns.iter().flat_map(move |(field, headers)| {
            let absent = headers.iter().filter(move |header| !is_there(header));
            absent.map(|header| {
                format!(
                    "the mapping has \"{header}\" for {}, but the file has no such column",
                    field.key()
                )
            })
        });
        let decides = |header: &str| {
            let mut columns = self.deciding().iter();
            columns.any(|column| folded_header(self.header(column.at)) == folded_header(header))
        };
        let values = mapping.values.keys().filter(move |header| !decides(header));
        let values = values.map(|header| {
            format!(
                "the mapping has [values] for \"{header}\", which is not a column that says whether a patient may be written to"
            )
        });
        columns.chain(values)
    }

    /// Columns about life and death that the mapping reads as the opposite of what their headers ask, and meanings that do not answer
    /// the question of their column.
    fn contradicted(&self, mapping: &Mapping) -> Vec<String> {
        let opposite = |at: usize, field: Field| {
            let asked = asks(self.header(at))?;
            let is_opposite = matches!(
                (field, asked),
                (Field::Deceased, Field::Alive | Field::LifeStatus)
                    | (Field::Alive, Field::Deceased | Field::LifeStatus)
            );
            is_opposite.then(|| {
                format!(
                    "the mapping has {} for {}, and would take the living for dead, or the dead for alive. Use: [columns] {} = {}",
                    self.label(at),
                    field.key(),
                    asked.key(),
                    self.headers_as_toml(&[at])
                )
            })
        };
        let columns = (0..self.len()).filter_map(|at| Some((at, self.field(at)?)));
        let columns = columns.flat_map(|(at, field)| {
            let header = self.header(at);
            let is_mapped = mapping.field_of(header).is_some();
            let meanings = mapping.meanings_of(header);
            let fault = meanings
                .fault_in(field)
                .map(|fault| format!("[values.{}]: {fault}", self.header_as_toml(at)));
            let opposite = is_mapped.then(|| opposite(at, field)).flatten();
            opposite.into_iter().chain(fault)
        });
        columns.collect()
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

    /// The unused column whose header is most like a field's name, and not more like another field's.
    fn nearest(&self, field: Field) -> Option<usize> {
        let likeness = |at: usize| field.likeness(self.header(at));
        let is_liker_another = |at: usize| {
            let mut others = Field::ALL.iter().filter(|other| **other != field);
            others.any(|other| other.likeness(self.header(at)) > likeness(at))
        };
        self.unused()
            .map(|at| (at, likeness(at)))
            .filter(|(at, likeness)| *likeness >= ALIKE && !is_liker_another(*at))
            .max_by(|(_, one), (_, two)| one.total_cmp(two))
            .map(|(at, _)| at)
    }

    /// Columns about death, consent and the like that are not used.
    fn not_passed_over(&self) -> Option<String> {
        let columns: Vec<(usize, Concern)> = (0..self.len())
            .filter_map(|at| Some((at, self.concern(at)?)))
            .collect();
        if columns.is_empty() {
            return None;
        }
        let mut uses: BTreeMap<(Concern, Field), (Vec<usize>, &str)> = BTreeMap::new();
        for (at, concern) in &columns {
            for (field, hint) in concern.fields(self.header(*at)) {
                let (columns, _) = uses
                    .entry((*concern, *field))
                    .or_insert((Vec::new(), *hint));
                columns.push(*at);
            }
        }
        let named = columns
            .iter()
            .map(|(at, concern)| format!("{} (about {})", self.label(*at), concern.words()));
        let named: Vec<String> = named.collect();
        let uses = uses.iter().map(|((_, field), (columns, hint))| {
            let headers = self.headers_as_toml(columns);
            format!("    {} = {headers}{hint}", field.key())
        });
        let uses: Vec<String> = uses.collect();
        let keep = match columns
            .iter()
            .any(|(at, it)| it.fields(self.header(*at)).len() > 1)
        {
            true => " (keep one line for a column)",
            false => "",
        };
        let all: Vec<usize> = columns.iter().map(|(at, _)| *at).collect();
        let (columns, it) = match all.len() {
            1 => ("1 column is not used, and may say".to_owned(), "it"),
            several => (
                format!("{several} columns are not used, and may say"),
                "them",
            ),
        };
        Some(format!(
            "{columns} who must not be written to: {}\n  What to do: write a file columns.toml, and add --map columns.toml. To use \
             {it}{keep}:\n    [columns]\n{}\n  To leave {it} aside, because no patient must be left out for {it} (above [columns]):\n    ignore = {}",
            named.join(", "),
            uses.join("\n"),
            self.headers_as_toml(&all)
        ))
    }

    /// Whether the file has a part of the address or somebody else's address, and nothing that says which house.
    pub fn has_no_house(&self) -> bool {
        let has = |field: &Field| self.place(*field).is_some();
        // A next of kin's or a practice's address is none of the patient's, and somebody may think it is.
        let is_address = |at: usize| {
            let header = folded_header(self.header(at));
            header.contains("address") || header.contains("postcode")
        };
        let has_others = || {
            let mut open = self.unused().filter(|at| !self.is_ignored(*at));
            open.any(is_address)
        };
        !HOUSE.iter().any(has) && (has(&Field::Postcode) || PLACES.iter().any(has) || has_others())
    }

    /// Towns, and nothing that says which house.
    fn no_house(&self, mapping: &Mapping) -> Option<String> {
        if mapping.no_street || !self.has_no_house() {
            return None;
        }
        let placed = |field: &Field| self.place(*field);
        let mut places: Vec<usize> = PLACES.iter().filter_map(placed).collect();
        if places.is_empty() {
            return None;
        }
        places.extend(placed(&Field::Postcode));
        let places: Vec<String> = places.iter().map(|at| self.label(*at)).collect();
        let is_candidate =
            |at: &usize| !self.is_ignored(*at) && looks_like_address(self.header(*at));
        let candidates: Vec<usize> = self.unused().filter(is_candidate).collect();
        let perhaps = match candidates.as_slice() {
            [] => String::new(),
            some => {
                let labels: Vec<String> = some.iter().map(|at| self.label(*at)).collect();
                format!(" (perhaps {})", labels.join(" or "))
            }
        };
        // Nobody knows which column it is: the operator has to.
        let header = match candidates.first() {
            Some(at) => self.header_as_toml(*at),
            None => "\"…\"   # the header of the column that has it".to_owned(),
        };
        Some(format!(
            "no column has the house and street{perhaps}, though there is {}: no letter would arrive\n  What to do: write a file \
             columns.toml, and add --map columns.toml:\n    [columns]\n    address_1 = {header}\n  If nobody is to get a letter: add \
             --no-street",
            places.join(" and ")
        ))
    }

    /// A header as a string or quoted key in TOML.
    pub fn header_as_toml(&self, at: usize) -> String {
        toml::Value::from(self.header(at)).to_string()
    }

    /// What a mapping file has for columns that may be lines of the address: the lines that the file does not have yet, in their order.
    pub fn as_address_lines(&self, columns: &[usize]) -> String {
        let lines = ADDRESS_LINES.into_iter();
        let free = lines.filter(|line| self.place(*line).is_none());
        let lines = free.zip(columns);
        let lines =
            lines.map(|(line, at)| format!("{} = {}", line.key(), self.header_as_toml(*at)));
        let lines: Vec<String> = lines.collect();
        lines.join("\n")
    }

    /// An advice with the header of a column in it, as a string in TOML; a column without one cannot be named in a mapping file.
    pub fn fill_in_header(&self, at: usize, advice: &str) -> String {
        if self.header(at).is_empty() {
            return format!(
                "{} has no header. Give the column a header, and run the same command again",
                self.label(at)
            );
        }
        advice.replace("HEADER", &self.header_as_toml(at))
    }

    /// Headers as a list in TOML.
    pub fn headers_as_toml(&self, columns: &[usize]) -> String {
        let headers = columns.iter().map(|at| self.header_as_toml(*at));
        let headers: Vec<String> = headers.collect();
        format!("[{}]", headers.join(", "))
    }
}
