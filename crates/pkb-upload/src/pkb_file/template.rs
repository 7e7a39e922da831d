//! Whether PKB's own template has the columns of the profile.

use std::path::Path;

use pkb_core::Fatal;

use super::Profile;

impl Profile {
    /// Compares the header of the template that PKB's page offers with this profile.
    ///
    /// # Errors
    /// The file cannot be read, or its header is another: every difference is named.
    pub fn check_template(&self, path: &Path) -> Result<(), Fatal> {
        let bytes = std::fs::read(path).map_err(|source| Fatal::cannot_read(path, source))?;
        let differences = match header_of(&bytes) {
            Some(theirs) => {
                let ours: Vec<String> = self.headers().map(str::to_owned).collect();
                // A patient file without a header has a patient in its first row.
                if theirs.iter().filter(|their| ours.contains(their)).count() < 2 {
                    vec!["the first row is not PKB's header".to_owned()]
                } else {
                    differences(&ours, &theirs)
                }
            }
            None => vec!["the file is not a CSV file in UTF-8 with a header".to_owned()],
        };
        if differences.is_empty() {
            return Ok(());
        }
        Err(Fatal::Usage(format!(
            "{} is not PKB's upload template as the profile describes it:\n  {}\nWhat to do: if it is the right file, copy the profile \
             (pkb-upload profile > profile.toml), correct the copy, and run the same command with --profile profile.toml",
            path.display(),
            differences.join("\n  ")
        )))
    }
}

/// The first row of a CSV file.
fn header_of(bytes: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.records().next()?.ok()?;
    Some(header.iter().map(|cell| cell.trim().to_owned()).collect())
}

/// What differs between our headers and theirs, column by column.
fn differences(ours: &[String], theirs: &[String]) -> Vec<String> {
    let folded = |header: &str| header.to_lowercase().replace(' ', "");
    let mut words = Vec::new();
    for (at, header) in theirs.iter().enumerate() {
        let place = at + 1;
        match ours.iter().position(|our| our == header) {
            Some(our) if our == at => {}
            Some(our) => words.push(format!(
                "column {place} \"{header}\" is column {} in the profile",
                our + 1
            )),
            None => match ours.iter().find(|our| folded(our) == folded(header)) {
                Some(our) => words.push(format!(
                    "column {place} \"{header}\" is written \"{our}\" in the profile"
                )),
                None => words.push(format!("column {place} \"{header}\" is not in the profile")),
            },
        }
    }
    for (at, header) in ours.iter().enumerate() {
        if !theirs.iter().any(|their| folded(their) == folded(header)) {
            words.push(format!(
                "column {} of the profile, \"{header}\", is not in PKB's upload template",
                at + 1
            ));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), header).unwrap();
        let profile = Profile::read(None).unwrap();
        profile
            .check_template(file.path())
            .map_err(|e| e.to_string())
    }

    fn header() -> String {
        let profile = Profile::read(None).unwrap();
        profile.headers().collect::<Vec<_>>().join(",")
    }

    #[test]
    fn the_template_of_the_profile_fits() {
        assert_eq!(check(&format!("\u{feff}{}\r\n", header())), Ok(()));
    }

    #[test]
    fn every_difference_is_named() {
        let other = header()
            .replace("Title,First name", "First name,Title")
            .replace("E-mail,DD", "e-mail,DD")
            .replace("Home number", "Shoe size");
        let error = check(&other).unwrap_err();
        for part in [
            "column 1 \"First name\" is column 2 in the profile",
            "column 7 \"e-mail\" is written \"E-mail\" in the profile",
            "column 17 \"Shoe size\" is not in the profile",
            "column 17 of the profile, \"Home number\", is not in PKB's upload template",
        ] {
            assert!(error.contains(part), "{part}\n{error}");
        }
        assert!(check("").is_err());
        let patient = check("Ms,Canary,Canary,9990000018\n").unwrap_err();
        assert!(!patient.contains("anary"), "{patient}");
    }
}
