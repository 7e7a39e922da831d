//! The operator's own mapping of headers to fields (`--map mapping.toml`).

use std::{collections::BTreeMap, path::Path};

use pkb_core::Fatal;
use serde::Deserialize;

use super::field::Field;
use crate::toml_file;

/// Which header stands for which field, where the header itself does not say it.
#[derive(Debug, Default)]
pub struct Mapping {
    /// Header of the file for a field.
    pub columns: BTreeMap<Field, String>,
    /// Headers of columns that are not to be read, although their headers are known.
    pub ignore: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    ignore: Vec<String>,
}

impl Mapping {
    /// Reads a mapping file:
    ///
    /// ```toml
    /// ignore = ["Previous NHS number"]
    /// [columns]
    /// national_id = "Pt Ref"
    /// ```
    ///
    /// # Errors
    /// The file cannot be read or is malformed; all unknown keys are named at once.
    pub fn read(path: &Path) -> Result<Self, Fatal> {
        let text =
            std::fs::read_to_string(path).map_err(|source| Fatal::cannot_read(path, source))?;
        Self::parse(&text).map_err(|words| Fatal::Usage(format!("{}: {words}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: MappingFile = toml_file::parse(text)?;
        let mut columns = BTreeMap::new();
        let mut unknown = Vec::new();
        for (key, header) in file.columns {
            match Field::of_key(&key) {
                Some(field) => {
                    columns.insert(field, header);
                }
                None => unknown.push(key),
            }
        }
        if unknown.is_empty() {
            Ok(Self {
                columns,
                ignore: file.ignore,
            })
        } else {
            let keys: Vec<&str> = Field::all().map(Field::key).collect();
            Err(format!(
                "[columns] has keys that are no fields: {}. There are: {}",
                unknown.join(", "),
                keys.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_headers_for_fields() {
        let mapping =
            Mapping::parse("ignore = [\"Old NHS No\"]\n[columns]\nnational_id = \"Pt Ref\"")
                .unwrap();
        assert_eq!(mapping.columns[&Field::NationalId], "Pt Ref");
        assert_eq!(mapping.ignore, ["Old NHS No"]);
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
    }
}
