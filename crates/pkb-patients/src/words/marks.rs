//! Words that say something about the patient or the record, in names and addresses.
//!
//! Each cell is gone through once: its words are hashed, and a table of bits tells whether a hash is that of the first
//! word of any mark. Nearly no cell is looked at any closer.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{
    first_words::{FirstWords, hash},
    how::How,
    parts::{CellPart, folded_word, parts},
};

/// What a mark means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Meaning {
    /// The patient has died.
    Deceased,
    /// Another record is the patient's.
    DoNotUse,
    /// The patient is not to be written to.
    DoNotContact,
    /// Nobody can be reached at the address.
    NoAbode,
    /// The address is a prison, or the patient is in one.
    Prison,
    /// A newborn child without a name yet.
    Newborn,
    /// A test patient, perhaps.
    Test,
    /// A word that is not part of a name.
    NotOfAName,
    /// A title beside a name.
    TitleInName,
    /// A title, and no name.
    TitleForName,
}

impl Meaning {
    /// All of them, the most serious first.
    pub const ALL: [Self; 10] = [
        Self::Deceased,
        Self::DoNotUse,
        Self::DoNotContact,
        Self::NoAbode,
        Self::Prison,
        Self::Newborn,
        Self::Test,
        Self::NotOfAName,
        Self::TitleInName,
        Self::TitleForName,
    ];
}

/// What the words of a cell say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meanings(u16);

impl Meanings {
    fn add(&mut self, meaning: Meaning) {
        self.0 |= 1 << meaning as u8;
    }

    /// Takes a meaning back.
    fn remove(&mut self, meaning: Meaning) {
        self.0 &= !(1 << meaning as u8);
    }

    /// Whether they say nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether they say this.
    pub fn has(self, meaning: Meaning) -> bool {
        self.0 & (1 << meaning as u8) != 0
    }

    /// All that they say, the most serious first.
    pub fn each(self) -> impl Iterator<Item = Meaning> {
        Meaning::ALL.into_iter().filter(move |it| self.has(*it))
    }
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A first or last name.
    Name,
    /// A title.
    Title,
    /// A line of an address, or anything else.
    Address,
    /// Text of any kind: notes, alerts, a status.
    Note,
}

impl Scope {
    fn is_of_a_name(self) -> bool {
        matches!(self, Self::Name | Self::Title)
    }
}

/// `means` in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Means {
    Deceased,
    DoNotUse,
    DoNotContact,
    NoAbode,
    Prison,
    Newborn,
    Test,
    NotOfAName,
    Nothing,
}

impl Means {
    fn meaning(self) -> Option<Meaning> {
        Some(match self {
            Self::Deceased => Meaning::Deceased,
            Self::DoNotUse => Meaning::DoNotUse,
            Self::DoNotContact => Meaning::DoNotContact,
            Self::NoAbode => Meaning::NoAbode,
            Self::Prison => Meaning::Prison,
            Self::Newborn => Meaning::Newborn,
            Self::Test => Meaning::Test,
            Self::NotOfAName => Meaning::NotOfAName,
            Self::Nothing => return None,
        })
    }
}

/// `in` in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Places {
    #[default]
    Both,
    Names,
    Titles,
    Addresses,
    Notes,
}

impl Places {
    fn has(self, scope: Scope, how: How) -> bool {
        match (self, scope) {
            // In a note, brackets and dashes mark nothing.
            (Self::Both, Scope::Note) => matches!(how, How::Anywhere | How::Alone),
            (Self::Both, _) => true,
            (Self::Names, _) => matches!(scope, Scope::Name | Scope::Title),
            (Self::Titles, _) => scope == Scope::Title,
            (Self::Addresses, _) => scope == Scope::Address,
            (Self::Notes, _) => scope == Scope::Note,
        }
    }
}

#[derive(Debug)]
pub(super) struct Mark {
    pub(super) words: Vec<String>,
    pub(super) meaning: Meaning,
    places: Places,
    how: How,
}

/// All marks, by their first words.
#[derive(Debug, Default)]
pub(super) struct Marks {
    marks: Vec<Mark>,
    titles: HashSet<String>,
    real_names: HashSet<String>,
    by_first_word: HashMap<String, Vec<usize>>,
    glued: Vec<(Vec<u8>, Meaning)>,
    /// Letters with which a word ends, in lower case.
    glued_behind: Vec<(String, Meaning)>,
    /// Bits of the hashes of first words, and of titles.
    first_words: FirstWords,
    titles_too: FirstWords,
    /// Bits of the first words of marks that count in a note.
    of_notes: FirstWords,
}

impl Marks {
    pub(super) fn add(&mut self, means: Means, places: Places, how: How, words: &[String]) {
        for text in words {
            let words: Vec<String> = parts(text).into_iter().map(|part| part.word).collect();
            match means.meaning() {
                // Later files have the last word.
                _ if words.is_empty() => {}
                None => self.marks.retain(|mark| mark.words != words),
                Some(meaning) => self.marks.push(Mark {
                    words,
                    meaning,
                    places,
                    how,
                }),
            }
        }
    }

    pub(super) fn add_titles(&mut self, titles: &[String]) {
        self.titles
            .extend(titles.iter().map(|title| folded_word(title)));
    }

