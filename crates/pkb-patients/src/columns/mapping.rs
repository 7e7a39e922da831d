//! The operator's own mapping of headers to fields (`--map mapping.toml`).

use std::{collections::BTreeMap, path::Path};

use pkb_core::Fatal;
use pkb_files::trusted_file::{self, Purpose};
use pkb_values::folded_header;
use serde::Deserialize;

use super::{
    field::{Field, Several},
    headers::concern,
};
use crate::toml_file;

/// Which headers mean which field, where the headers themselves do not say so.
#[derive(Debug, Default)]
pub struct Mapping {
    /// Headers of the file for a field, in the order in which they count.
    pub columns: BTreeMap<Field, Vec<String>>,
    /// Headers of columns that are not to be read, although their headers are known or about something that must not be
    /// skipped.
    pub ignore: Vec<String>,
    /// What words mean in a column that decides whether patients may be written to, by its header.
    pub values: BTreeMap<String, Meanings>,
    /// Headers of columns that say of many patients that they have died, and are right.
    pub many_dead: Vec<String>,
    /// Whether hardly an address of the file has the number of a house, and that is right.
    pub few_house_numbers: bool,
    /// Whether a file with towns or postcodes needs no column for the street (`--no-street`).
    pub no_street: bool,
}

/// Words of a column that mean yes and no. In a column that says who has died, [`Meanings::in_column_of`] makes them say
/// whether somebody has died.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meanings {
    /// Words that mean yes: dead, sensitive, not to be contacted; in a column of consent, that it was given.
    #[serde(default)]
    pub yes: Vec<String>,
    /// Words that mean no.
    #[serde(default)]
    pub no: Vec<String>,
    /// Words that mean that the patient has died, in a column that says who has.
    #[serde(default)]
    pub dead: Vec<String>,
    /// Words that mean that the patient lives, in a column that says who has died.
    #[serde(default)]
    pub alive: Vec<String>,
}

impl Meanings {
    /// The meanings in a column of `field`: `yes` and `no` answer whether the patient has died, whatever the header asks.
    pub fn in_column_of(self, field: Field) -> Self {
        let (died, lives) = match field {
            Field::Alive => (self.no, self.yes),
            _ => (self.yes, self.no),
        };
        Self {
            yes: [died, self.dead].concat(),
            no: [lives, self.alive].concat(),
            ..Self::default()
        }
    }

