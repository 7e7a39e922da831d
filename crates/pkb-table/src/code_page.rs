//! The code pages of DOS, which the web's list of encodings lacks: text from before Windows, and
//! from programs that were written then.

use std::io::{self, Read};

use yore::code_pages::{CP437, CP850};

/// A code page. All of its bytes are characters; those below 0x80 are ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePage {
    /// United States.
    Cp437,
    /// Western Europe, the United Kingdom among it.
    Cp850,
}

impl CodePage {
    /// Its name, also as a value of `--encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cp437 => "cp437",
            Self::Cp850 => "cp850",
        }
    }

    /// The code page of a name such as `cp850`, `CP-850`, `ibm850` or `850`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let name: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let number = ["cp", "ibm", "dos", "oem"]
            .into_iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(&name);
        match number {
            "437" => Some(Self::Cp437),
            "850" => Some(Self::Cp850),
            _ => None,
        }
    }

    /// What a byte means.
    pub(super) fn character(self, byte: u8) -> char {
        match self {
            Self::Cp437 => CP437.decode_byte(byte),
            Self::Cp850 => CP850.decode_byte(byte),
        }
    }
}

/// Bytes decoded together.
const BLOCK: usize = 16 << 10;

/// Text of a code page as UTF-8.
pub(super) struct CodePageReader<R> {
    inner: R,
    page: CodePage,
    bytes: Vec<u8>,
    text: String,
    /// So much of the text has been handed out.
    given: usize,
}

impl<R: Read> CodePageReader<R> {
    pub(super) fn new(inner: R, page: CodePage) -> Self {
        Self {
            inner,
            page,
            bytes: vec![0; BLOCK],
            text: String::new(),
            given: 0,
        }
    }
}

impl<R: Read> Read for CodePageReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() {
            let read = self.inner.read(&mut self.bytes)?;
            let bytes = self.bytes[..read].iter();
            self.text.clear();
            self.text
                .extend(bytes.map(|byte| self.page.character(*byte)));
            self.given = 0;
        }
        let rest = &self.text.as_bytes()[self.given..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_that_dos_showed() {
        for (page, text) in [
            (CodePage::Cp850, "Siân Zoë José Müller ÁÊÕ ¾"),
            (CodePage::Cp437, "Siân Zoë José Müller ½"),
        ] {
            let bytes: Vec<u8> = text
                .chars()
                .map(|c| (0..=255).find(|byte| page.character(*byte) == c).unwrap())
                .collect();
            let mut decoded = String::new();
            CodePageReader::new(&bytes[..], page)
                .read_to_string(&mut decoded)
                .unwrap();
            assert_eq!(decoded, text);
        }
        assert_eq!(CodePage::Cp850.character(0x83), 'â');
        assert_eq!(CodePage::Cp437.character(0xe1), 'ß');
        assert_eq!(CodePage::Cp850.character(0x1a), '\u{1a}');
    }

    #[test]
    fn a_code_page_is_known_by_its_usual_names() {
        for name in ["cp850", "CP-850", "ibm850", "850", "IBM 850"] {
            assert_eq!(CodePage::of_name(name), Some(CodePage::Cp850), "{name}");
        }
        for name in ["cp", "", "cp8500", "cp1252", "866"] {
            assert_eq!(CodePage::of_name(name), None, "{name}");
        }
    }
}
