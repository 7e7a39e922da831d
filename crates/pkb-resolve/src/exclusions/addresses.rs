//! Addresses at which nobody is invited: prisons, hostels, an organisation's own.

use std::path::Path;

use pkb_core::{Fatal, record::Patient};
use pkb_values::{AddressLine, Postcode};

use super::{NOT_UTF_8, file_name, malformed};

/// Words of addresses, one pattern a line; lines that begin with `#` are for people.
///
/// A pattern matches an address that has its words one after the other, without regard to case and
/// punctuation: `HMP` matches "H.M.P. Northgate" no more than "Hampton", but "HMP Northgate". Words of
/// a pattern do not reach from one line of the address into the next; a post code is a line of its own.
pub struct Addresses {
    name: String,
    /// Line of the file and words.
    patterns: Vec<(u64, Vec<String>)>,
}

impl Addresses {
    /// Reads a list of patterns.
    ///
    /// # Errors
    /// The file cannot be read, has no pattern, or one without a letter or digit.
    pub fn read(path: &Path) -> Result<Self, Fatal> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::InvalidData => malformed(path, &[NOT_UTF_8.to_owned()]),
            _ => Fatal::cannot_read(path, source),
        })?;
        let text = text.trim_start_matches('\u{feff}');
        let patterns: Vec<(u64, Vec<String>)> = (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
            .map(|(at, line)| {
                // A post code is known with or without its space.
                let code = Postcode::parse(line).ok();
                (
                    at,
                    words(code.as_ref().map_or(line, Postcode::expose_postcode)),
                )
            })
            .collect();
        let mut problems: Vec<String> = patterns
            .iter()
            .filter(|(_, words)| words.is_empty())
            .map(|(at, _)| format!("line {at} has no letter or digit"))
            .collect();
        if text.contains('\r') && !text.contains('\n') {
            problems.push(
                "the file has line ends of old Macintosh files. Save the file with LF or CR LF"
                    .to_owned(),
            );
        }
        if patterns.is_empty() {
            problems.push(
                "the file has no pattern. If no address is excluded, leave out --exclude-address"
                    .to_owned(),
            );
        }
        if !problems.is_empty() {
            return Err(malformed(path, &problems));
        }
        Ok(Self {
            name: file_name(path),
            patterns,
        })
    }

    /// The list's file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many patterns it has.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// The line of the first pattern that the patient's address matches.
    pub fn matching(&self, patient: &Patient) -> Option<u64> {
        let lines = patient.address.iter().map(AddressLine::expose_line);
        let lines: Vec<Vec<String>> = lines
            .chain(patient.postcode.iter().map(Postcode::expose_postcode))
            .map(words)
            .collect();
        let matches = |pattern: &[String]| {
            lines
                .iter()
                .any(|line| line.windows(pattern.len()).any(|part| part == pattern))
        };
        self.patterns
            .iter()
            .find(|(_, pattern)| matches(pattern))
            .map(|(at, _)| *at)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Addresses, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        Addresses::read(file.path()).map_err(|e| e.to_string())
    }

    fn patient(lines: &[&str], postcode: &str) -> Patient {
        let json = serde_json::json!({
            "national_id": {"type": "NHS_NUMBER", "value": "9990000018"},
            "first_name": "Ann", "last_name": "Lee", "date_of_birth": "1990-01-01",
            "address": lines, "postcode": postcode,
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_pattern_matches_whole_words_in_one_line() {
        let list = read("# prisons\nHMP\nHer Majesty's prison\nne62aa\n").unwrap();
        for (lines, postcode, line) in [
            (&["hmp Northgate"][..], "NE1 1XC", Some(2)),
            (
                &["Wing 2", "Her Majesty's Prison, Durham"],
                "NE1 1XC",
                Some(3),
            ),
            (&["1 Hmphrey Street"], "NE1 1XC", None),
            (&["Her", "Majesty's prison"], "NE1 1XC", None),
            (&["14 Ropewalk Row"], "NE6 2AA", Some(4)),
        ] {
            assert_eq!(list.matching(&patient(lines, postcode)), line, "{lines:?}");
        }
    }

    #[test]
    fn a_list_without_patterns_is_a_mistake() {
        assert!(read("# nothing\n\n").err().unwrap().contains("no pattern"));
        assert!(
            read("HMP\n--\n")
                .err()
                .unwrap()
                .contains("line 2 has no letter")
        );
    }
}
