//! Characters that can upset PKB's importer.

use std::borrow::Cow;

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
    /// Apostrophes and quotes as a printer sets them, and a space for a comma
    Typographic,
    /// A space for each, as PKB asks
    Space,
}

impl SpecialCharacters {
    /// The text of a cell. A text with a letter or digit never becomes empty.
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        if self == Self::Keep || is_plain(text) {
            text.into()
        } else {
            self.replaced(text).into()
        }
    }

    fn replaced(self, text: &str) -> String {
        let replaced: String = text
            .chars()
            .map(|c| match (c, self) {
                ('\'', Self::Typographic) => '\u{2019}',
                ('"', Self::Typographic) => '\u{201d}',
                ('\'' | '"' | ',', _) => ' ',
                _ => c,
            })
            .collect();
        let words: Vec<&str> = replaced.split_whitespace().collect();
        words.join(" ")
    }
}

/// Nothing but ASCII letters, digits, hyphens and full stops, and single spaces within: there is nothing to
/// be done about it.
fn is_plain(text: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    text.is_empty()
        || text
            .as_bytes()
            .split(|byte| *byte == b' ')
            .all(|word| !word.is_empty() && word.iter().all(is_word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::SpecialCharacters::{Keep, Space, Typographic};

    proptest! {
        #[test]
        fn texts_that_are_passed_on_have_nothing_to_be_replaced(text in "[aZ9é ,.'\"\t\u{a0}-]{0,8}") {
            for policy in [Typographic, Space] {
                prop_assert_eq!(policy.apply(&text), policy.replaced(&text));
            }
        }
    }

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