    /// What is wrong with them in a column of `field`.
    pub(super) fn fault_in(&self, field: Field) -> Option<&'static str> {
        let has_yes_or_no = !self.yes.is_empty() || !self.no.is_empty();
        let has_life = !self.dead.is_empty() || !self.alive.is_empty();
        match field {
            // "Alive or dead: Y" is no answer.
            Field::LifeStatus if has_yes_or_no => {
                Some("use dead = [\"…\"] and alive = [\"…\"], not yes and no")
            }
            Field::RemovalReason => None,
            field if has_life && !field.is_about_death() => {
                Some("use yes = [\"…\"] and no = [\"…\"], not dead and alive")
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    #[serde(default)]
    columns: BTreeMap<String, ColumnNames>,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    many_dead: Vec<String>,
    #[serde(default)]
    few_house_numbers: bool,
    #[serde(default)]
    values: BTreeMap<String, Meanings>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ColumnNames {
    One(String),
    Several(Vec<String>),
}

impl Mapping {
    /// Reads a mapping file:
    ///
    /// ```toml
    /// ignore = ["Previous NHS number"]
    /// [columns]
    /// national_id = "Pt Ref"
    /// deceased = ["Late", "Late since"]
    /// [values.Late]
    /// no = ["9"]
    /// ```
    ///
    /// # Errors
    /// The file cannot be read or is malformed; all unknown keys are named at once.
    pub fn read(path: &Path) -> Result<Self, Fatal> {
        let text = trusted_file::read_to_string(path, Purpose::RULES)
            .map_err(|unread| unread.or(|source| Fatal::cannot_read(path, source)))?;
        Self::parse(&text).map_err(|words| Fatal::Usage(format!("{}: {words}", path.display())))
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: MappingFile = toml_file::parse(text)?;
        let mut columns = BTreeMap::new();
        let mut unknown = Vec::new();
        for (key, headers) in file.columns {
            let Some(field) = Field::of_key(&key) else {
                unknown.push(key);
                continue;
            };
            let headers = match headers {
                ColumnNames::One(header) => vec![header],
                ColumnNames::Several(headers) => headers,
            };
            if headers.len() > 1 && field.several() == Several::Refused {
                return Err(format!(
                    "[columns] {key} must be one header (found {})",
                    headers.len()
                ));
            }
            columns.insert(field, headers);
        }
        if !unknown.is_empty() {
            let keys: Vec<&str> = Field::ALL.iter().map(|field| field.key()).collect();
            return Err(format!(
                "[columns] has keys that are not fields: {}. The fields are {}",
                unknown.join(", "),
                keys.join(", ")
            ));
        }
        if let Some(twice) = named_twice(&columns) {
            return Err(twice);
        }
        Ok(Self {
            columns,
            ignore: file.ignore,
            values: file.values,
            many_dead: file.many_dead,
            few_house_numbers: file.few_house_numbers,
            no_street: false,
        })
    }

    /// The field that the mapping gives to a header.
    pub fn field_of(&self, header: &str) -> Option<Field> {
        let maps = |(_, headers): &(&Field, &Vec<String>)| is_among(header, headers);
        self.columns.iter().find(maps).map(|(field, _)| *field)
    }

    /// Whether a column says, or by the words of its header may say, that a patient must not be written to.
    pub fn decides_who_is_written_to(&self, header: &str) -> bool {
        let field = self.field_of(header).or_else(|| Field::of_header(header));
        field.is_some_and(Field::decides_who_is_written_to) || concern(header).is_some()
    }

    /// Whether a column is ignored.
    pub fn ignores(&self, header: &str) -> bool {
        is_among(header, &self.ignore)
    }

    /// Whether the operator has said that the many deaths in a column are right.
    pub fn has_many_dead(&self, header: &str) -> bool {
        is_among(header, &self.many_dead)
    }

    /// Which place a header has among those of a field, from 0.
    pub fn rank(&self, field: Field, header: &str) -> usize {
        let headers = self.columns.get(&field).map_or(&[][..], Vec::as_slice);
        let wanted = folded_header(header);
        let at = headers
            .iter()
            .position(|other| folded_header(other) == wanted);
        at.unwrap_or(usize::MAX)
    }

    /// What the operator says that the words of a column mean.
    pub fn meanings_of(&self, header: &str) -> Meanings {
        let wanted = folded_header(header);
        let listed = self.values.iter();
        let mut listed = listed.filter(|(other, _)| folded_header(other) == wanted);
        listed
            .next()
            .map(|(_, meanings)| meanings.clone())
            .unwrap_or_default()
    }
}

/// A header under two fields: to be used for one of them, nobody knows which.
fn named_twice(columns: &BTreeMap<Field, Vec<String>>) -> Option<String> {
    let mut seen: BTreeMap<String, Field> = BTreeMap::new();
    let named = columns
        .iter()
        .flat_map(|(field, headers)| headers.iter().map(move |header| (*field, header)));
    for (field, header) in named {
        if let Some(other) = seen
            .insert(folded_header(header), field)
            .filter(|other| *other != field)
        {
            return Some(format!(
                "[columns] has \"{header}\" for {} and for {}. Keep one of them",
                other.key(),
                field.key()
            ));
        }
    }
    None
}

fn is_among(header: &str, headers: &[String]) -> bool {
    let wanted = folded_header(header);
    headers.iter().any(|other| folded_header(other) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_headers_for_fields() {
        let mapping =
            Mapping::parse("ignore = [\"Old NHS No\"]\n[columns]\nnational_id = \"Pt Ref\"\nmobile = [\"Mobile\", \"Mobile 2\"]\n[values.Late]\nno = [\"9\"]")
                .unwrap();
        assert_eq!(mapping.columns[&Field::NationalId], ["Pt Ref"]);
        assert_eq!(mapping.field_of("MOBILE_2"), Some(Field::Mobile));
        assert!(mapping.ignores("old nhs no"));
        assert_eq!(mapping.rank(Field::Mobile, "Mobile 2"), 1);
        assert_eq!(mapping.meanings_of("LATE").no, ["9"]);
    }

    #[test]
    fn mistakes_are_named_with_their_line_and_what_would_be_right() {
        let error = Mapping::parse("[columns]\nnhs = \"A\"\nborn = \"B\"").unwrap_err();
        assert!(error.contains("born, nhs") && error.contains("date_of_birth"));
        assert!(
            Mapping::parse("\n[column]\n")
                .unwrap_err()
                .starts_with("line 2:")
        );
        let both = "[columns]\ndo_not_contact = [\"Invite\"]\nconsent = [\"INVITE\"]";
        let error = Mapping::parse(both).unwrap_err();
        assert!(error.contains("for do_not_contact and for consent. Keep one"));
        let error = Mapping::parse("[columns]\nlast_name = [\"A\", \"B\"]").unwrap_err();
        assert!(error.contains("last_name must be one header (found 2)"));
    }
}
