//! Profiles that say how somebody else's files look: some come with the program, others are files of the operator.

use std::{borrow::Cow, path::Path};

use crate::{
    Fatal,
    trusted_file::{self, Purpose},
};

/// The text of the profile that `option` names: one of those that are `built_in` (name and text), or else a file.
///
/// # Errors
/// There is none of this name and no such file, or somebody else could have changed the file.
pub fn text_of(
    option: &str,
    name: &str,
    built_in: &[(&str, &'static str)],
) -> Result<Cow<'static, str>, Fatal> {
    if let Some((_, text)) = built_in.iter().find(|(own, _)| *own == name) {
        return Ok(Cow::Borrowed(text));
    }
    let path = Path::new(name);
    let text = trusted_file::read_to_string(path, Purpose::RULES);
    text.map(Cow::Owned).map_err(|unread| {
        unread.or(|source| {
            let why = Fatal::cannot_read(path, source);
            let names: Vec<&str> = built_in.iter().map(|(own, _)| *own).collect();
            let (last, others) = names.split_last().unwrap_or((&"none", &[]));
            Fatal::Usage(format!(
                "{option}: {why}. What to do: name a file, or one of {} and {last}",
                others.join(", ")
            ))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT_IN: [(&str, &str); 3] = [("one", "1"), ("two", "2"), ("three", "3")];

    #[test]
    fn a_profile_is_one_of_ours_or_a_file_that_nobody_else_can_change() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(text_of("--profile", "two", &BUILT_IN).unwrap(), "2");
        let words = text_of("--profile", "four", &BUILT_IN)
            .unwrap_err()
            .to_string();
        assert!(
            words.ends_with("name a file, or one of one, two and three"),
            "{words}"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "own").unwrap();
        let name = file.path().to_str().unwrap();
        assert_eq!(text_of("--profile", name, &BUILT_IN).unwrap(), "own");
        std::fs::set_permissions(name, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(text_of("--profile", name, &BUILT_IN).is_err());
    }
}
