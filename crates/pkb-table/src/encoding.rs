//! How characters are written as bytes.

use std::fmt::{self, Display};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::code_page::CodePage;

/// An encoding that this program can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingChoice {
    /// One of the web's.
    Web(&'static Encoding),
    /// A code page of DOS.
    Dos(CodePage),
}

impl EncodingChoice {
    pub(super) const UTF_8: Self = Self::Web(UTF_8);
    pub(super) const UTF_16LE: Self = Self::Web(UTF_16LE);
    pub(super) const UTF_16BE: Self = Self::Web(UTF_16BE);
    pub(super) const WINDOWS_1252: Self = Self::Web(WINDOWS_1252);

    /// The encoding that a byte-order mark names.
    pub(super) fn of_mark(head: &[u8]) -> Option<Self> {
        Encoding::for_bom(head).map(|(encoding, _)| Self::Web(encoding))
    }

    /// The value of `--encoding` that means it.
    pub(super) fn label(self) -> String {
        match self {
            Self::Web(encoding) if encoding.name() == "macintosh" => "mac-roman".to_owned(),
            Self::Web(encoding) => encoding.name().to_ascii_lowercase(),
            Self::Dos(page) => page.name().to_owned(),
        }
    }
}

impl From<&'static Encoding> for EncodingChoice {
    fn from(encoding: &'static Encoding) -> Self {
        Self::Web(encoding)
    }
}

impl Display for EncodingChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(encoding) => f.write_str(match encoding.name() {
                "windows-1252" => "Windows-1252",
                "macintosh" => "Mac Roman",
                name => name,
            }),
            Self::Dos(page) => f.write_str(page.name()),
        }
    }
}

/// Parses the value of `--encoding`: a label of the [WHATWG](https://encoding.spec.whatwg.org/#names-and-labels)
/// list, `cp437`, `cp850` or `mac-roman`.
///
/// # Errors
/// The label is none of these; the message shows some that are.
pub fn parse_encoding(label: &str) -> Result<EncodingChoice, String> {
    let label = label.trim();
    let is_mac = ["mac-roman", "macroman"]
        .iter()
        .any(|name| label.eq_ignore_ascii_case(name));
    let web = if is_mac { "macintosh" } else { label };
    Encoding::for_label_no_replacement(web.as_bytes())
        .map(EncodingChoice::Web)
        .or_else(|| CodePage::of_name(label).map(EncodingChoice::Dos))
        .ok_or_else(|| {
            "must be an encoding such as utf-8, windows-1252, cp850, cp437, mac-roman, iso-8859-14, iso-8859-15, utf-16le or \
             utf-16be"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_the_web() {
        let name = |label| parse_encoding(label).map(|encoding| encoding.to_string());
        assert_eq!(name("UTF8").unwrap(), "UTF-8");
        for label in ["latin1", "iso-8859-1", "cp1252", " Windows-1252 "] {
            assert_eq!(name(label).unwrap(), "Windows-1252");
        }
        assert_eq!(name("iso-8859-15").unwrap(), "ISO-8859-15");
        assert_eq!(name("utf-16").unwrap(), "UTF-16LE");
        for label in ["mac", "macintosh", "mac-roman", "MacRoman"] {
            assert_eq!(name(label).unwrap(), "Mac Roman");
        }
        assert_eq!(name("CP850").unwrap(), "cp850");
        assert_eq!(name("ibm437").unwrap(), "cp437");
        assert_eq!(name("iso-8859-14").unwrap(), "ISO-8859-14");
        for label in ["", "utf-7", "iso-2022-kr"] {
            assert!(
                name(label).unwrap_err().contains("such as utf-8"),
                "{label}"
            );
        }
    }

    #[test]
    fn the_label_of_an_encoding_means_it() {
        for label in [
            "utf-8",
            "windows-1252",
            "cp850",
            "cp437",
            "mac-roman",
            "iso-8859-14",
        ] {
            let encoding = parse_encoding(label).unwrap();
            assert_eq!(encoding.label(), label);
        }
    }
}
