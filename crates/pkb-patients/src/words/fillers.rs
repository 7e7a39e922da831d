//! Words for nothing.

use std::collections::HashSet;

use foldhash::HashMap;

/// Who writes a word for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filler {
    /// A program: the cell was empty.
    OfPrograms,
    /// A person: nobody knows the value.
    OfPeople,
}

/// Longest filler, in bytes.
const MAX_BYTES: usize = 32;

/// The words, and a table that tells nearly every cell by its first byte and its length.
#[derive(Debug)]
pub struct Fillers {
    words: HashMap<String, Filler>,
    also_names: HashSet<String>,
    real_names: HashSet<String>,
    /// For each first byte in lower case, the lengths that words have.
    lengths: [u32; 128],
}

impl Default for Fillers {
    fn default() -> Self {
        Self {
            words: HashMap::default(),
            also_names: HashSet::new(),
            real_names: HashSet::new(),
            lengths: [0; 128],
        }
    }
}

impl Fillers {
    pub(super) fn add(&mut self, words: &[String], filler: Filler) {
        for word in words {
            let word = word.trim().to_ascii_lowercase();
            let first = word.bytes().next().map(usize::from);
            if let Some(lengths) = first.and_then(|first| self.lengths.get_mut(first))
                && word.len() < MAX_BYTES
            {
                *lengths |= 1 << word.len();
                self.words.insert(word, filler);
            }
        }
    }

    pub(super) fn also_names(&mut self, words: &[String]) {
        self.also_names
            .extend(words.iter().map(|word| word.trim().to_ascii_lowercase()));
    }

    pub(super) fn real_names(&mut self, words: &[String]) {
        self.real_names
            .extend(words.iter().map(|word| word.trim().to_lowercase()));
    }

    /// Whether a cell is a word for nothing, or signs without a letter or digit; an empty cell is not.
    pub fn of(&self, cell: &str) -> Option<Filler> {
        let cell = match cell.as_bytes() {
            [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
            _ => cell.trim(),
        };
        let first = *cell.as_bytes().first()?;
        if !first.is_ascii_alphanumeric() && !cell.contains(char::is_alphanumeric) {
            let are_signs = cell
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ');
            return are_signs.then_some(Filler::OfPrograms);
        }
        let lengths = self
            .lengths
            .get(usize::from(first.to_ascii_lowercase()))
            .copied()?;
        if cell.len() >= MAX_BYTES || lengths & (1 << cell.len()) == 0 {
            return None;
        }
        let mut folded = [0; MAX_BYTES];
        let folded = &mut folded[..cell.len()];
        folded.copy_from_slice(cell.as_bytes());
        folded.make_ascii_lowercase();
        self.words.get(std::str::from_utf8(folded).ok()?).copied()
    }

    /// Whether a word for nothing is taken as a name: because the organisation says so, or because people are called
    /// that and it is written as a name is. The latter is worth a look.
    pub fn name(&self, cell: &str) -> NameOrFiller {
        let cell = cell.trim();
        if self.real_names.contains(&cell.to_lowercase()) {
            return NameOrFiller::Name;
        }
        let mut letters = cell.chars();
        let is_written_so = letters.next().is_some_and(char::is_uppercase)
            && letters.next().is_some()
            && cell.chars().skip(1).all(char::is_lowercase);
        if is_written_so && self.also_names.contains(&cell.to_ascii_lowercase()) {
            NameOrFiller::Perhaps
        } else {
            NameOrFiller::Filler
        }
    }
}

/// What a word for nothing is where a name is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameOrFiller {
    /// A name.
    Name,
    /// Probably a name.
    Perhaps,
    /// No name.
    Filler,
}
