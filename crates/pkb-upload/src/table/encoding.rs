//! How characters are written as bytes.

use std::fmt::{self, Display};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// An encoding that this program can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodingChoice(&'static Encoding);

impl EncodingChoice {
    pub(super) const UTF_8: Self = Self(UTF_8);
    pub(super) const UTF_16LE: Self = Self(UTF_16LE);
    pub(super) const UTF_16BE: Self = Self(UTF_16BE);
    pub(super) const WINDOWS_1252: Self = Self(WINDOWS_1252);

    pub(super) fn get(self) -> &'static Encoding {
        self.0
    }

    /// The encoding that a byte-order mark names.
    pub(super) fn of_mark(head: &[u8]) -> Option<Self> {
        Encoding::for_bom(head).map(|(encoding, _)| Self(encoding))
    }
}

impl From<&'static Encoding> for EncodingChoice {
    fn from(encoding: &'static Encoding) -> Self {
        Self(encoding)
    }
}

impl Display for EncodingChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.name() {
            "windows-1252" => "Windows-1252",
            "macintosh" => "Macintosh",
            name => name,
        })
    }
}

/// Parses the value of `--encoding`: a label of the [WHATWG](https://encoding.spec.whatwg.org/#names-and-labels)
/// list.
///
/// # Errors
/// The label is not in the list; the message shows some that are.
pub fn parse_encoding(label: &str) -> Result<EncodingChoice, String> {
    Encoding::for_label_no_replacement(label.as_bytes())
        .map(EncodingChoice)
        .ok_or_else(|| {
            "not a known encoding; try utf-8, windows-1252, iso-8859-15, utf-16le, utf-16be or macintosh"
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
        assert_eq!(name("mac").unwrap(), "Macintosh");
        for label in ["", "utf-7", "iso-2022-kr"] {
            assert!(name(label).unwrap_err().contains("try utf-8"), "{label}");
        }
    }
}
