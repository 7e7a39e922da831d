//! Names that lines of addresses are compared with, whatever their case, full stops and spaces.

use std::collections::HashSet;

use foldhash::fast::FixedState;

/// Longest name that is looked for, in bytes.
const MAX_BYTES: usize = 48;

/// A set of names. A table tells nearly every line by its first and last letter and its length, without folding it.
pub(super) struct FoldedNames {
    names: HashSet<String, FixedState>,
    /// The lengths that names with these first and last letters have.
    lengths: Box<[u64; ENDS]>,
}

/// How many pairs of first and last letters are told apart.
const ENDS: usize = 32 * 32;

/// The place of a text's first and last byte in the table: the same in both cases, and one for all letters that are not ASCII.
fn ends(text: &[u8]) -> Option<usize> {
    let class = |byte: &u8| usize::from(if byte.is_ascii() { byte & 31 } else { 0 });
    Some(class(text.first()?) * 32 + class(text.last()?))
}

impl FoldedNames {
    /// Folds the names.
    pub(super) fn of<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(|name| folded(name.as_ref()));
        let names: HashSet<String, FixedState> = names.collect();
        let mut lengths = Box::new([0; ENDS]);
        for name in names.iter().filter(|name| name.len() <= MAX_BYTES) {
            if let Some(ends) = ends(name.as_bytes()) {
                lengths[ends] |= 1 << name.len();
            }
        }
        Self { names, lengths }
    }

    /// Whether the line is one of the names.
    pub(super) fn has(&self, line: &str) -> bool {
        self.may_have(line) && self.names.contains(&folded(line))
    }

    fn may_have(&self, line: &str) -> bool {
        let bytes = line.as_bytes();
        let Some(ends) = ends(bytes).filter(|_| bytes.len() <= MAX_BYTES) else {
            return false;
        };
        // Full stops and spaces are what folding makes shorter.
        self.lengths[ends] & (1 << bytes.len()) != 0
            || memchr::memchr(b'.', bytes).is_some()
            || memchr::memmem::find(bytes, b"  ").is_some()
    }
}

/// Lower case, without full stops, one space between words.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let before = folded.len();
        if before > 0 {
            folded.push(' ');
        }
        let start = folded.len();
        folded.extend(
            word.chars()
                .filter(|c| *c != '.')
                .flat_map(char::to_lowercase),
        );
        if folded.len() == start {
            folded.truncate(before);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_case_stops_and_spaces() {
        let names = FoldedNames::of(["united kingdom", "uk", "\u{e9}ire", "россия"]);
        for line in [
            "Россия",
            "РОССИЯ",
            "United Kingdom",
            "UNITED  KINGDOM",
            "U.K.",
            "uk",
            "\u{c9}IRE",
            "u . k",
        ] {
            assert_eq!(names.has(line), line != "u . k", "{line}");
        }
        for line in ["", "Ukraine", "United Kingdoms", "."] {
            assert!(!names.has(line), "{line}");
        }
    }
}
