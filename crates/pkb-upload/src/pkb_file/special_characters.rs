//! Characters that can upset PKB's importer.

/// What becomes of commas, double quotes and apostrophes in names and addresses.
///
/// PKB says that they can upset its importer, and asks for a cleanse. Taken to the letter that would
/// make O'Brien another name at PKB than on the letter. The default keeps the name right to the eye:
/// an apostrophe becomes the one that printers set, a double quote the closing one, and a comma,
/// which says nothing that a space does not say, a space. At PKB the patient is then O\u{2019}Brien; names are
/// compared without regard to apostrophes (pkb-resolve does so, too). Whether PKB's importer is
/// content with typographic marks is not published: try a small file first, and use `space` if not.
///
/// E-mail addresses, numbers and identifiers never change: an e-mail address with its apostrophe
/// taken out is somebody else's. Letters have the name as it stands in the patient file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SpecialCharacters {
    /// As they are, quoted as RFC 4180 says
    Keep,
    /// Apostrophes and quotes as a printer sets them; a space for a comma
    Typographic,
    /// A space for each, as PKB asks
    Space,
}

impl SpecialCharacters {
    /// The text of a cell. A text with a letter or digit never becomes empty.
    pub fn apply(self, text: &str) -> String {
        let replaced: String = match self {
            Self::Keep => return text.to_owned(),
            Self::Typographic => text
                .chars()
                .map(|c| match c {
                    '\'' => '\u{2019}',
                    '"' => '\u{201d}',
                    ',' => ' ',
                    c => c,
                })
                .collect(),
            Self::Space => text
                .chars()
                .map(|c| {
                    if matches!(c, '\'' | '"' | ',') {
                        ' '
                    } else {
                        c
                    }
                })
                .collect(),
        };
        replaced.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::SpecialCharacters::{Keep, Space, Typographic};

    #[test]
    fn each_policy_does_what_it_says() {
        let text = "Flat 2, \"The Close\", O'Brien's Row";
        assert_eq!(Keep.apply(text), text);
        assert_eq!(
            Typographic.apply(text),
            "Flat 2 \u{201d}The Close\u{201d} O\u{2019}Brien\u{2019}s Row"
        );
        assert_eq!(Space.apply(text), "Flat 2 The Close O Brien s Row");
    }
}
