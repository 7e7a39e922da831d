//! Names that lines of addresses are compared with, whatever their case, full stops and spaces.

use std::collections::HashSet;

use foldhash::fast::FixedState;

/// Longest name that is looked for, in bytes.
const MAX_BYTES: usize = 48;

/// A set of names. A table tells nearly every line by its first byte and its length, without folding it.
pub(super) struct FoldedNames {
    names: HashSet<String, FixedState>,
    /// For each first byte, the lengths that names have.
    lengths: Box<[u64; 256]>,
}

impl FoldedNames {
    /// Folds the names.
    pub(super) fn of<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(|name| folded(name.as_ref()));
        let names: HashSet<String, FixedState> = names.collect();
        let mut lengths = Box::new([0; 256]);
        for name in names.iter().filter(|name| name.len() <= MAX_BYTES) {
            if let Some(first) = name.as_bytes().first() {
                lengths[usize::from(*first)] |= 1 << name.len();
                // É is é.
                lengths[usize::from(first.to_ascii_uppercase())] |= 1 << name.len();
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
        let Some(first) = bytes.first().filter(|_| bytes.len() <= MAX_BYTES) else {
            return false;
        };
        let lengths = self.lengths[usize::from(*first)];
        // Full stops and spaces are what folding makes shorter.
        lengths & (1 << bytes.len()) != 0
            || (lengths != 0
                && (memchr::memchr(b'.', bytes).is_some()
                    || memchr::memmem::find(bytes, b"  ").is_some()))
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
        let names = FoldedNames::of(["united kingdom", "uk", "\u{e9}ire"]);
        for line in [
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