    pub(super) fn real_names(&mut self, names: &[String]) {
        self.real_names
            .extend(names.iter().map(|name| name.trim().to_lowercase()));
    }

    /// To be called when all marks are there.
    pub(super) fn settle(&mut self) {
        for (at, mark) in self.marks.iter().enumerate() {
            let Some(first) = mark.words.first() else {
                continue;
            };
            if mark.how == How::Glued {
                self.glued.push((first.clone().into_bytes(), mark.meaning));
                continue;
            }
            if mark.how == How::GluedBehind {
                self.glued_behind.push((first.clone(), mark.meaning));
                continue;
            }
            self.first_words.set(hash(first));
            self.titles_too.set(hash(first));
            let counts = matches!(mark.meaning, Meaning::Deceased | Meaning::DoNotContact);
            if counts && mark.places.has(Scope::Note, mark.how) {
                self.of_notes.set(hash(first));
            }
            self.by_first_word
                .entry(first.clone())
                .or_default()
                .push(at);
        }
        for title in &self.titles {
            self.titles_too.set(hash(title));
        }
    }

    pub(super) fn is_title(&self, word: &str) -> bool {
        self.titles.contains(&folded_word(word))
    }

    /// Whether any word of a note may be the first of a mark.
    pub(super) fn may_be_in_note(&self, text: &str) -> bool {
        self.of_notes.may_have(text)
    }

    /// The marks of which the first word is at this place.
    pub(super) fn at<'a>(
        &'a self,
        parts: &'a [CellPart],
        at: usize,
        scope: Scope,
    ) -> impl Iterator<Item = &'a Mark> {
        let marks = parts
            .get(at)
            .and_then(|part| self.by_first_word.get(&part.word));
        let marks = marks
            .into_iter()
            .flatten()
            .filter_map(|mark| self.marks.get(*mark));
        marks.filter(move |mark| {
            let found = parts.get(at..at + mark.words.len());
            let is_found = found.is_some_and(|found| {
                found.iter().map(|part| &part.word).eq(&mark.words)
                    && mark.how.fits(parts, at, mark.words.len())
            });
            is_found && mark.places.has(scope, mark.how)
        })
    }

    pub(super) fn meanings(&self, text: &str, scope: Scope) -> Meanings {
        let bits = match scope {
            Scope::Name => &self.titles_too,
            _ => &self.first_words,
        };
        let may_be_glued = scope.is_of_a_name() && self.is_glued(text);
        let has_cross = scope == Scope::Name && ends_with_cross(text);
        if !may_be_glued && !has_cross && !bits.may_have(text) {
            return Meanings::default();
        }
        if !self.real_names.is_empty() && self.real_names.contains(&text.trim().to_lowercase()) {
            return Meanings::default();
        }
        let mut meanings = self.look(&parts(text), scope);
        if has_cross {
            meanings.add(Meaning::Deceased);
        }
        if meanings.has(Meaning::Deceased) {
            meanings.remove(Meaning::NotOfAName);
        }
        meanings
    }

    fn is_glued(&self, text: &str) -> bool {
        let first = text.trim_start().as_bytes();
        let begins = self.glued.iter().any(|(letters, _)| {
            first
                .get(..letters.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(letters))
        });
        begins || text.split(' ').any(|word| self.ends_glued(word))
    }

    /// Whether a word seems to end with the letters of a mark; nearly none does.
    fn ends_glued(&self, word: &str) -> bool {
        let word = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        if !matches!(word.as_bytes().last(), Some(b'd' | b'D')) {
            return false;
        }
        let mut behind = self.glued_behind.iter();
        behind.any(|(letters, _)| {
            let wanted = letters.bytes().rev();
            let mut seen = word.bytes().rev().filter(u8::is_ascii_alphanumeric);
            wanted.into_iter().all(|letter| {
                seen.next()
                    .is_some_and(|byte| byte.eq_ignore_ascii_case(&letter))
            })
        })
    }

    fn look(&self, parts: &[CellPart], scope: Scope) -> Meanings {
        let mut meanings = Meanings::default();
        for (at, part) in parts.iter().enumerate() {
            for mark in self.at(parts, at, scope) {
                meanings.add(mark.meaning);
            }
            if scope == Scope::Name && self.titles.contains(&part.word) {
                meanings.add(if parts.len() == 1 {
                    Meaning::TitleForName
                } else {
                    Meaning::TitleInName
                });
            }
        }
        if scope.is_of_a_name() {
            for (letters, meaning) in &self.glued_behind {
                let ends = |part: &CellPart| {
                    part.word.len() > letters.len() && part.word.ends_with(letters)
                };
                if parts.iter().any(ends) {
                    meanings.add(*meaning);
                }
            }
        }
        if let Some(first) = parts.first().filter(|_| scope.is_of_a_name()) {
            for (letters, meaning) in &self.glued {
                let word = first.word.as_bytes();
                if word.starts_with(letters) && word.len() > letters.len() {
                    meanings.add(*meaning);
                }
            }
        }
        meanings
    }
}

/// Whether a name ends with a cross made of a plus sign: `SMITH +`, `Smith (+)`.
fn ends_with_cross(name: &str) -> bool {
    name.trim_end_matches([' ', ')', ']', '*', '.'])
        .ends_with('+')
}
