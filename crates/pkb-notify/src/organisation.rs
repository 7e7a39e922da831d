//! Who invites, as the texts say it: the name in the letter template's settings.

use std::path::Path;

use pkb_core::Fatal;
use pkb_files::trusted_file::{self, Purpose};
use serde::Deserialize;

/// File name of a template's settings.
const SETTINGS_FILE: &str = "template.toml";
/// The organisation of the built-in template, which does not exist.
const EXAMPLE: &str = "Northtown Health Board";

#[derive(Deserialize)]
struct Settings {
    organisation: Organisation,
}

#[derive(Deserialize)]
struct Organisation {
    name: String,
}

/// The organisation's name in the template `folder`; that of the built-in template without one.
///
/// # Errors
/// The settings cannot be read; or the name is the example's, which does not exist, and this is no rehearsal.
pub(crate) fn name(folder: Option<&Path>, is_rehearsal: bool) -> Result<String, Fatal> {
    let name = match folder {
        Some(folder) => read(folder)?,
        None => EXAMPLE.to_owned(),
    };
    let is_example = name.trim().to_lowercase() == EXAMPLE.to_lowercase();
    match folder {
        _ if is_rehearsal || !is_example => Ok(name),
        None => Err(Fatal::Usage(
            "these records are real, and without --template the texts name the example organisation, which does not exist. What to \
             do: add --template DIR, with the template of the letters"
                .into(),
        )),
        Some(folder) => Err(Fatal::Usage(format!(
            "these records are real, and the template still has the name of the example organisation, which does not exist. What to \
             do: correct [organisation] name in {}",
            folder.join(SETTINGS_FILE).display()
        ))),
    }
}

fn read(folder: &Path) -> Result<String, Fatal> {
    let path = folder.join(SETTINGS_FILE);
    let text = trusted_file::read_to_string(&path, Purpose::WORDS)
        .map_err(|unread| unread.or(|source| Fatal::cannot_read(&path, source)))?;
    let settings: Settings = toml::from_str(&text)
        .map_err(|error| Fatal::Usage(format!("{}: {}", path.display(), error.message())))?;
    Ok(settings.organisation.name)
}

#[cfg(test)]
mod tests {
    use pkb_typeset::template::Template;

    use super::*;

    #[test]
    fn the_example_organisation_is_named_in_a_rehearsal_only() {
        let folder = tempfile::tempdir().unwrap();
        Template::write_to(folder.path()).unwrap();
        let built_in = Template::built_in().unwrap();
        assert_eq!(built_in.settings().organisation.name, EXAMPLE);
        for folder in [None, Some(folder.path())] {
            assert_eq!(name(folder, true).unwrap(), EXAMPLE);
            assert!(matches!(name(folder, false), Err(Fatal::Usage(_))));
        }
        let path = folder.path().join(SETTINGS_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(EXAMPLE, "Eastham Hospitals")).unwrap();
        assert_eq!(
            name(Some(folder.path()), false).unwrap(),
            "Eastham Hospitals"
        );
    }
}
