//! What the files of an edition are called.

use pkb_core::{record::Edition, rehearsal::FILE_PREFIX};

/// Beginning of the names of its files: `letters-0001.pdf`, `reprint-0001.pdf`, `reissue-0001.pdf`.
#[must_use]
pub fn prefix(edition: Edition) -> &'static str {
    match edition {
        Edition::First => "letters-",
        Edition::Reprint => "reprint-",
        Edition::Reissue => "reissue-",
    }
}

/// Beginning of the names of its manifests: nothing for letters that are printed for the first time, but in a rehearsal.
#[must_use]
pub fn manifest_prefix(edition: Edition, is_rehearsal: bool) -> String {
    let rehearsal = if is_rehearsal { FILE_PREFIX } else { "" };
    let own = match edition {
        Edition::First => "",
        other => prefix(other),
    };
    format!("{rehearsal}{own}")
}

/// The name of a file without what says that it is a rehearsal's.
#[must_use]
pub fn plain_name(file: &str) -> &str {
    file.strip_prefix(FILE_PREFIX).unwrap_or(file)
}

/// The edition that a file of letters belongs to, of a rehearsal or not.
#[must_use]
pub fn edition_of(file: &str) -> Option<Edition> {
    let file = plain_name(file);
    Edition::ALL.into_iter().find(|edition| {
        file.strip_prefix(prefix(*edition))
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_edition_and_a_manifest_is_no_file_of_letters() {
        assert_eq!(edition_of("letters-0001.pdf"), Some(Edition::First));
        assert_eq!(
            edition_of("reissue-0002/000123-ab.pdf"),
            Some(Edition::Reissue)
        );
        assert_eq!(
            edition_of("rehearsal-letters-0001.pdf"),
            Some(Edition::First)
        );
        assert_eq!(edition_of("rehearsal-manifest.csv"), None);
        assert_eq!(edition_of("reprint-manifest.csv"), None);
        assert_eq!(edition_of("sms-0001.csv"), None);
    }
}
