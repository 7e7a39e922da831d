//! Which characters values may have.

/// Characters above this are not set: no alphabet of ours has them.
const ALPHABET_END: usize = 0x2200;

/// Which characters a value may have: those that probes have shown to come out right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alphabet(Box<[u64]>);

impl Alphabet {
    pub(super) fn empty() -> Self {
        Self(vec![0; ALPHABET_END / 64].into())
    }

    pub(super) fn add(&mut self, text: &str) {
        for point in text.chars().map(|character| character as usize) {
            if let Some(bits) = self.0.get_mut(point / 64) {
                *bits |= 1 << (point % 64);
            }
        }
    }

    /// Adds those of another.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own |= other;
        }
    }

    /// Leaves those that another has, too.
    pub(super) fn keep_only(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own &= other;
        }
    }

    /// Whether a value can be set: it has these characters only, and no space where the typesetter would drop or break it.
    pub(crate) fn admits(&self, value: &str) -> bool {
        let has = |character: char| {
            let point = character as usize;
            self.0
                .get(point / 64)
                .is_some_and(|bits| bits & 1 << (point % 64) != 0)
        };
        !value.is_empty()
            && value.chars().all(has)
            && !value.starts_with(' ')
            && !value.ends_with(' ')
            && !value.contains("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_admitted_if_all_its_characters_were_seen_and_no_space_could_be_lost() {
        let mut alphabet = Alphabet::empty();
        alphabet.add("Siân Ŵ");
        assert!(alphabet.admits("Ŵân iS"));
        for value in ["", "Sx", " S", "S ", "S  n", "王", "\u{10FFFF}"] {
            assert!(!alphabet.admits(value), "{value:?}");
        }
    }
}
