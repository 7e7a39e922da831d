//! What of a template is still the built-in example: it must not be on a letter or in a text message to a patient.

use super::{BUILT_IN, SETTINGS_FILE, Template, organisation::Organisation, settings::Settings};

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
        let example = Settings::parse(built_in_settings())?.organisation;
        let own = &self.settings().organisation;
        let mut keys = Vec::new();
        let english = own_values(own);
        for ((key, values), (_, example)) in english.iter().zip(example_values(&example)) {
            if values.iter().any(|value| example.contains(value)) {
                keys.push(format!("[organisation] {key}"));
            }
        }
        keys.extend(self.example_pictures());
        let welsh = own_values(&own.in_welsh()).into_iter().zip(english);
        let example = example_values(&example.in_welsh());
        for (((key, values), (_, english)), (_, example)) in welsh.zip(example) {
            // What is not said otherwise in Welsh has been named.
            if values != english && values.iter().any(|value| example.contains(value)) {
                keys.push(format!("[organisation.cy] {key}"));
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
                let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
                let is_example = self.files().get(file)?.as_slice() == built_in.1;
                is_example.then(|| format!("[organisation] {key} ({file})"))
            })
    }
}

fn built_in_settings() -> &'static str {
    let file = BUILT_IN.iter().find(|(name, _)| *name == SETTINGS_FILE);
    let bytes = file.map_or(&[] as &[u8], |(_, bytes)| bytes);
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The values of an organisation that belong to nobody else, by their keys.
fn own_values(organisation: &Organisation) -> [(&'static str, Vec<String>); 6] {
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
    ]
}

/// The same of the example. Of its address, the site and the street.
fn example_values(example: &Organisation) -> [(&'static str, Vec<String>); 6] {
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
        let path = folder.path().join(SETTINGS_FILE);
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in replaced {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        std::fs::write(path, text).unwrap();
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

    const ALL: [(&str, &str); 9] = [
        ("Northtown Health Board", "Eastham Hospitals"),
        ("Northtown General Hospital", "Eastham Hospital"),
        ("1 Infirmary Road", "2 Low Road"),
        ("01632 960 123", "01632 960 999"),
        ("records@northtown.example", "records@eastham.example"),
        ("www.northtown.example/records", "www.eastham.example"),
        ("Dr Anwen Example", "Dr B Other"),
        ("Bwrdd Iechyd Northtown", "Ysbytai Eastham"),
        ("Ysbyty Cyffredinol Northtown", "Ysbyty Eastham"),
    ];

    #[test]
    fn each_value_of_the_example_is_named_until_it_is_replaced() {
        let both = ["logo.svg", "signature.svg"];
        assert_eq!(
            left_over(&[], &[]).len(),
            8 + 2,
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
            (7, "[organisation.cy] name"),
            (8, "[organisation.cy] address"),
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
