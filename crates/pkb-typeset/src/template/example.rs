//! What of a template is still the built-in example: it must not be on a letter or in a text message to a patient.

use pkb_languages::LetterLanguage;

use super::{SHARED, Template, organisation::Organisation, translation_file};

/// Pictures that show the example organisation and the hand of the example clinician.
const PICTURES: [&str; 2] = ["logo.svg", "signature.svg"];

impl Template {
    /// Where the template still has values of the example organisation, which does not exist: keys of `template.toml`, such
    /// as `[organisation] phone`. Values that a real organisation may have as well, such as opening hours, are not looked
    /// at.
    ///
    /// # Errors
    /// None in a program that passed its tests.
    pub fn example_values(&self) -> Result<Vec<String>, super::TemplateError> {
        let example = Self::built_in()?;
        let mut keys = Vec::new();
        let own = own_values(&self.settings().organisation);
        let of_example = example_values(&example.settings().organisation);
        for ((key, values), (_, example)) in own.iter().zip(of_example) {
            if values.iter().any(|value| example.contains(value)) {
                keys.push(format!("[organisation] {key}"));
            }
        }
        keys.extend(self.example_pictures());
        for language in LetterLanguage::all() {
            let translated = own_values(&self.organisation_in(language));
            let example = example_values(&example.organisation_in(language));
            for (((key, values), (_, own)), (_, example)) in
                translated.iter().zip(&own).zip(example)
            {
                // What is not said differently in this language has been named.
                if values != own && values.iter().any(|value| example.contains(value)) {
                    keys.push(format!(
                        "[organisation] {key} ({})",
                        translation_file(language)
                    ));
                }
            }
        }
        Ok(keys)
    }

    fn example_pictures(&self) -> impl Iterator<Item = String> {
        let own = &self.settings().organisation;
        let used = [("logo", &own.logo), ("signature", &own.signature)];
        used.into_iter()
            .zip(PICTURES)
            .filter_map(|((key, file), name)| {
                let built_in = SHARED.iter().find(|(shared, _)| *shared == name)?;
                let is_example = self.files().get(file)?.as_slice() == built_in.1;
                is_example.then(|| format!("[organisation] {key} ({file})"))
            })
    }
}

/// The values of an organisation that belong to nobody else, by their keys.
fn own_values(organisation: &Organisation) -> [(&'static str, Vec<String>); 7] {
    let of = |text: &String| vec![text.trim().to_lowercase()];
    [
        ("name", of(&organisation.name)),
        (
            "address",
            organisation.address.iter().flat_map(of).collect(),
        ),
        ("phone", of(&organisation.phone)),
        ("email", of(&organisation.email)),
        ("website", of(&organisation.website)),
        ("clinician_name", of(&organisation.clinician_name)),
        ("privacy_notice", of(&organisation.privacy_notice)),
    ]
}

/// The same of the example. Of its address, the site and the street.
fn example_values(example: &Organisation) -> [(&'static str, Vec<String>); 7] {
    let mut example = example.clone();
    example.address.truncate(2);
    own_values(&example)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example with some replacements in its settings, and with these files.
    fn left_over(replaced: &[(&str, &str)], files: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        Template::write_to(folder.path()).unwrap();
        let paths = ["template.toml", "cy/translation.toml"].map(|file| folder.path().join(file));
        let mut texts = paths
            .each_ref()
            .map(|path| std::fs::read_to_string(path).unwrap());
        for (from, to) in replaced {
            assert!(texts.iter().any(|text| text.contains(from)), "{from}");
            texts = texts.map(|text| text.replace(from, to));
        }
        for (path, text) in paths.iter().zip(texts) {
            std::fs::write(path, text).unwrap();
        }
        for file in files {
            std::fs::write(
                folder.path().join(file),
                "<svg xmlns='http://www.w3.org/2000/svg'/>",
            )
            .unwrap();
        }
        Template::open(folder.path())
            .unwrap()
            .example_values()
            .unwrap()
    }

    const ALL: [(&str, &str); 10] = [
        ("Northtown Health Board", "Eastham Hospitals"),
        ("Northtown General Hospital", "Eastham Hospital"),
        ("1 Infirmary Road", "2 Low Road"),
        ("01632 960 123", "01632 960 999"),
        ("records@northtown.example", "records@eastham.example"),
        ("www.northtown.example/records", "www.eastham.example"),
        ("Dr Anwen Example", "Dr B Other"),
        ("Bwrdd Iechyd Northtown", "Ysbytai Eastham"),
        ("Ysbyty Cyffredinol Northtown", "Ysbyty Eastham"),
        (
            "www.northtown.example/privacy",
            "www.eastham.example/privacy",
        ),
    ];

    #[test]
    fn each_value_of_the_example_is_named_until_it_is_replaced() {
        let both = ["logo.svg", "signature.svg"];
        assert_eq!(
            left_over(&[], &[]).len(),
            9 + 2,
            "{:?}",
            left_over(&[], &[])
        );
        for (left, key) in [
            (0, "[organisation] name"),
            (1, "[organisation] address"),
            (3, "[organisation] phone"),
            (4, "[organisation] email"),
            (5, "[organisation] website"),
            (6, "[organisation] clinician_name"),
            (7, "[organisation] name (cy/translation.toml)"),
            (8, "[organisation] address (cy/translation.toml)"),
            (9, "[organisation] privacy_notice"),
        ] {
            let mut replaced = ALL.to_vec();
            replaced.remove(left);
            assert_eq!(left_over(&replaced, &both), [key]);
        }
        let replaced = ALL;
        assert_eq!(
            left_over(&replaced, &["logo.svg"]),
            ["[organisation] signature (signature.svg)"]
        );
        assert_eq!(
            left_over(&replaced, &["signature.svg"]),
            ["[organisation] logo (logo.svg)"]
        );
        assert!(left_over(&replaced, &both).is_empty());
    }

    #[test]
    fn other_case_and_spaces_are_no_other_value() {
        let mut replaced = ALL.to_vec();
        replaced[3] = ("01632 960 123", " 01632 960 123 ");
        replaced[4] = ("records@northtown.example", "Records@Northtown.example");
        let left = left_over(&replaced, &["logo.svg", "signature.svg"]);
        assert_eq!(left, ["[organisation] phone", "[organisation] email"]);
    }
}
