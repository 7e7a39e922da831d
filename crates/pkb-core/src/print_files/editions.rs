//! What the files of an edition are called.

use crate::record::Edition;

/// Beginning of the names of its files: `letters-0001.pdf`, `reprint-0001.pdf`, `reissue-0001.pdf`.
#[must_use]
pub fn prefix(edition: Edition) -> &'static str {
    match edition {
        Edition::First => "letters-",
        Edition::Reprint => "reprint-",
        Edition::Reissue => "reissue-",
    }
}

/// Beginning of the names of its manifests: nothing for letters that are printed for the first time.
#[must_use]
pub fn manifest_prefix(edition: Edition) -> &'static str {
    match edition {
        Edition::First => "",
        other => prefix(other),
    }
}

/// The edition that a file of letters belongs to.
#[must_use]
pub fn edition_of(file: &str) -> Option<Edition> {
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
        assert_eq!(edition_of("reprint-manifest.csv"), None);
        assert_eq!(edition_of("sms-0001.csv"), None);
    }
}
